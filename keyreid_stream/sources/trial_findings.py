"""What a camera's first seconds say about it, and what to do about that."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import NamedTuple

from keyreid_stream.sources.config import LiveConfig
from keyreid_stream.structures import Frame, LiveCounts

SLOW_START_S = 4.0
"""A camera that shows its first picture later than this has key frames far apart, or a bad connection."""

RATE_TOLERANCE = 0.2
"""Share by which a camera's rate may miss the setting: trackers count in frames."""

_LEAST_FRAMES = 10
"""Fewer tell no rate."""

_CURES = (
    ("401", "check the user's name and the password"),
    ("403", "the user may not see this stream; check the camera's accounts"),
    ("404", "check the path in the address"),
    ("connection refused", "nothing listens there; check the port, and whether the camera's streaming is on"),
    ("no route", "check the host in the address, and the network"),
    ("unreachable", "check the host in the address, and the network"),
    ("input/output error", "check the host in the address: it may be unknown"),
    ("nothing came", "check host and port, and whether a firewall is between; for UDP, whether it comes through"),
    ("no video", "choose the camera's video stream"),
    ("stream ended", "it ended before a picture came; look at it with another player"),
    ("", "look at the address with another player"),
)
"""By what a reason holds; the first that fits."""


class Size(NamedTuple):
    """Of a picture, pixels."""

    width: int
    height: int

    def __str__(self) -> str:
        """As `640x480`."""
        return f"{self.width}x{self.height}"


@dataclass(slots=True)
class Observed:
    """What came of a camera so far.

    Attributes:
        began_s: when it was opened, by this machine's monotonic clock.
        frames: how many were taken.
        first_frame_s: how long the first took; None if there was none.
        sizes: of the pictures, in the order in which they came.
        first, last: frames of the newest connection.
        counts: of a live camera, before it was closed; None for others.
    """

    began_s: float = field(default_factory=time.monotonic)
    frames: int = 0
    first_frame_s: float | None = None
    sizes: list[Size] = field(default_factory=list)
    first: Frame | None = None
    last: Frame | None = None
    counts: LiveCounts | None = None

    def take(self, frame: Frame) -> None:
        """See one more."""
        self.frames += 1
        if self.first_frame_s is None:
            self.first_frame_s = time.monotonic() - self.began_s
        size = Size(frame.image.shape[1], frame.image.shape[0])
        if size not in self.sizes:
            self.sizes.append(size)
        if self.first is None or self.first.epoch != frame.epoch:
            self.first = frame  # a rate is of one connection
        self.last = frame

    def has_lasted(self, seconds: float) -> bool:
        """Whether frames came for so long, by this machine's clock or by the camera's."""
        if self.first is None or self.last is None or self.first_frame_s is None:
            return False
        passed_s = time.monotonic() - self.began_s - self.first_frame_s
        return max(passed_s, self.last.timestamp_s - self.first.timestamp_s) >= seconds

    @property
    def fps(self) -> float | None:
        """Frames in a second of the camera's own time, dropped and damaged ones too; None if that cannot be told."""
        if self.first is None or self.last is None:
            return None
        frames = self.last.frame_index - self.first.frame_index
        passed_s = self.last.timestamp_s - self.first.timestamp_s
        return frames / passed_s if frames >= _LEAST_FRAMES and passed_s > 0 else None


def fault_of(reason: str) -> str:
    """Why a live camera gave no picture, and what to do.

    Args:
        reason: `LiveCounts.reason`; empty if it is still being opened.
    """
    reason = reason or "nothing came in time"
    return f"{reason}; {next(cure for part, cure in _CURES if part in reason)}"


def live_notes(seen: Observed, live: LiveConfig, max_fps: float | None, *, clock_is_plausible: bool) -> list[str]:
    """What is not as it should be with a live camera that gives pictures, and what to do."""
    notes = []
    if not clock_is_plausible:
        late_s = seen.counts.latency_s if seen.counts is not None else None
        notes.append(f"its wall clock is wrong{_by(late_s)}, so times of arrival are used; set its clock (NTP)")
    if seen.first_frame_s is not None and seen.first_frame_s > SLOW_START_S:
        notes.append(
            f"its first picture took {seen.first_frame_s:.1f} s; have the camera send key frames more often, one or "
            "two a second"
        )
    notes.extend(_rate_notes(seen.fps, live.fps, max_fps))
    if (counts := seen.counts) is not None:
        if counts.state != "streaming":
            notes.append(f"it stopped: {fault_of(counts.reason)}")
        if counts.decode_errors:
            notes.append(
                f'{counts.decode_errors} damaged frames; where packets are lost, transport = "tcp" and a lower bit '
                "rate help"
            )
        if counts.repaired_timestamps:
            notes.append(f"{counts.repaired_timestamps} frames without a time that can be right; theirs is of arrival")
    return [*notes, *size_notes(seen)]


def size_notes(seen: Observed) -> list[str]:
    """Whether the pictures kept their size."""
    if len(seen.sizes) < 2:
        return []
    return [f"its pictures change their size ({', '.join(map(str, seen.sizes))}); a calibration is for one size"]


def corrupt_notes(corrupt_frames: int, repaired_timestamps: int = 0) -> list[str]:
    """What is damaged in a file or folder, as far as it was looked at."""
    notes = []
    if corrupt_frames:
        notes.append(f"{corrupt_frames} damaged frames, which are left out; copy or convert it again")
    if repaired_timestamps:
        notes.append(f"{repaired_timestamps} frames without a time that can be right; theirs is made up")
    return notes


def _rate_notes(seen_fps: float | None, set_fps: float, max_fps: float | None) -> list[str]:
    """Whether trackers are told the rate at which frames will come."""
    if seen_fps is None:
        return []
    come, told = (min(fps, max_fps or fps) for fps in (seen_fps, set_fps))
    if abs(come - told) <= RATE_TOLERANCE * told:
        return []
    return [f"it gives {seen_fps:.1f} frames a second and sources.live.fps says {set_fps:g}; set one of them right"]


def _by(latency_s: float | None) -> str:
    return "" if latency_s is None else f" (frames come {latency_s:.1f} s after it)"
