"""A gallery that survives: one file with a log of every change, and snapshots so that opening it stays quick.

Changes are written by ticks, one transaction each, in a write-ahead log with `synchronous = NORMAL`. When `tick()` has
returned, its changes are with the operating system: a process that is killed loses nothing. When power fails, the ticks
since the last checkpoint may be lost (a thousand pages' worth); the file is whole, and says how things were. To survive
that too, every tick would have to wait for the disk, for milliseconds: too much for what can be seen again.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from keyreid_stream.association.config import AssociationConfig
from keyreid_stream.association.gallery import Gallery
from keyreid_stream.association.journal import (
    decode_head,
    decoded,
    decoded_member,
    encoded,
    encoded_head,
    encoded_member,
)
from keyreid_stream.association.operations import GalleryState, Operation, changed_by, named_by
from keyreid_stream.association.store_file import check_place, open_file, refusal
from keyreid_stream.errors import InputError
from keyreid_stream.structures import EmbeddingLayout

SNAPSHOT_EVERY = 2000
"""Operations after which identities that changed are written as they are, and the log loses its numbers."""

_HEAD = 0
"""The row of the snapshot that is no identity."""

_ERASED = '["erased",[]]'


@dataclass(frozen=True, slots=True)
class EmbeddingSpace:
    """Whose embeddings a gallery holds: those of different models cannot be compared.

    Attributes:
        layout: of the embeddings.
        model: the model's name.
        sha256: of its weights.
    """

    layout: EmbeddingLayout
    model: str
    sha256: str


@dataclass(frozen=True, slots=True)
class KnownRun:
    """A run that a gallery served: its number from 1, when it began, and its folder, if it had one."""

    number: int
    started_utc_s: float
    folder: Path | None


class GalleryStore:
    """A gallery and its file. The file is made by the first change; it is this process's alone until `close`.

    Attributes:
        path: the file.
        gallery: change it inside `tick()` only.
        known_before: how many identities the file knew when it was opened.
    """

    def __init__(
        self,
        path: Path,
        config: AssociationConfig | None = None,
        space: EmbeddingSpace | None = None,
        *,
        must_exist: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Open a gallery.

        Args:
            path: the file.
            config: settings; without it those that the file was made with.
            space: of the embeddings that will be added and compared; without it the gallery is only to be looked at,
                or to be changed by hand.
            must_exist: whether a missing file is an error.
            clock: seconds since 1970.

        Raises:
            InputError: the file is in use, damaged, or of another kind, model or settings, or cannot be made.
        """
        self.path = path
        self._clock = clock
        self._space = space
        self._is_open = True
        self._in_tick = False
        self._failed = False
        self._pending: list[Operation] = []
        self._pending_run: KnownRun | None = None
        self._changed: set[int] | None = set()
        self._since_snapshot = 0
        check_place(path, must_exist=must_exist)
        self._file = open_file(path) if path.exists() and path.stat().st_size else None
        try:
            self._meta = self._read_meta()
            self._config = self._checked(config)
            self.gallery = Gallery(self._config, self, self._restored())
        except BaseException:
            self.close()
            raise
        self.known_before = len(self.gallery)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        self.close()

    @property
    def is_usable(self) -> bool:
        """Whether it is open, and nothing has failed."""
        return self._is_open and not self._failed

    @property
    def created_utc_s(self) -> float | None:
        """When the gallery was made, from which its clock counts; None as long as nothing was written."""
        return float(self._meta["created_utc_s"]) if self._meta else None

    @property
    def space(self) -> EmbeddingSpace | None:
        """Whose embeddings it holds; None as long as nothing was written."""
        return _space(self._meta) if self._meta.get("model") else self._space

    def note(self, operation: Operation) -> None:
        """Take a change of the gallery; it is written at the tick's end.

        Raises:
            InputError: it is not made inside `tick()`.
        """
        if not self._in_tick:
            self._failed = True
            raise InputError("a stored gallery is changed inside `with store.tick()` only; open it again")
        self._pending.append(operation)

    @contextmanager
    def tick(self) -> Iterator[None]:
        """Changes inside are written together when it ends; if something fails, none is, and it must be opened anew.

        Raises:
            InputError: the store is closed or failed before, or the file cannot be written.
        """
        if not self._is_open or self._failed or self._in_tick:
            raise InputError(f"gallery {self.path} is closed, in use, or failed before; open it again")
        self._in_tick = True
        try:
            yield
            if self._pending or self._pending_run:
                with self._transaction() as file:
                    self._write(file)
        except BaseException:
            self._failed = True
            raise
        finally:
            self._in_tick = False

    def begin_run(self, first_timestamp_s: float, folder: Path | None = None) -> None:
        """Inside a tick: set the gallery's clock for a run whose first tick has this time.

        The gallery's clock counts seconds since it was made. A run begins where the wall clock is now, but never before
        the end of what is known: footage that is read faster than it was taken runs ahead.
        """
        now = self._clock()
        if not self._meta:
            self._meta = {"created_utc_s": repr(now)}
        seen_s = (entry.last_seen_s for _, entry in self.gallery.entries())
        begins_s = max(now - float(self._meta["created_utc_s"]), *seen_s, 0.0)
        self.gallery.begin_run(round(now, 3), round(begins_s - first_timestamp_s, 3))
        self._pending_run = KnownRun(self.gallery.state.run, now, None if folder is None else folder.absolute())

    def runs(self) -> list[KnownRun]:
        """The runs it served, in order."""
        if self._file is None:
            return []
        rows = self._file.execute("SELECT number, started_utc_s, folder FROM runs ORDER BY number")
        return [KnownRun(number, started, Path(folder) if folder else None) for number, started, folder in rows]

    def history(self) -> list[tuple[float, str, tuple[int | float | str, ...]]]:
        """The changes that are still told, oldest first: when, in seconds since 1970, which, and its arguments."""
        if self._file is None:
            return []
        rows = self._file.execute("SELECT utc_s, text FROM log ORDER BY seq")
        return [(utc_s, *_told(text)) for utc_s, text in rows]

    def snapshot(self) -> None:
        """Write all that changed as it is now, and take the numbers out of the log."""
        with self._transaction() as file:
            self._write_snapshot(file)

    def rewrite(self, forgotten: Iterable[int] = ()) -> None:
        """Write the whole file anew without what was deleted, and without log entries that name the forgotten."""
        ids = frozenset(forgotten)
        self._changed = None
        with self._transaction() as file:
            self._write_snapshot(file)
            named = [
                (_ERASED, seq)
                for seq, text in file.execute("SELECT seq, text FROM log")
                if text != _ERASED and not ids.isdisjoint(_named(text))
            ]
            file.executemany("UPDATE log SET text = ?, numbers = NULL WHERE seq = ?", named)
        try:
            file.execute("VACUUM")
            file.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.Error as error:
            raise refusal(self.path, error) from error

    def close(self) -> None:
        """Let the file go; closing twice is no harm."""
        self._is_open = False
        if self._file is not None:
            self._file.close()
            self._file = None

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        try:
            if self._file is None:
                self._file = open_file(self.path)
                if self._read_meta():
                    raise InputError(f"gallery {self.path} was made by another process meanwhile; run again")
            file = self._file
            file.execute("BEGIN IMMEDIATE")
            try:
                self._write_meta(file)
                yield file
                file.execute("COMMIT")
            except BaseException:
                if file.in_transaction:
                    file.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            self._failed = True
            raise refusal(self.path, error) from error

    def _write(self, file: sqlite3.Connection) -> None:
        now = self._clock()
        rows = [(now, *encoded(operation)) for operation in self._pending]
        file.executemany("INSERT INTO log (utc_s, text, numbers) VALUES (?, ?, nullif(?, x''))", rows)
        if self._pending_run is not None:
            run = self._pending_run
            folder = str(run.folder) if run.folder else ""
            file.execute("INSERT INTO runs VALUES (?, ?, ?)", (run.number, run.started_utc_s, folder))
        for operation in self._pending:
            self._note_changed(operation)
        self._since_snapshot += len(self._pending)
        self._pending, self._pending_run = [], None
        if self._since_snapshot >= SNAPSHOT_EVERY:
            self._write_snapshot(file)

    def _note_changed(self, operation: Operation) -> None:
        ids = changed_by(operation)
        self._changed = None if ids is None or self._changed is None else self._changed | ids

    def _write_snapshot(self, file: sqlite3.Connection) -> None:
        entries = dict(self.gallery.entries())
        if self._changed is None:
            file.execute("DELETE FROM snapshot")
        changed = set(entries) if self._changed is None else self._changed
        file.executemany("DELETE FROM snapshot WHERE identity_id = ?", [(one,) for one in changed])
        rows = ((one, *encoded_member(entries[one].member)) for one in sorted(changed) if one in entries)
        file.executemany("INSERT INTO snapshot VALUES (?, ?, ?)", rows)
        file.execute("INSERT OR REPLACE INTO snapshot VALUES (?, ?, ?)", (_HEAD, *encoded_head(self.gallery.state)))
        (last,) = file.execute("SELECT coalesce(max(seq), 0) FROM log").fetchone()
        file.execute("INSERT OR REPLACE INTO meta VALUES ('snapshot_seq', ?)", (str(last),))
        file.execute("UPDATE log SET numbers = NULL WHERE numbers IS NOT NULL")
        # Who is dropped by age is not told of any longer than they would have been known.
        file.execute("DELETE FROM log WHERE utc_s < ?", (self._clock() - self._config.kept_s,))
        self._changed, self._since_snapshot = set(), 0

    def _read_meta(self) -> dict[str, str]:
        if self._file is None:
            return {}
        try:
            return dict(self._file.execute("SELECT key, value FROM meta").fetchall())
        except sqlite3.Error as error:
            raise refusal(self.path, error) from error

    def _write_meta(self, file: sqlite3.Connection) -> None:
        """Note whose embeddings it holds and the settings, once they are known."""
        meta = {"created_utc_s": repr(self._clock())} | self._meta
        meta |= {
            "exemplars": str(self._config.exemplars),
            "global_weight": repr(self._config.global_weight),
            "retention_s": repr(self._config.kept_s),
        }
        if self._space is not None:
            layout = self._space.layout
            meta["layout"] = json.dumps([layout.global_dim, layout.parts, layout.part_dim])
            meta["model"], meta["sha256"] = self._space.model, self._space.sha256
        if meta != self._meta:
            rows = [(key, value) for key, value in meta.items() if key != "snapshot_seq"]
            file.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", rows)
            self._meta = meta

    def _checked(self, config: AssociationConfig | None) -> AssociationConfig:
        """The settings, if they and the embeddings are those that the file was made with."""
        if not self._meta:
            return config or AssociationConfig()
        try:
            made = AssociationConfig(
                exemplars=int(self._meta["exemplars"]),
                global_weight=float(self._meta["global_weight"]),
                retention_s=float(self._meta["retention_s"]),
            )
        except (KeyError, ValueError) as error:
            raise InputError(f"gallery {self.path} is damaged (its settings); restore a copy of it") from error
        known = _space(self._meta) if self._meta.get("model") else None
        if known is not None and self._space is not None and known != self._space:
            raise InputError(
                f"gallery {self.path} holds embeddings of the model {known.model!r} ({known.sha256[:12]}), which "
                f"cannot be compared with those of {self._space.model!r} ({self._space.sha256[:12]}); "
                "use that model, or another gallery"
            )
        if config is None:
            return made
        for name in ("exemplars", "global_weight"):
            if getattr(config, name) != getattr(made, name):
                raise InputError(
                    f"gallery {self.path} was made with association.{name} = {getattr(made, name):g}, "
                    f"the settings say {getattr(config, name):g}; use one of them for both"
                )
        return config

    def _restored(self) -> GalleryState:
        state = GalleryState(self._config.exemplars, self._config.global_weight)
        if self._file is None:
            return state
        try:
            for identity_id, text, numbers in self._file.execute("SELECT * FROM snapshot ORDER BY identity_id"):
                if identity_id == _HEAD:
                    decode_head(state, text, numbers)
                else:
                    state.add(decoded_member(text, numbers))
            after = int(self._meta.get("snapshot_seq", 0))
            gallery = Gallery(self._config, state=state)
            rows = self._file.execute("SELECT text, numbers FROM log WHERE seq > ? ORDER BY seq", (after,)).fetchall()
            for text, numbers in rows:
                operation = decoded(text, numbers or b"")
                gallery.apply(operation)
                self._note_changed(operation)
        except sqlite3.Error as error:
            raise refusal(self.path, error) from error
        self._since_snapshot = len(rows)
        return state


def _space(meta: dict[str, str]) -> EmbeddingSpace:
    return EmbeddingSpace(EmbeddingLayout(*json.loads(meta["layout"])), meta["model"], meta["sha256"])


def _told(text: str) -> tuple[str, tuple[int | float | str, ...]]:
    name, arguments, *_ = json.loads(text)
    return str(name), tuple(arguments)


def _named(text: str) -> frozenset[int]:
    name, arguments = _told(text)
    return frozenset() if name == "forget" else named_by(Operation(name, arguments))
