"""The gallery: known identities with a few settled exemplars each, bounded in size and time.

Every change is an operation. Applied in order to an empty gallery of the same settings, the operations of another give
its state, byte for byte.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from keyreid_stream.association.config import AssociationConfig
from keyreid_stream.association.similarity import Signatures, similarity
from keyreid_stream.errors import InputError
from keyreid_stream.structures import FloatArray, Identity, IntArray, TrackKey

REMEMBERED_TRACKS = 256
"""Tracks listed per identity: enough to look at, bounded for runs that last weeks."""

REMEMBERED_OTHERS = 256
"""People known to be somebody else, per identity: those seen beside them last."""

TOUCHED_EVERY_S = 1.0
"""An identity's last sighting is noted this often, not with every frame: a log of changes stays short."""


@dataclass(frozen=True, slots=True, eq=False)
class Exemplar:
    """A settled tracklet: what an identity looked like to one camera.

    Attributes:
        signature: one row.
        camera: the camera's number.
        clips: how many clips it is the mean of.
        first_s, last_s: when it was seen.
    """

    signature: Signatures
    camera: int
    clips: int
    first_s: float
    last_s: float

    def rounded(self) -> Exemplar:
        """The exemplar in half precision, as it is stored: what is compared now is what a restart compares."""
        rows = Signatures(_halved(self.signature.vectors), _halved(self.signature.visibility))
        return Exemplar(rows, self.camera, self.clips, self.first_s, self.last_s)


@dataclass(frozen=True, slots=True, eq=False)
class Operation:
    """One change of a gallery.

    Attributes:
        name: one of `OPERATIONS`.
        arguments: plain values, as many as the operation takes.
        exemplar: of `add_exemplar` alone, in half precision.
    """

    name: str
    arguments: tuple[int | float | str, ...]
    exemplar: Exemplar | None = None


class Journal(Protocol):
    """Whatever keeps a gallery's operations."""

    def note(self, operation: Operation) -> None:
        """Take an operation that has just been applied."""


@dataclass(slots=True, eq=False)
class Entry:
    """What is known of an identity; `others` are the people known to be somebody else, those seen last at the end."""

    first_seen_s: float
    last_seen_s: float
    exemplars: list[Exemplar] = field(default_factory=list)
    tracks: deque[TrackKey] = field(default_factory=lambda: deque(maxlen=REMEMBERED_TRACKS))
    others: dict[int, None] = field(default_factory=dict)


class Gallery:
    """Identities by id, searched exactly; a journal, if there is one, is handed every change after it was made."""

    def __init__(self, config: AssociationConfig, journal: Journal | None = None) -> None:
        self._config = config
        self._journal = journal
        self._entries: dict[int, Entry] = {}
        self._next_id = 1

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, identity_id: int) -> bool:
        return identity_id in self._entries

    @property
    def next_id(self) -> int:
        """The id that the next new identity gets."""
        return self._next_id

    def entries(self) -> Iterator[tuple[int, Entry]]:
        """Every identity and what is known of it, in the order of founding; to be read only."""
        return iter(self._entries.items())

    def apply(self, operation: Operation) -> None:
        """Make a change that another gallery made.

        Raises:
            InputError: the operation is unknown, lacks something, or does not fit this gallery.
        """
        if operation.name not in OPERATIONS:
            raise InputError(
                f"gallery operation {operation.name!r} is unknown; allowed: {', '.join(OPERATIONS)}; "
                "was the gallery written by a newer version?"
            )
        try:
            OPERATIONS[operation.name](self, operation)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InputError(
                f"gallery operation {operation.name} {operation.arguments} does not fit the gallery before it; "
                "its log is damaged: restore a copy of the file"
            ) from error

    def found(self, timestamp_s: float) -> int:
        """Make a new, empty identity; its id was never used before."""
        identity_id = self._next_id
        self._do("found", identity_id, timestamp_s)
        return identity_id

    def touch(self, identity_id: int, timestamp_s: float) -> None:
        """Note that the person is in view now; every `TOUCHED_EVERY_S` is enough."""
        if timestamp_s >= self._entries[identity_id].last_seen_s + TOUCHED_EVERY_S:
            self._do("touch", identity_id, timestamp_s)

    def add_track(self, identity_id: int, key: TrackKey) -> None:
        """List a track under an identity, once."""
        if key not in self._entries[identity_id].tracks:
            self._do("add_track", identity_id, key.camera_id, key.track_id)

    def remove_track(self, identity_id: int, key: TrackKey) -> None:
        """Take a track out of an identity's list, if it is still there."""
        if key in self._entries[identity_id].tracks:
            self._do("remove_track", identity_id, key.camera_id, key.track_id)

    def add_exemplar(self, identity_id: int, exemplar: Exemplar) -> None:
        """Keep a settled tracklet; a full set gives up the one most like another, so that what stays is diverse."""
        self._do("add_exemplar", identity_id, exemplar=exemplar.rounded())

    def exemplars(self, identity_id: int) -> tuple[Exemplar, ...]:
        """An identity's settled exemplars."""
        return tuple(self._entries[identity_id].exemplars)

    def set_apart(self, first: int, second: int) -> None:
        """Note that two identities were seen at once by one camera: they are never the same person."""
        pairs = ((first, second), (second, first))
        if not all(next(reversed(self._entries[one].others), None) == other for one, other in pairs):
            self._do("set_apart", first, second)

    def are_apart(self, first: int, second: int) -> bool:
        """Whether two identities are known to be different people."""
        return second in self._entries[first].others or first in self._entries[second].others

    def merge(self, kept: int, gone: int) -> None:
        """Fold an identity into another.

        Raises:
            InputError: both are the same.
        """
        if kept == gone:
            raise InputError(f"identity {kept} cannot be merged into itself; name two identities")
        self._do("merge", kept, gone)

    def search(self, rows: Signatures) -> tuple[IntArray, FloatArray]:
        """Every identity's best similarity to each row.

        Returns:
            identity ids (I,) ascending by founding, and similarities (len(rows), I): the closest exemplar's.
        """
        known = [(identity_id, entry.exemplars) for identity_id, entry in self._entries.items() if entry.exemplars]
        ids = np.array([identity_id for identity_id, _ in known], np.int64)
        if not known or not len(rows):
            return ids, np.zeros((len(rows), len(ids)), np.float32)
        all_exemplars = Signatures.joined([one.signature for _, exemplars in known for one in exemplars])
        pairs = similarity(rows, all_exemplars, self._config.global_weight)
        starts = np.cumsum([0, *(len(exemplars) for _, exemplars in known[:-1])])
        best: FloatArray = np.maximum.reduceat(pairs, starts, axis=1)
        return ids, best

    def expire(self, now_s: float, in_use: Iterable[int]) -> list[int]:
        """Drop identities unseen past retention, then the least recently seen beyond the cap; return their ids.

        With them go their embeddings: nobody is matched to them any more. What was said of them stays said.

        Identities in `in_use` are never dropped.
        """
        oldest_allowed = now_s - self._config.retention_s
        if len(self._entries) <= self._config.max_identities and not any(
            entry.last_seen_s < oldest_allowed for entry in self._entries.values()
        ):
            return []
        used = set(in_use)
        away = [identity_id for identity_id in self._entries if identity_id not in used]
        gone = [identity_id for identity_id in away if self._entries[identity_id].last_seen_s < oldest_allowed]
        surplus = len(self._entries) - len(gone) - self._config.max_identities
        if surplus > 0:
            expired = set(gone)
            by_age = sorted(
                (i for i in away if i not in expired), key=lambda identity_id: self._entries[identity_id].last_seen_s
            )
            gone += by_age[:surplus]
        if gone:
            self._do("expire", *gone)
        return gone

    def identities(self) -> list[Identity]:
        """Everyone, by identity id."""
        return [
            Identity(identity_id, entry.first_seen_s, entry.last_seen_s, tuple(entry.tracks))
            for identity_id, entry in sorted(self._entries.items())
        ]

    def _do(self, name: str, *arguments: int | float | str, exemplar: Exemplar | None = None) -> None:
        operation = Operation(name, arguments, exemplar)
        OPERATIONS[name](self, operation)
        if self._journal is not None:
            self._journal.note(operation)

    def _apply_found(self, operation: Operation) -> None:
        identity_id, timestamp_s = operation.arguments
        # Ids go on from the log even where entries of it are gone.
        self._next_id = max(self._next_id, int(identity_id) + 1)
        self._entries[int(identity_id)] = Entry(float(timestamp_s), float(timestamp_s))

    def _apply_touch(self, operation: Operation) -> None:
        identity_id, timestamp_s = operation.arguments
        entry = self._entries[int(identity_id)]
        entry.last_seen_s = max(entry.last_seen_s, float(timestamp_s))

    def _apply_add_track(self, operation: Operation) -> None:
        identity_id, camera_id, track_id = operation.arguments
        self._list_track(self._entries[int(identity_id)], TrackKey(str(camera_id), int(track_id)))

    def _apply_remove_track(self, operation: Operation) -> None:
        identity_id, camera_id, track_id = operation.arguments
        self._entries[int(identity_id)].tracks.remove(TrackKey(str(camera_id), int(track_id)))

    def _apply_add_exemplar(self, operation: Operation) -> None:
        (identity_id,) = operation.arguments
        if operation.exemplar is None:
            raise ValueError("add_exemplar without an exemplar")
        self._keep(self._entries[int(identity_id)].exemplars, operation.exemplar)

    def _apply_set_apart(self, operation: Operation) -> None:
        first, second = operation.arguments
        self._part(int(first), int(second))

    def _apply_merge(self, operation: Operation) -> None:
        kept, gone = (int(one) for one in operation.arguments)
        entry, other = self._entries[kept], self._entries.pop(gone)
        entry.first_seen_s = min(entry.first_seen_s, other.first_seen_s)
        entry.last_seen_s = max(entry.last_seen_s, other.last_seen_s)
        for key in other.tracks:
            self._list_track(entry, key)
        for exemplar in other.exemplars:
            self._keep(entry.exemplars, exemplar)
        for apart in other.others:
            if apart in self._entries:
                self._part(kept, apart)

    def _apply_expire(self, operation: Operation) -> None:
        for identity_id in operation.arguments:
            del self._entries[int(identity_id)]

    def _list_track(self, entry: Entry, key: TrackKey) -> None:
        if key not in entry.tracks:
            entry.tracks.append(key)

    def _keep(self, exemplars: list[Exemplar], exemplar: Exemplar) -> None:
        exemplars.append(exemplar)
        if len(exemplars) <= self._config.exemplars:
            return
        rows = Signatures.joined([one.signature for one in exemplars])
        closeness = similarity(rows, rows, self._config.global_weight)
        cameras = np.array([one.camera for one in exemplars])
        np.fill_diagonal(closeness, -1)
        # A camera's only view of somebody stays, if there is a pair of one camera to choose from.
        same = np.where(cameras[:, None] == cameras, closeness, closeness - 2)
        first, second = np.unravel_index(int(np.argmax(same)), same.shape)
        del exemplars[min(int(first), int(second), key=lambda row: (exemplars[row].clips, row))]

    def _part(self, first: int, second: int) -> None:
        for one, other in ((first, second), (second, first)):
            others = self._entries[one].others
            others.pop(other, None)
            others[other] = None
            if len(others) > REMEMBERED_OTHERS:
                del others[next(iter(others))]


OPERATIONS: dict[str, Callable[[Gallery, Operation], None]] = {
    "found": Gallery._apply_found,
    "touch": Gallery._apply_touch,
    "add_track": Gallery._apply_add_track,
    "remove_track": Gallery._apply_remove_track,
    "add_exemplar": Gallery._apply_add_exemplar,
    "set_apart": Gallery._apply_set_apart,
    "merge": Gallery._apply_merge,
    "expire": Gallery._apply_expire,
}
"""What each operation does, by name."""


def _halved(rows: FloatArray) -> FloatArray:
    return rows.astype(np.float16).astype(np.float32)
