"""What a decoder's process and its parent tell each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from keyreid_stream.decoder.clock import ClockName


@dataclass(frozen=True, slots=True)
class Order:
    """What to decode, and how.

    Attributes:
        address: of the stream, with its password if it has one.
        options: FFmpeg's, for opening it.
        device: FFmpeg's name of the kind of device that it is; None for a stream.
        epoch: which connection this is.
        first_number: of its first frame.
        open_timeout_s, read_timeout_s: after how long without a byte FFmpeg gives up; the parent does too, later.
        max_fps: pass at most so many frames a second on.
        keyframes_only: decode key frames alone.
        clock: where times come from.
        paced: play at the stream's own pace: for a file in the place of a camera.
    """

    address: str
    options: dict[str, str]
    epoch: int
    first_number: int
    open_timeout_s: float
    read_timeout_s: float
    max_fps: float | None = None
    keyframes_only: bool = False
    clock: ClockName = "auto"
    paced: bool = False
    device: str | None = None

    def __repr__(self) -> str:
        return "Order(...)"  # an address may hold a password


@dataclass(frozen=True, slots=True)
class Ready:
    """The process is there and waits for an order."""


@dataclass(frozen=True, slots=True)
class Alive:
    """Frames come, but none was passed on for a while: they are thinned out."""


@dataclass(frozen=True, slots=True)
class Opened:
    """The stream is there.

    Attributes:
        codec: its name.
        width, height: pixels, as announced.
        fps: nominal frames per second; None where the stream does not say.
    """

    codec: str
    width: int
    height: int
    fps: float | None


@dataclass(frozen=True, slots=True)
class Arrived:
    """A frame is in the shared memory. Counts are of this connection.

    Attributes:
        decoded: frames so far.
        decode_errors: damaged ones, which were left out.
        repaired: frames whose time was missing or wrong.
        clock_is_plausible: whether the camera's wall clock can be right.
    """

    decoded: int
    decode_errors: int
    repaired: int
    clock_is_plausible: bool


@dataclass(frozen=True, slots=True)
class Failed:
    """The stream could not be opened, or broke.

    Attributes:
        reason: why, in a few words, without any address.
    """

    reason: str


@dataclass(frozen=True, slots=True)
class Ended:
    """The stream is through."""


Message: TypeAlias = Ready | Opened | Alive | Arrived | Failed | Ended
