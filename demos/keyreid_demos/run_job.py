"""A run that is made for a visitor, in a process of its own: damaged videos and long computations stay there."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from keyreid_demos.live_pictures import LivePictures, PictureFeed
from keyreid_stream.errors import KeyReIDError
from keyreid_stream.interfaces import Sink
from keyreid_stream.run_statistics import RunStatistics
from keyreid_stream.structures import LiveCounts

_STOP_WITHIN_S = 10.0
_TOLD_EVERY_S = 0.3

State = Literal["running", "finished", "stopped", "failed"]


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be run.

    Attributes:
        settings: as in a deployment's TOML, besides the cameras of a world.
        scene, seconds, seed: of a built-in world, whose truth is kept and scored; no scene: `settings` names cameras.
        expected_frames: of all cameras together; None if nobody knows.
        is_ladder: whether it is run four times with more and more of a world's truth; `settings` name the world.
    """

    settings: Mapping[str, Any]
    scene: str | None = None
    seconds: float = 20.0
    seed: int = 7
    expected_frames: int | None = None
    is_ladder: bool = False


@dataclass(frozen=True, slots=True)
class CameraProgress:
    """How far a camera is; `dropped` counts frames of a live one that nobody had time for."""

    camera_id: str
    frames: int
    people_now: int
    identities: int
    dropped: int | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is.

    Attributes:
        state: of the run.
        message: why it failed, in a line; else what it is doing.
        frames: of all cameras together.
        expected_frames: in the end; None if nobody knows.
        cameras: each one's.
        notices: what whoever looks at the results must know.
    """

    state: State = "running"
    message: str = "loading the models"
    frames: int = 0
    expected_frames: int | None = None
    cameras: tuple[CameraProgress, ...] = ()
    notices: tuple[str, ...] = field(default_factory=tuple)


class RunJob:
    """A run in a spawned process. It begins at once.

    Args:
        request: what to run.
        folder: where to; it must not exist yet.

    Attributes:
        folder: the same.
        pictures: the mosaic while it runs.
    """

    def __init__(self, request: Request, folder: Path) -> None:
        self.folder = folder
        self._progress = Progress()
        self._asked_to_stop = False
        context = multiprocessing.get_context("spawn")
        self._ours, theirs = context.Pipe(duplex=False)
        look, looked_at = context.Pipe()
        arguments = (request, folder, theirs, looked_at)
        # Not a daemon: live cameras are decoded in processes of its own.
        self._process: SpawnProcess = context.Process(target=_work, args=arguments)
        self._process.start()
        theirs.close()
        looked_at.close()
        self.pictures = LivePictures(look)
        self._reader = threading.Thread(target=self._read, name="keyreid-run", daemon=True)
        self._reader.start()

    @property
    def progress(self) -> Progress:
        """How far it is."""
        return self._progress

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self._progress.state == "running"

    def wait(self, timeout_s: float | None = None) -> Progress:
        """How it ended, or how far it is after this time."""
        self._reader.join(timeout_s)
        return self._progress

    def stop(self) -> None:
        """End it in good order; after ten seconds, at once."""
        self._asked_to_stop = True
        if self._process.is_alive() and self._process.pid is not None:
            os.kill(self._process.pid, signal.SIGINT)
            self._process.join(_STOP_WITHIN_S)
            if self._process.is_alive():
                self._process.kill()
        self._reader.join(_STOP_WITHIN_S)
        self.pictures.close()

    def _read(self) -> None:
        try:
            while self._progress.state == "running":
                told: Progress = self._ours.recv()
                if told.state == "failed" and self._asked_to_stop:
                    # A signal in the middle of an import comes out as whatever the import makes of it.
                    told = replace(told, state="stopped", message="stopped")
                self._progress = told
        except (EOFError, OSError):
            self._process.join()
            state: State = "stopped" if self._asked_to_stop else "failed"
            ended = f"the run's process ended (exit code {self._process.exitcode})"
            message = "stopped" if self._asked_to_stop else ended
            self._progress = Progress(state, message, notices=self._progress.notices)
        finally:
            self._ours.close()
        self._process.join()


class _Teller:
    """A sink that tells the page how far the run is."""

    def __init__(
        self,
        pipe: Connection,
        statistics: RunStatistics,
        expected_frames: int | None,
        notices: tuple[str, ...],
        words: str = "finding, following and comparing people",
        live: Callable[[], Mapping[str, LiveCounts]] = dict,
    ) -> None:
        self._pipe = pipe
        self._statistics = statistics
        self._expected_frames = expected_frames
        self._notices = notices
        self._words = words
        self._live = live
        self._clock = threading.Event()
        self._wait = threading.Thread(target=self._tell_regularly, daemon=True)

    def __enter__(self) -> Self:
        self._wait.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        self._clock.set()
        self._wait.join()

    def write(self, _tick: object, /) -> None:
        """Counts are taken from the run's statistics."""

    def progress(self, state: State, message: str) -> Progress:
        """As it is now."""
        live = self._live()
        cameras = tuple(
            CameraProgress(
                one.camera_id,
                one.frames,
                one.people_now,
                len(one.identities),
                live[one.camera_id].dropped if one.camera_id in live else None,
            )
            for one in self._statistics.cameras.values()
        )
        frames = self._statistics.frames
        return Progress(state, message, frames, self._expected_frames, cameras, self._notices)

    def _tell_regularly(self) -> None:
        while not self._clock.wait(_TOLD_EVERY_S):
            try:
                self._pipe.send(self.progress("running", self._words))
            except RuntimeError:  # statistics grew while they were read; the next time will do
                continue
            except OSError:  # the page is gone, and nobody will look at the run
                os.kill(os.getpid(), signal.SIGINT)
                return


def _work(request: Request, folder: Path, pipe: Connection, looked_at: Connection) -> None:
    """The process: run, and tell how it went."""
    logging.disable(logging.CRITICAL)
    os.setpgrp()  # Ctrl-C on the page's terminal is the page's; it stops its runs itself
    try:
        pipe.send(_climb(request, folder, pipe) if request.is_ladder else _run(request, folder, pipe, looked_at))
    except KeyReIDError as error:
        # Where on this machine visitors' files lie is nothing to them.
        pipe.send(Progress("failed", str(error).replace(f"{folder.parent}{os.sep}", "")))
    except KeyboardInterrupt:
        pipe.send(Progress("stopped", "stopped before the first picture"))
    except BrokenPipeError:
        return  # the page is gone
    except Exception as error:  # noqa: BLE001 - whatever it was: no trace on the page, and nobody waits for ever
        pipe.send(Progress("failed", f"the run failed ({type(error).__name__}: {' '.join(str(error).split())[:300]})"))


def _run(request: Request, folder: Path, pipe: Connection, looked_at: Connection) -> Progress:
    from keyreid_stream.cli.memory import ReturnFreeMemory
    from keyreid_stream.cli.stop import StopOnSignals
    from keyreid_stream.cli.track import encoder_maker
    from keyreid_stream.config import deployment
    from keyreid_stream.demo import Demo, demo_config
    from keyreid_stream.run import RecordedRun, RunResult

    show: Demo | None = None
    expected: int | None
    if request.scene is not None:
        config = demo_config(scene=request.scene, seconds=request.seconds, seed=request.seed)
        show = Demo.from_config(config, folder, also=request.settings)
        run, expected = show.run, show.expected_frames
        notices = tuple(note for note in (show.detector.note, show.reid.note) if note)
    else:
        settings = deployment(request.settings)
        run = RecordedRun.from_config(settings, folder, make_encoders=encoder_maker(settings))
        expected = request.expected_frames
        notices = tuple(run.notices)
    stop = StopOnSignals()
    teller = _Teller(pipe, run.statistics, expected, notices, live=lambda: run.live_counts)
    sinks: list[Sink] = [teller, PictureFeed(looked_at, run.cameras), ReturnFreeMemory(), stop]
    try:
        result: RunResult = run.record(sinks) if show is None else show.record(sinks).run
    finally:
        stop.restore()
    if result.status == "interrupted":
        return teller.progress("stopped", "stopped; what was done until then is kept")
    return teller.progress("finished", "finished")


def _climb(request: Request, folder: Path, pipe: Connection) -> Progress:
    from keyreid_stream.cli.memory import ReturnFreeMemory
    from keyreid_stream.cli.stop import StopOnSignals
    from keyreid_stream.cli.track import encoder_maker
    from keyreid_stream.config import deployment
    from keyreid_stream.ladder import Ladder

    settings = deployment(request.settings)
    ladder = Ladder(settings, folder, make_encoders=encoder_maker(settings))
    for step in ladder.steps():
        if step.run is None:
            continue
        stop = StopOnSignals()
        teller = _Teller(pipe, step.run.statistics, request.expected_frames, (), f"the ladder: {step.rung.words}")
        try:
            step.record([teller, ReturnFreeMemory(), stop])
        finally:
            stop.restore()
    if ladder.record.status != "finished":
        return Progress("stopped", "stopped; the ladder is not whole")
    return Progress("finished", "finished")
