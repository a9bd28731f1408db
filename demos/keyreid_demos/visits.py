"""Visits of the page: what each visitor brought and made stays in a folder of their own, and goes when they do."""

from __future__ import annotations

import secrets
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path

from keyreid_demos.open_run import OpenRun
from keyreid_demos.run_job import RunJob
from keyreid_stream.errors import InputError

KEPT_S = 1800.0
"""A visit is over when nothing was heard of it for so long."""

MOST_VISITS = 64
_SWEEP_EVERY_S = 30.0


class Visit:
    """One visitor's folder and runs.

    Attributes:
        token: what the visitor's browser shows; whoever knows it is the visitor.
        folder: what was uploaded and made.
        job: the run that is being made, or was made last.
        climb: the ladder that is being climbed, or was climbed last.
        run: the run that they made last.
    """

    def __init__(self, token: str, folder: Path) -> None:
        self.token = token
        self.folder = folder
        self.job: RunJob | None = None
        self.climb: RunJob | None = None
        self.run: OpenRun | None = None
        self._brought: set[Path] = set()
        self._runs = 0

    def next_run_folder(self) -> Path:
        """A folder that does not exist yet, for a run."""
        self._runs += 1
        return self.folder / f"run-{self._runs}"

    def brought(self, path: Path) -> Path:
        """Note a file that lies where the page's server put it, to be deleted with the visit; the same."""
        self._brought.add(path)
        return path

    def close(self) -> None:
        """Stop what runs, and delete everything."""
        for job in (self.job, self.climb):
            if job is not None:
                job.stop()
        for path in self._brought:
            path.unlink(missing_ok=True)
        shutil.rmtree(self.folder, ignore_errors=True)


class Visits:
    """All visits of a page.

    Args:
        root: a private folder; what is in it belongs to the visits.
        shared: a run that every visitor looks at and may edit, besides those that they make.
        live: a deployment that runs while the page is served, and every visitor may watch.
        kept_s: how long a visit stays that nothing is heard of.
        clock: seconds that only increase.
    """

    def __init__(
        self,
        root: Path,
        shared: OpenRun | None = None,
        live: RunJob | None = None,
        *,
        kept_s: float = KEPT_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.root = root
        self.shared = shared
        self.live = live
        self._kept_s = kept_s
        self._clock = clock
        self._visits: dict[str, Visit] = {}
        self._heard_s: dict[str, float] = {}
        self._lock = threading.Lock()
        self._opening = threading.Lock()
        self._closed = threading.Event()

    def enter(self, token: str | None) -> str:
        """A token of a visit: the one given, if there is such a visit, else that of a new one.

        Raises:
            InputError: there are too many visitors.
        """
        self.sweep()
        with self._lock:
            if isinstance(token, str) and token in self._visits:
                self._heard_s[token] = self._clock()
                return token
            if len(self._visits) >= MOST_VISITS:
                raise InputError(f"{MOST_VISITS} people are here already; come back later")
            fresh = secrets.token_urlsafe(24)
            folder = self.root / fresh
            folder.mkdir(mode=0o700, parents=True)
            self._visits[fresh] = Visit(fresh, folder)
            self._heard_s[fresh] = self._clock()
            return fresh

    def visit(self, token: str | None) -> Visit:
        """The visit of a token.

        Raises:
            InputError: it is over, or never was.
        """
        with self._lock:
            found = self._visits.get(token) if isinstance(token, str) else None
            if found is None:
                raise InputError("this visit is over; reload the page to begin a new one")
            self._heard_s[found.token] = self._clock()
            return found

    def open_run(self, token: str | None) -> OpenRun | None:
        """The run that a visitor looks at: the one they made last, else the one that everybody looks at.

        Raises:
            InputError: the visit is over.
        """
        own = self.visit(token).run
        if own is not None or self.live is None:
            return own or self.shared
        return self._live_run()

    def knows(self, token: str | None) -> bool:
        """Whether this is a visitor's token."""
        with self._lock:
            return isinstance(token, str) and token in self._visits

    def leave(self, token: str | None) -> None:
        """A visit is over: everything of it is deleted."""
        with self._lock:
            gone = self._visits.pop(token, None) if isinstance(token, str) else None
            self._heard_s.pop(token or "", None)
        if gone is not None:
            gone.close()

    def sweep(self) -> None:
        """End the visits that nothing was heard of for long; those with a run going stay."""
        now = self._clock()
        with self._lock:
            old = [
                token
                for token, heard_s in self._heard_s.items()
                if now - heard_s > self._kept_s and not _is_busy(self._visits[token])
            ]
        for token in old:
            self.leave(token)

    def sweep_regularly(self) -> None:
        """Sweep in the background until `close`."""
        threading.Thread(target=self._sweep_on, name="keyreid-visits", daemon=True).start()

    def close(self) -> None:
        """End all visits."""
        self._closed.set()
        if self.live is not None:
            self.live.stop()
        for token in list(self._visits):
            self.leave(token)

    def _live_run(self) -> OpenRun | None:
        """The deployment's run; opened anew when it has ended, since then its people can be changed."""
        # One at a time: opening looks into the gallery, which is one thread's alone.
        with self._opening:
            live, shared = self.live, self.shared
            if live is None or not (live.folder / "run.json").is_file():
                return None
            if shared is None or (shared.is_going_on and not live.is_running):
                self.shared = shared = OpenRun(live.folder)
            return shared

    def _sweep_on(self) -> None:
        while not self._closed.wait(_SWEEP_EVERY_S):
            self.sweep()


def _is_busy(visit: Visit) -> bool:
    return any(job is not None and job.is_running for job in (visit.job, visit.climb))
