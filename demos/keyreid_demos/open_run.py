"""A run's folder that is looked at, and worked with."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from keyreid_demos.people import AsTheGallerySays, AsTheRunSaid, Person, Sighting, people_of, sightings_of
from keyreid_stream.association import GalleryStore, editing
from keyreid_stream.association.editing import Edit
from keyreid_stream.association.erasing import forget as forget_in_gallery
from keyreid_stream.association.gallery import TrackSpan
from keyreid_stream.errors import InputError, KeyReIDError
from keyreid_stream.run_erasure import erase_from_run
from keyreid_stream.run_folder import SCHEMA
from keyreid_stream.sinks import read_events
from keyreid_stream.sinks.events_jsonl import event_pieces

MOST_EDITS = 50
"""Changes that can be undone."""

MAX_REPORT_BYTES = 64 * 2**20


class OpenRun:
    """A run, who is in it, and changes of who is who: through its gallery's operations, one at a time.

    Attributes:
        folder: the run's.
        report: the content of `run.json`.
        gallery: the gallery's file; None if the run has none that can be changed.
        why_fixed: why nothing can be changed, in a sentence; empty if it can.
        edit_lock: held while the gallery's file is open: it is one process's and one thread's alone.
    """

    def __init__(self, folder: Path) -> None:
        """Look at a run's folder.

        Raises:
            InputError: it is none.
        """
        self.folder = folder.resolve()
        self.report = _read_report(self.folder)
        self.gallery, self.why_fixed = self._gallery()
        self.edit_lock = threading.Lock()
        self._edits: list[Edit] = []
        self._sightings: tuple[Sighting, ...] = ()
        self._read_at = (0, 0)

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.name

    @property
    def is_going_on(self) -> bool:
        """Whether the run had not ended when it was opened."""
        return bool(self.report.get("status") == "running")

    @property
    def cameras(self) -> dict[str, float]:
        """Nominal frames per second, by camera."""
        return {name: float(camera.get("fps") or 25.0) for name, camera in self.report.get("cameras", {}).items()}

    @property
    def sightings(self) -> tuple[Sighting, ...]:
        """Every track that was somebody.

        Raises:
            InputError: the event log is damaged.
        """
        log = self.folder / "events.jsonl"
        if not log.is_file() and not event_pieces(log):
            return ()
        newest = max([log, *event_pieces(log)], key=_changed_at)
        if _changed_at(newest) != self._read_at:
            self._read_at = _changed_at(newest)
            events = list(read_events(log, partial=True))
            self._sightings = sightings_of(events, self.folder / "crops", self.cameras)
        return self._sightings

    def people(self) -> tuple[Person, ...]:
        """Everybody, as known now.

        Raises:
            InputError: the run's files are damaged, or its gallery is in use.
        """
        if self.gallery is None:
            return people_of(self.sightings, AsTheRunSaid())
        with self._open() as store:
            return people_of(self.sightings, AsTheGallerySays.of(store.gallery, self._run_number(store)))

    def person(self, identity_id: int) -> Person:
        """Somebody by any id they went by.

        Raises:
            InputError: there is nobody of that id.
        """
        found = next((one for one in self.people() if identity_id == one.identity_id or identity_id in one.ids), None)
        if found is None:
            raise InputError(f"there is no P{identity_id} in this run any more; choose somebody from the list")
        return found

    def crop_of(self, identity_id: int, camera_id: str | None = None) -> Path | None:
        """A picture of somebody, from a camera or from any; None without one."""
        try:
            return self.person(identity_id).crop(camera_id)
        except InputError:
            return None

    @property
    def last_edit(self) -> str | None:
        """What `undo` would undo, in words."""
        return self._edits[-1].told if self._edits else None

    def rename(self, identity_id: int, text: str) -> int:
        """Call somebody something; whom to look at then.

        Raises:
            InputError: there is nobody of that id, the text is no name, or nothing can be changed.
        """
        return self._edit(lambda store: editing.rename(store, identity_id, text.strip()))

    def merge(self, kept: int, gone: int) -> int:
        """Say that two are one person; whom to look at then.

        Raises:
            InputError: as for `rename`.
        """
        return self._edit(lambda store: editing.merge(store, kept, gone))

    def take_out(self, identity_id: int) -> int:
        """Take out whom was merged in last; who that is.

        Raises:
            InputError: as for `rename`.
        """
        return self._edit(lambda store: editing.take_out(store, identity_id))

    def part(self, identity_id: int, sightings: Sequence[str]) -> int:
        """Say that some of somebody's sightings, by name, are somebody else; who that is.

        Raises:
            InputError: as for `rename`, or there is no such sighting, or none would remain.
        """
        person = self.person(identity_id)
        chosen = [one for one in person.sightings if one.name in set(sightings)]
        if not chosen or len(chosen) == len(person.sightings):
            raise InputError(f"choose some of the {len(person.sightings)} sightings of {person.title}, but not all")
        spans = [TrackSpan(one.key, one.first_s, one.last_s) for one in chosen]
        return self._edit(lambda store: editing.part(store, identity_id, spans))

    def undo(self) -> str:
        """Undo the last change; what it was.

        Raises:
            InputError: there is none, or somebody concerned has changed since.
        """
        self._check_changeable()
        with self._open() as store:
            if not self._edits:
                raise InputError("there is nothing to undo")
            edit = self._edits.pop()
            editing.undo(store, edit)
        return edit.told

    def forget(self, identity_id: int) -> list[Path]:
        """Erase somebody: from the gallery, and from the run's folder. It cannot be undone.

        Returns:
            files of the run that may still show them.

        Raises:
            InputError: as for `rename`.
            KeyReIDError: something of them is left in the gallery's file.
        """
        self._check_changeable()
        with self._open() as store:
            holder = store.gallery.holder(identity_id)
            if holder is None:
                raise InputError(f"there is no P{identity_id} in the gallery any more")
            ids = dict(store.gallery.entries())[holder].ids
            # The run first: as long as the gallery knows the person, a failure here can be mended by doing it again.
            erased = erase_from_run(self.folder, ids)
            found = forget_in_gallery(store, holder)
            # What an edit remembers of them goes too, and no edit is undone past them.
            self._edits.clear()
            self._read_at = (0, 0)
        self.report = _read_report(self.folder)
        if found.traces:
            raise KeyReIDError(f"{found.traces} traces of P{identity_id} are left in {self.gallery}; delete the file")
        return list(erased.remaining)

    @contextmanager
    def opened_gallery(self) -> Iterator[GalleryStore]:
        """The gallery, alone in its use until the block ends.

        Raises:
            InputError: there is none, or another process uses it.
        """
        self._check_changeable()
        with self._open() as store:
            yield store

    def _edit(self, change: Callable[[GalleryStore], Edit]) -> int:
        self._check_changeable()
        with self._open() as store:
            edit = change(store)
            self._edits = [*self._edits, edit][-MOST_EDITS:]
        return edit.identity_id

    def _check_changeable(self) -> None:
        if self.gallery is None:
            raise InputError(self.why_fixed)

    @contextmanager
    def _open(self) -> Iterator[GalleryStore]:
        if self.gallery is None:
            raise InputError(self.why_fixed)
        with self.edit_lock, GalleryStore(self.gallery, must_exist=True) as store:
            yield store

    def _run_number(self, store: GalleryStore) -> int:
        """The run's number in the gallery."""
        return next((run.number for run in store.runs() if run.folder and run.folder.resolve() == self.folder), 0)

    def _gallery(self) -> tuple[Path | None, str]:
        given = (self.report.get("gallery") or {}).get("path")
        if self.is_going_on:
            return None, "the run goes on: people can be changed when it has ended"
        if not given:
            return None, "this run kept no gallery, so nobody can be changed; run it again with --gallery FILE"
        path = Path(given)
        if not path.is_file():
            return None, f"the run's gallery {path} is not there any more, so nobody can be changed"
        try:
            with GalleryStore(path, must_exist=True) as store:
                number, runs = self._run_number(store), len(store.runs())
        except InputError as error:
            return None, f"nobody can be changed: {error}"
        if number == 0:
            return None, f"the gallery {path.name} knows no run in {self.folder}; was the folder moved?"
        if number < runs:
            return None, f"the gallery {path.name} has served later runs; open the last one to change somebody"
        return path, ""


def _changed_at(path: Path) -> tuple[int, int]:
    """When a file changed, and its size; what is not there never did."""
    try:
        status = path.stat()
    except OSError:
        return 0, 0
    return status.st_mtime_ns, status.st_size


def _read_report(folder: Path) -> dict[str, Any]:
    path = folder / "run.json"
    try:
        if path.stat().st_size > MAX_REPORT_BYTES:
            raise InputError(f"{path} is larger than {MAX_REPORT_BYTES // 2**20} MB; this is no run's report")
        report = json.loads(path.read_text(encoding="utf-8"))
    except OSError:
        raise InputError(f"there is no run in {folder}; give the folder that `keyreid track --out` wrote to") from None
    except ValueError:
        raise InputError(f"{path} is damaged; make the run again") from None
    if not isinstance(report, dict) or report.get("schema") != SCHEMA:
        raise InputError(f"{path} is no run's report; give the folder that `keyreid track --out` wrote to")
    return report
