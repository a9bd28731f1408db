"""A live stream, decoded with PyAV."""

from __future__ import annotations

import math
import struct
import time
from collections.abc import Callable, Iterator
from typing import TypeAlias, cast

import av
import numpy as np
from av.container import InputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from keyreid_stream.decoder.clock import WallClock
from keyreid_stream.decoder.messages import Alive, Arrived, Ended, Failed, Message, Opened, Order
from keyreid_stream.decoder.slots import FrameSlots, Picture

LARGEST_SIDE = 8192
"""8k pictures pass; what claims to be larger is damage, or an attack on memory."""

_DAMAGED_IN_A_ROW = 16
_MOST_WAITING = 256
_TELL_EVERY_S = 0.5
_SKIP_BELOW = 0.5
"""Below this share of a stream's rate, frames that no other refers to need not be decoded."""

Tell: TypeAlias = Callable[[Message], None]


def decode(order: Order, slots: FrameSlots, tell: Tell) -> None:
    """Open the stream and write its frames into the slots until it ends or breaks; all that happens is told."""
    try:
        container = av.open(
            order.address,
            format=order.device,
            options=order.options,
            timeout=(order.open_timeout_s, order.read_timeout_s),
            metadata_errors="replace",
        )
    except (FFmpegError, OSError, ValueError) as error:
        tell(Failed(reason(error)))
        return
    with container:
        stream = _video_stream(container)
        if stream is None:
            tell(Failed("the stream holds no video"))
            return
        fps = _nominal_fps(stream)
        _decode_less(stream, order, fps)
        context = stream.codec_context
        tell(Opened(context.name, context.width or 0, context.height or 0, fps))
        _Stream(order, slots, tell).run(container, stream)


class _Stream:
    """One open stream: its clock, its counts, and what is passed on of it."""

    def __init__(self, order: Order, slots: FrameSlots, tell: Tell) -> None:
        self._slots = slots
        self._tell = tell
        self._order = order
        self._clock = WallClock(order.clock)
        self._least_interval_s = 0.0 if order.max_fps is None else 0.98 / order.max_fps
        self._last_passed_s = self._last_told_s = -math.inf
        self._decoded = self._errors = 0
        self._wall_s: dict[int, float] = {}
        self._began: tuple[float, float] | None = None

    def run(self, container: InputContainer, stream: VideoStream) -> None:
        """Decode to the end."""
        for packet in self._packets(container, stream):
            self._note_wall_clock(packet)
            if self._order.keyframes_only:  # they may be many seconds apart
                self._say_alive(time.time())
            try:
                frames = packet.decode()
            except FFmpegError:
                self._errors += 1
                continue
            for frame in frames:
                self._take(frame)

    def _packets(self, container: InputContainer, stream: VideoStream) -> Iterator[Packet[VideoStream]]:
        """Every packet until the stream ends or breaks, which is told."""
        damaged = 0
        while damaged < _DAMAGED_IN_A_ROW:
            try:
                for packet in container.demux(stream):
                    damaged = 0
                    yield packet
            except av.error.InvalidDataError:
                self._errors += 1
                damaged += 1
            except FFmpegError as error:
                self._tell(Failed(reason(error)))
                return
            else:
                self._tell(Ended())
                return
        self._tell(Failed("too much of the stream is damaged"))

    def _take(self, frame: VideoFrame) -> None:
        if frame.is_corrupt or max(frame.width, frame.height) > LARGEST_SIDE:
            self._errors += 1
            return
        stream_s = None if frame.pts is None or frame.time_base is None else float(frame.pts * frame.time_base)
        if self._order.paced and stream_s is not None:
            self._wait_for(stream_s)
        arrival_s = time.time()
        wall_s = self._wall_s.pop(frame.pts, None) if frame.pts is not None else None
        timestamp_s = self._clock.read(stream_s, arrival_s, wall_s)
        number = self._order.first_number + self._decoded
        self._decoded += 1
        if arrival_s - self._last_passed_s < self._least_interval_s:
            self._say_alive(arrival_s)
            return
        self._last_passed_s = self._last_told_s = arrival_s
        latency_s = self._clock.latency_s
        self._slots.write(Picture(_upright_rgb(frame), self._order.epoch, number, timestamp_s, arrival_s, latency_s))
        self._tell(Arrived(self._decoded, self._errors, self._clock.repaired, self._clock.is_plausible))

    def _say_alive(self, now_s: float) -> None:
        if now_s - self._last_told_s > _TELL_EVERY_S:
            self._last_told_s = now_s
            self._tell(Alive())

    def _note_wall_clock(self, packet: Packet[VideoStream]) -> None:
        """What the camera's wall clock showed at a frame: FFmpeg works it out of RTCP sender reports."""
        if packet.pts is None or not packet.has_sidedata("prft"):
            return
        (microseconds,) = struct.unpack_from("<q", bytes(packet.get_sidedata("prft")))
        if len(self._wall_s) > _MOST_WAITING:
            self._wall_s.clear()  # frames that never came out of the decoder
        self._wall_s[packet.pts] = microseconds / 1e6

    def _wait_for(self, stream_s: float) -> None:
        """Play a file at its own pace."""
        if self._began is None:
            self._began = time.monotonic(), stream_s
        began_s, first_s = self._began
        time.sleep(max(0.0, began_s + stream_s - first_s - time.monotonic()))


def reason(error: OSError | FFmpegError | ValueError) -> str:
    """What went wrong, without the address that FFmpeg puts into its text."""
    if isinstance(error, av.error.ExitError):  # FFmpeg's word for its own time limit
        return "nothing came in time"
    text = getattr(error, "strerror", None) or type(error).__name__
    return str(text).split("'")[0].strip().rstrip(":").lower()


def _video_stream(container: InputContainer) -> VideoStream | None:
    for stream in container.streams.video:
        if not stream.disposition & Disposition.attached_pic:
            stream.thread_type = "NONE"  # one thread a camera: many cameras keep all cores busy anyway
            return stream
    return None


def _nominal_fps(stream: VideoStream) -> float | None:
    """What the stream says of its rate, if that makes sense."""
    for rate in (stream.average_rate, stream.guessed_rate):
        if rate is not None and 0 < rate <= 240:
            return float(rate)
    return None


def _decode_less(stream: VideoStream, order: Order, fps: float | None) -> None:
    """Let the decoder leave out frames that are not wanted, where the codec can."""
    if order.keyframes_only:
        stream.codec_context.skip_frame = "NONKEY"
    elif order.max_fps is not None and fps is not None and order.max_fps < _SKIP_BELOW * fps:
        stream.codec_context.skip_frame = "NONREF"


def _upright_rgb(frame: VideoFrame) -> NDArray[np.uint8]:
    image = cast("NDArray[np.uint8]", frame.to_ndarray(format="rgb24"))
    quarter_turns = round(frame.rotation / 90) % 4  # counter-clockwise, as np.rot90 counts
    return np.rot90(image, quarter_turns) if quarter_turns else image
