"""Outputs of endless runs, in pieces of some minutes each: complete when closed, the oldest deleted."""

from __future__ import annotations

import logging
import re
import shutil
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from keyreid_stream.errors import InputError
from keyreid_stream.interfaces import Sink
from keyreid_stream.sinks.events_jsonl import EventLogSink
from keyreid_stream.sinks.identity_replay import IdentityReplay
from keyreid_stream.sinks.mot import MotSink
from keyreid_stream.structures import Tick, TrackKey

logger = logging.getLogger("keyreid_stream.sinks")

_NUMBER = re.compile(r"\d{6,}")


@dataclass(frozen=True, slots=True)
class PieceRule:
    """When a piece ends, and how many stay.

    Attributes:
        minutes: by the ticks' time; 0: never.
        keep: the newest so many, the one that is being written included; 0: all.
    """

    minutes: float = 0.0
    keep: int = 0


class PiecesSink:
    """Hands ticks to one sink after the other. A finished one is closed in another thread: that may take seconds.

    Sinks of one rule begin a piece at the same tick: pieces of one number belong together.

    Args:
        rule: when a piece ends, and how many stay.
        make: the sink of a piece, from its number (from 1) and the nominal frames per second of its cameras.
        place: the file or folder of a piece, which is deleted when it is too old.
        cameras: nominal frames per second of the cameras that the run begins with.
    """

    def __init__(
        self,
        rule: PieceRule,
        make: Callable[[int, Mapping[str, float]], Sink],
        place: Callable[[int], Path],
        cameras: Mapping[str, float],
    ) -> None:
        self._rule = rule
        self._make = make
        self._place = place
        self._cameras = dict(cameras)
        self._number = 1
        self._started_s: float | None = None
        self._stack = ExitStack()
        self._closing: ThreadPoolExecutor | None = None
        # The first is made at once: what it cannot do is refused before anything is written.
        self._piece = make(1, self._cameras)

    def __enter__(self) -> Self:
        """Begin the first piece."""
        self._closing = self._stack.enter_context(ThreadPoolExecutor(1, "closing pieces"))
        self._piece.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        self._closing = None
        with self._stack:
            self._piece.__exit__(kind, error, trace)

    def write(self, tick: Tick) -> None:
        """Take one tick, into a new piece if it is time.

        Raises:
            InputError: the sink is not open, or what a piece's sink raises.
        """
        if self._closing is None:
            raise InputError("the pieces are not open; write to them inside `with PiecesSink(...)`")
        if self._started_s is None:
            self._started_s = tick.timestamp_s
        elif tick.timestamp_s - self._started_s >= 60 * self._rule.minutes > 0:
            self._started_s = tick.timestamp_s
            self._next(self._closing)
        self._cameras |= tick.joined
        self._piece.write(tick)

    def _next(self, closing: ThreadPoolExecutor) -> None:
        finished, number = self._piece, self._number
        self._number += 1
        self._piece = self._make(self._number, self._cameras)
        self._piece.__enter__()
        closing.submit(self._close, finished, number)

    def _close(self, finished: Sink, number: int) -> None:
        """A piece that cannot be closed must not end a run of weeks."""
        try:
            finished.__exit__(None, None, None)
            if self._rule.keep and (last := number + 1 - self._rule.keep) > 0:
                _remove(self._place(last))
        except Exception as error:  # noqa: BLE001
            logger.error("piece %d of %s is not complete (%s)", number, self._place(number), error)


class MotPieces(PiecesSink):
    """Track files in pieces: `<folder>/000001/<camera>.txt` and so on.

    A row's identity is the one that holds when its piece is closed.

    Args:
        folder: of the pieces.
        cameras: nominal frames per second of the cameras that the run begins with.
        rule: when a piece ends, and how many stay.
    """

    def __init__(self, folder: Path, cameras: Mapping[str, float], rule: PieceRule) -> None:
        self._replay = IdentityReplay()
        self._live: set[TrackKey] = set()
        self._made: MotSink
        self._before = (0, 0)
        super().__init__(rule, self._of_piece, lambda number: folder / piece_name(number), cameras)

    @property
    def undecided_rows(self) -> int:
        """Rows left out because nobody knows whom they show."""
        return self._before[0] + self._made.undecided_rows

    @property
    def duplicate_rows(self) -> int:
        """Rows left out because another of their frame has the same identity."""
        return self._before[1] + self._made.duplicate_rows

    def write(self, tick: Tick) -> None:
        """See `PiecesSink.write`."""
        super().write(tick)
        for camera in tick.cameras:
            camera_id = camera.frame.camera_id
            self._live |= {TrackKey(camera_id, int(track_id)) for track_id in camera.tracks.track_ids}
            self._live -= {TrackKey(camera_id, track_id) for track_id in camera.tracks.ended}

    def _of_piece(self, number: int, cameras: Mapping[str, float]) -> MotSink:
        """It knows whom live tracks show; what ended has no more rows."""
        self._replay = self._replay.of_tracks(self._live)
        self._made = MotSink(self._place(number), cameras, replay=self._replay)
        return self._made

    def _close(self, finished: Sink, number: int) -> None:
        super()._close(finished, number)
        assert isinstance(finished, MotSink)  # noqa: S101
        self._before = self._before[0] + finished.undecided_rows, self._before[1] + finished.duplicate_rows


def event_log_pieces(folder: Path, rule: PieceRule) -> PiecesSink:
    """The event log in pieces: `events-000001.jsonl` and so on."""

    def place(number: int) -> Path:
        return folder / f"events-{piece_name(number)}.jsonl"

    return PiecesSink(rule, lambda number, _: EventLogSink(place(number)), place, {})


def piece_name(number: int) -> str:
    """`000001`: sorted as text, pieces are in order."""
    return f"{number:06d}"


def pieces_in(folder: Path) -> list[Path]:
    """The folders of pieces in a folder, in order; empty for one that is not in pieces."""
    return sorted(path for path in folder.glob("[0-9]*") if path.is_dir() and _NUMBER.fullmatch(path.name))


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
