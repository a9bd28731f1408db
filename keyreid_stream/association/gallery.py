"""The gallery: known identities with a few settled exemplars each, bounded in size and time.

Every change is an operation (`operations`). Applied in order to an empty gallery of the same settings, the operations
of another give its state, byte for byte.

A gallery serves one run after the other, and every run's clock begins anew. Inside, times count on the gallery's own
clock, seconds since it was made; times that are given or returned are those of the run that was begun last.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol

import numpy as np

from keyreid_stream.association.candidates import CandidateSearch
from keyreid_stream.association.config import AssociationConfig
from keyreid_stream.association.entries import REMEMBERED_OTHERS, Entry, Member
from keyreid_stream.association.exemplars import Exemplar
from keyreid_stream.association.operations import OPERATIONS, GalleryState, Operation, SketchKey, changed_by
from keyreid_stream.association.similarity import Signatures
from keyreid_stream.errors import InputError
from keyreid_stream.structures import FloatArray, Identity, IntArray, TrackKey

TOUCHED_EVERY_S = 1.0
"""An identity's last sighting is noted this often, not with every frame: a log of changes stays short."""

MOST_NAME = 200
"""Characters of a name."""


class TrackSpan(NamedTuple):
    """A track of the run that was begun last, and when it was seen, on that run's clock."""

    key: TrackKey
    first_s: float
    last_s: float


class Journal(Protocol):
    """Whatever keeps a gallery's operations."""

    def note(self, operation: Operation) -> None:
        """Take an operation that has just been applied."""


class Gallery:
    """Identities by id, searched exactly; a journal, if there is one, is handed every change after it was made."""

    def __init__(
        self, config: AssociationConfig, journal: Journal | None = None, state: GalleryState | None = None
    ) -> None:
        """Start with nobody, or from a state, which is changed from now on."""
        self._config = config
        self._journal = journal
        self._state = GalleryState(config.exemplars, config.global_weight) if state is None else state
        self._entries = self._state.entries
        self._unseen_since_s = -np.inf
        self._search = CandidateSearch(config.global_weight)
        self._changed: set[int] | None = None
        """Whose exemplars may be others than those that `_search` holds; None for anybody's."""

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, identity_id: int) -> bool:
        return identity_id in self._entries

    @property
    def is_journaled(self) -> bool:
        """Whether somebody is handed every change."""
        return self._journal is not None

    @property
    def state(self) -> GalleryState:
        """All that it holds; to be read only."""
        return self._state

    @property
    def offset_s(self) -> float:
        """Seconds by which the gallery's clock is ahead of the run's."""
        return self._state.offset_s

    def entries(self) -> Iterator[tuple[int, Entry]]:
        """Every identity and what is known of it, by id; to be read only, times on the gallery's clock."""
        return iter(self._entries.items())

    def holder(self, identity_id: int) -> int | None:
        """Who an id is now: itself, or whom it was merged into; None if nobody is known by it."""
        return self._state.holder(identity_id)

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
            OPERATIONS[operation.name](self._state, operation)
        except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
            raise InputError(
                f"gallery operation {operation.name} {operation.arguments} does not fit the gallery before it; "
                "its log is damaged: restore a copy of the file"
            ) from error
        self._unseen_since_s = -np.inf
        self._note_change(operation)

    def begin_run(self, started_utc_s: float, offset_s: float) -> None:
        """A run begins, whose clock is so far behind the gallery's.

        What an earlier run had not settled yet, since it was cut off or ended, is settled now.
        """
        self._do("begin_run", started_utc_s, offset_s)

    def found(self, timestamp_s: float) -> int:
        """Make a new, empty identity; its id was never used before."""
        identity_id = self._state.next_id
        timestamp_s += self.offset_s
        self._do("found", identity_id, timestamp_s)
        self._unseen_since_s = min(self._unseen_since_s, timestamp_s)
        return identity_id

    def touch(self, identity_id: int, timestamp_s: float) -> None:
        """Note that the person is in view now; every `TOUCHED_EVERY_S` is enough."""
        timestamp_s += self.offset_s
        if timestamp_s >= self._entries[identity_id].last_seen_s + TOUCHED_EVERY_S:
            self._do("touch", identity_id, timestamp_s)

    def add_track(self, identity_id: int, key: TrackKey) -> None:
        """List a track of this run under an identity, once."""
        if not self._entries[identity_id].lists(self._state.run_track(key)):
            self._do("add_track", identity_id, key.camera_id, key.track_id)

    def remove_track(self, identity_id: int, key: TrackKey) -> None:
        """Take a track of this run out of an identity's list, if it is still there."""
        if self._entries[identity_id].lists(self._state.run_track(key)):
            self._do("remove_track", identity_id, key.camera_id, key.track_id)

    def add_exemplar(self, identity_id: int, exemplar: Exemplar) -> None:
        """Keep a settled tracklet; a full set gives up the one most like another, so that what stays is diverse."""
        self._do("add_exemplar", identity_id, exemplar=exemplar.later(self.offset_s).rounded())

    def sketch(self, identity_id: int, key: TrackKey, first_frame: int, exemplar: Exemplar) -> None:
        """Keep what a tracklet that is not settled yet looks like, in place of what was kept of it before.

        Nobody is compared with it, since the tracklet itself is at hand, until the next run begins.
        """
        self._do(
            "sketch",
            identity_id,
            key.camera_id,
            key.track_id,
            first_frame,
            exemplar=exemplar.later(self.offset_s).rounded(),
        )

    def drop_sketch(self, key: TrackKey, first_frame: int) -> None:
        """Let a tracklet's sketch go, if there is one: it has settled."""
        if SketchKey(key, first_frame) in self._state.sketches:
            self._do("drop_sketch", key.camera_id, key.track_id, first_frame)

    def exemplars(self, identity_id: int) -> tuple[Exemplar, ...]:
        """An identity's settled exemplars, times on the gallery's clock."""
        return self._entries[identity_id].exemplars

    def set_apart(self, first: int, second: int) -> None:
        """Note that two identities were seen at once by one camera: they are never the same person."""
        one, other = self._entries[first].member.others, self._entries[second].member.others
        # Until the lists are half full, nobody is near being dropped from them, and it need not be noted who came last.
        if second not in one or first not in other or 2 * max(len(one), len(other)) > REMEMBERED_OTHERS:
            self._do("set_apart", first, second)

    def are_apart(self, first: int, second: int) -> bool:
        """Whether two identities are known to be different people."""
        return self._entries[first].is_apart_from(self._entries[second])

    def merge(self, kept: int, gone: int) -> None:
        """Let an identity be part of another; `unmerge` undoes it.

        Raises:
            InputError: both are the same, or one is unknown.
        """
        if kept == gone:
            raise InputError(f"identity {kept} cannot be merged into itself; name two identities")
        self._require(kept)
        self._require(gone)
        self._do("merge", kept, gone)

    def unmerge(self, identity_id: int) -> int:
        """Take whom was merged into an identity last out of it again; their id, which is what it was.

        Raises:
            InputError: the identity is unknown, or nothing that can be taken out was merged into it.
        """
        merged = self._require(identity_id).member.merged
        if not merged:
            raise InputError(
                f"nobody can be taken out of identity {identity_id}: nobody was merged into it, or too long ago; "
                "choose exemplars to split off"
            )
        self._unseen_since_s = -np.inf
        freed = merged[-1].identity_id
        self._do("unmerge", identity_id, freed)
        return freed

    def detach(self, identity_id: int, numbers: Sequence[int]) -> int:
        """Make a new identity of some of an identity's exemplars, by their places in `exemplars`; its id.

        Raises:
            InputError: the identity is unknown, there are no such exemplars, or none would remain.
        """
        count = len(self._require(identity_id).exemplars)
        chosen = sorted(set(numbers))
        if not chosen or chosen[0] < 0 or chosen[-1] >= count or len(chosen) == count:
            raise InputError(
                f"exemplars {', '.join(map(str, chosen)) or 'none'} of identity {identity_id} cannot be split off; "
                f"it has {count}, numbered from 0, and one must remain"
            )
        self._unseen_since_s = -np.inf
        new_id = self._state.next_id
        self._do("detach", identity_id, new_id, *chosen)
        return new_id

    def part(self, identity_id: int, spans: Sequence[TrackSpan]) -> int:
        """Make a new identity of some of an identity's tracks of the run that was begun last; its id.

        Views that their camera had of the identity while they lasted go with them.

        Raises:
            InputError: the identity is unknown, a track is not its, or none would remain.
        """
        entry = self._require(identity_id)
        tracks = {self._state.run_track(span.key) for span in spans}
        strange = sorted(f"{one.key.camera_id}/{one.key.track_id}" for one in tracks if not entry.lists(one))
        if strange or not tracks or len(tracks) == len(entry.tracks):
            raise InputError(
                f"tracks {', '.join(strange)} are not of identity {identity_id} in its gallery's last run"
                if strange
                else f"some tracks of identity {identity_id} must be chosen, and one must remain"
            )
        self._unseen_since_s = -np.inf
        new_id = self._state.next_id
        told = [
            (span.key.camera_id, span.key.track_id, span.first_s + self.offset_s, span.last_s + self.offset_s)
            for span in spans
        ]
        self._do("part", identity_id, new_id, *(value for one in told for value in one))
        return new_id

    def settle(self) -> None:
        """A run has ended: what it had not settled yet is settled."""
        if self._state.sketches:
            self._do("settle")

    def put_back(self, gone: Sequence[int], members: Sequence[Member]) -> None:
        """Let people be as they once were.

        Args:
            gone: identities that are no more.
            members: those that are there instead.

        Raises:
            InputError: an identity is unknown.
        """
        for identity_id in gone:
            self._require(identity_id)
        self._unseen_since_s = -np.inf
        back = [one.identity_id for member in members for one in member.family()]
        self._do("put_back", len(gone), *gone, *back, members=tuple(members))

    def name(self, identity_id: int, text: str) -> None:
        """Call an identity something; an empty text takes the name away.

        Raises:
            InputError: the identity is unknown, or the text is too long or no line of text.
        """
        self._require(identity_id)
        if len(text) > MOST_NAME or (text and not text.isprintable()):
            raise InputError(f"a name is one line of at most {MOST_NAME} printable characters; give another")
        self._do("name", identity_id, text)

    def forget(self, identity_id: int) -> tuple[int, ...]:
        """Erase an identity and everyone merged into it; all the ids it went by, none of which is used again.

        Raises:
            InputError: the identity is unknown.
        """
        ids = tuple(sorted(self._require(identity_id).ids))
        self._do("forget", identity_id)
        return ids

    def prune(self, before_s: float, camera_id: str | None = None) -> int:
        """Drop exemplars of sightings that ended before a time of the gallery's clock, of a camera or of all.

        Without a camera, identities unseen since then go as a whole.

        Returns:
            how many identities lost something.
        """
        touched = self._state.older(before_s, camera_id or "")
        if touched:
            self._do("prune", before_s, camera_id or "")
        return len(touched)

    def nearest(self, rows: Signatures, count: int) -> tuple[IntArray, FloatArray]:
        """The identities most like each row, by their closest exemplar.

        Returns:
            identity ids and similarities, (len(rows), m) each, closest first; m is `count`, or as many as there are.
        """
        changed = {*self._entries, *self._search.ids()} if self._changed is None else self._changed
        for identity_id in sorted(changed):
            entry = self._entries.get(identity_id)
            self._search.put(identity_id, () if entry is None else entry.exemplars)
        self._changed = set()
        return self._search.nearest(rows, count)

    def expire(self, now_s: float, in_use: Iterable[int]) -> list[int]:
        """Drop identities unseen past retention, then the least recently seen beyond the cap; return their ids.

        With them go their embeddings: nobody is matched to them any more. What was said of them stays said.

        Identities in `in_use` are never dropped.
        """
        oldest_allowed = now_s + self.offset_s - self._config.kept_s
        surplus = len(self._entries) - self._config.max_identities
        if surplus <= 0 and self._unseen_since_s >= oldest_allowed:
            return []  # nobody is so old: it was looked up before
        last_seen_s = {identity_id: entry.last_seen_s for identity_id, entry in self._entries.items()}
        used = set(in_use)
        away = [identity_id for identity_id in self._entries if identity_id not in used]
        gone = [identity_id for identity_id in away if last_seen_s[identity_id] < oldest_allowed]
        if surplus > len(gone):
            expired = set(gone)
            rest = (identity_id for identity_id in away if identity_id not in expired)
            gone += heapq.nsmallest(surplus - len(gone), rest, key=lambda identity_id: last_seen_s[identity_id])
        for identity_id in gone:
            del last_seen_s[identity_id]
        self._unseen_since_s = min(last_seen_s.values(), default=np.inf)
        if gone:
            self._do("expire", *gone)
        return gone

    def identities(self) -> list[Identity]:
        """Everyone, by identity id, with their tracks of this run and times on its clock."""
        return [
            Identity(
                identity_id,
                entry.first_seen_s - self.offset_s,
                entry.last_seen_s - self.offset_s,
                tuple(track.key for track in entry.tracks if track.run == self._state.run),
            )
            for identity_id, entry in self._entries.items()
        ]

    def _require(self, identity_id: int) -> Entry:
        if identity_id in self._entries:
            return self._entries[identity_id]
        now = self.holder(identity_id)
        if now is not None:
            raise InputError(f"identity {identity_id} was merged into {now}; name that one")
        raise InputError(f"there is no identity {identity_id} in the gallery; list those there are")

    def _do(
        self,
        name: str,
        *arguments: int | float | str,
        exemplar: Exemplar | None = None,
        members: tuple[Member, ...] = (),
    ) -> None:
        operation = Operation(name, arguments, exemplar, members)
        OPERATIONS[name](self._state, operation)
        self._note_change(operation)
        if self._journal is not None:
            self._journal.note(operation)

    def _note_change(self, operation: Operation) -> None:
        changed = changed_by(operation)
        if changed is None or self._changed is None:
            self._changed = None
        else:
            self._changed |= changed
