"""A live camera: RTSP and other streams, decoded in a process of its own."""

from __future__ import annotations

import logging
import math
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace

from keyreid_stream.decoder.messages import Arrived, Ended, Failed, Opened, Order
from keyreid_stream.decoder.slots import FrameSlots, Picture, shared_memory_file
from keyreid_stream.sources.addresses import WEBCAM, LiveAddress, webcam_format
from keyreid_stream.sources.backoff import Backoff
from keyreid_stream.sources.config import LiveConfig
from keyreid_stream.sources.decoding import DecoderProcess
from keyreid_stream.sources.timing import checked_fps
from keyreid_stream.structures import Frame, LiveCounts

logger = logging.getLogger("keyreid_stream.sources")

_CLOSE_S = 2.0
_LEAST_STEP_S = 1e-4
_OPEN_SHARE, _READ_SHARE = 0.8, 0.4
"""FFmpeg is given less time than the watchdog, so that it can say what was wrong and its process goes on. When reading
times out it first hands over what it holds, and tells only the second time."""

WRONG_CLOCK = "its wall clock is wrong, times of arrival are used"


class StreamSource:
    """A camera behind an address, reached anew for as long as it takes.

    Frames are decoded in a process of its own, which hands them over in shared memory; what nobody takes costs this
    process nothing. A watchdog kills a decoder that says nothing for `stall_s`, also while it opens. Every connection
    that gives frames is an epoch. The decoder ends with this process, however that ends.

    Args:
        address: of the stream.
        camera_id: the camera's name; by default made of the address.
        config: how to reach it.
        max_fps: give at most so many frames a second; None for all.
        paced: play at the stream's own pace and end with it: for a file in the place of a camera.

    Raises:
        InputError: max_fps is not above 0.
    """

    def __init__(
        self,
        address: LiveAddress,
        *,
        camera_id: str | None = None,
        config: LiveConfig | None = None,
        max_fps: float | None = None,
        paced: bool = False,
    ) -> None:
        self._address = address
        self._camera_id = address.camera_id if camera_id is None else camera_id
        self._config = config or LiveConfig()
        self._max_fps = None if max_fps is None else checked_fps(max_fps)
        self._paced = paced
        self._wake: Callable[[], None] = _tell_nobody
        self._closing = threading.Event()
        self._supervisor: threading.Thread | None = None
        self._lock = threading.Lock()
        # What follows is read and written under the lock, but for the slots' pictures, which need none.
        self._counts = LiveCounts("connecting")
        self._before = self._counts
        self._passed_on = self._given = 0
        self._next_number = 0
        self._last_s = -math.inf
        self._opened: Opened | None = None
        self._clock_is_plausible = True
        self._memory: int | None = None
        self._slots: FrameSlots | None = None
        self._decoder: DecoderProcess | None = None

    @property
    def camera_id(self) -> str:
        """The camera's name."""
        return self._camera_id

    @property
    def address(self) -> str:
        """Where it is, without any secret."""
        return self._address.shown

    @property
    def fps(self) -> float:
        """Nominal frames per second: the setting, since many streams do not tell or tell wrong."""
        return self._config.fps if self._max_fps is None else min(self._config.fps, self._max_fps)

    @property
    def has_ended(self) -> bool:
        """Whether no frame will come any more."""
        return self._counts.state == "ended"

    @property
    def counts(self) -> LiveCounts:
        """How it is doing now."""
        with self._lock:
            return replace(self._counts, dropped=max(0, self._passed_on - self._given))

    @property
    def opened(self) -> Opened | None:
        """What the stream last said of itself; None before it was first reached."""
        return self._opened

    @property
    def clock_is_plausible(self) -> bool:
        """Whether the camera's wall clock can be right, as far as it tells it."""
        return self._clock_is_plausible

    def open(self, wake: Callable[[], None]) -> None:
        """See `LiveSource.open`."""
        self._wake = wake
        memory = self._memory = shared_memory_file()
        self._slots = FrameSlots(memory)
        self._supervisor = threading.Thread(
            target=self._supervise, args=(memory,), name=f"camera {self._camera_id}", daemon=True
        )
        self._supervisor.start()

    def newest(self) -> Frame | None:
        """See `LiveSource.newest`."""
        with self._lock:
            picture = None if self._slots is None else self._slots.take()
            if picture is None:
                return None
            self._last_s = max(picture.timestamp_s + self._config.offset_s, self._last_s + _LEAST_STEP_S)
            self._count_given(picture)
            return Frame(self._camera_id, picture.number, self._last_s, picture.image, picture.epoch)

    def frames(self) -> Iterator[Frame]:
        """Open the camera and give its newest frames until it ends; closing the iterator closes it."""
        came = threading.Event()
        self.open(came.set)
        try:
            while True:
                came.clear()
                if (frame := self.newest()) is not None:
                    yield frame
                elif self.has_ended:
                    return
                else:
                    came.wait()
        finally:
            self.close()

    def close(self) -> None:
        """See `LiveSource.close`."""
        self._wake = _tell_nobody
        self._closing.set()
        with self._lock:
            if self._decoder is not None:
                self._decoder.kill()
        if self._supervisor is not None:
            self._supervisor.join(_CLOSE_S)
        with self._lock:
            if self._slots is not None:
                self._slots.close()
                self._slots = None
            if self._memory is not None:
                os.close(self._memory)
                self._memory = None

    def _supervise(self, memory: int) -> None:
        """Connect, again and again."""
        backoff = Backoff(self._config.first_retry_s, self._config.longest_retry_s)
        attempts = 0
        try:
            while not self._closing.is_set():
                had_frames, said = self._follow_connection(memory)
                attempts = 1 if had_frames else attempts + 1
                if self._closing.is_set():
                    return
                if self._is_over(said, attempts):
                    return
                if had_frames:
                    backoff.reset()
                self._wait(backoff.next_s(), _why(said), attempts)
        finally:
            if self._decoder is not None:
                self._decoder.close()
            self._note(state="ended")
            self._wake()

    def _follow_connection(self, memory: int) -> tuple[bool, Failed | Ended]:
        """Open the stream and follow it to its end; whether frames came, and how it ended."""
        decoder = self._running_decoder(memory)
        with self._lock:
            self._before = self._counts = replace(self._counts, state="connecting")
        had_frames, clock_was_right = False, True
        decoder.order(self._order())
        while True:
            said = decoder.hear(self._config.stall_s)
            if isinstance(said, Failed | Ended):
                return had_frames, said
            if isinstance(said, Opened):
                self._opened = said
                logger.info("camera %s: %s, %d x %d", self._camera_id, said.codec, said.width, said.height)
            if isinstance(said, Arrived):
                self._count_arrived(said, is_first=not had_frames)
                had_frames = True
                clock_was_right = self._warn_of_clock(said, clock_was_right)
                self._wake()

    def _warn_of_clock(self, said: Arrived, was_right: bool) -> bool:
        """Say once a connection that the camera's wall clock cannot be right."""
        if was_right and not said.clock_is_plausible:
            logger.warning("camera %s: %s; set its clock (NTP)", self._camera_id, WRONG_CLOCK)
        self._clock_is_plausible = said.clock_is_plausible
        return was_right and said.clock_is_plausible

    def _running_decoder(self, memory: int) -> DecoderProcess:
        """The process that decodes; a new one after the old one was killed."""
        with self._lock:
            decoder = self._decoder
            if decoder is not None and decoder.is_running:
                return decoder
            if decoder is not None:
                decoder.close()
            decoder = self._decoder = DecoderProcess(memory)
            if self._closing.is_set():  # `close` has been here, and would not know of this one
                decoder.kill()
        decoder.wait_until_ready()  # where it is not, the next thing heard says so
        return decoder

    def _order(self) -> Order:
        config = self._config
        return Order(
            address=self._address.secret,
            options=config.ffmpeg_options(self._address.scheme),
            epoch=self._counts.epoch + 1 if self._counts.frames_in else 0,
            first_number=self._next_number,
            open_timeout_s=_OPEN_SHARE * config.stall_s,
            read_timeout_s=_READ_SHARE * config.stall_s,
            max_fps=self._max_fps,
            keyframes_only=config.keyframes_only,
            clock=config.clock,
            paced=self._paced,
            device=webcam_format() if self._address.scheme == WEBCAM else None,
        )

    def _is_over(self, said: Failed | Ended, attempts: int) -> bool:
        if not self._paced and (self._config.max_attempts is None or attempts < self._config.max_attempts):
            return False
        if isinstance(said, Ended) and self._paced:
            return True
        self._note(reason=_why(said))
        logger.error("camera %s: given up after %d attempts (%s)", self._camera_id, attempts, self._counts.reason)
        return True

    def _wait(self, wait_s: float, reason: str, attempts: int) -> None:
        """Before the next attempt; only changes are logged, a camera may be away for days."""
        if attempts == 1 or reason != self._counts.reason:
            logger.warning("camera %s: %s; trying again until it answers", self._camera_id, reason)
        with self._lock:
            counts = self._counts
            self._counts = replace(counts, state="waiting", reason=reason)
        self._closing.wait(wait_s)

    def _count_arrived(self, said: Arrived, *, is_first: bool) -> None:
        with self._lock:
            before = self._before
            counts = self._counts
            if is_first and before.frames_in:
                counts = replace(counts, epoch=counts.epoch + 1, reconnects=counts.reconnects + 1)
                logger.warning("camera %s: back", self._camera_id)
            self._counts = replace(
                counts,
                state="streaming",
                frames_in=before.frames_in + said.decoded,
                decode_errors=before.decode_errors + said.decode_errors,
                repaired_timestamps=before.repaired_timestamps + said.repaired,
            )
            self._next_number = self._counts.frames_in
            self._passed_on += 1

    def _count_given(self, picture: Picture) -> None:
        """Under the lock."""
        self._given += 1
        latency_s = None if math.isnan(picture.latency_s) else picture.latency_s
        self._counts = replace(self._counts, last_arrival_s=picture.arrival_s, latency_s=latency_s)

    def _note(self, **changes: str) -> None:
        with self._lock:
            self._counts = replace(self._counts, **changes)  # type: ignore[arg-type]


def _why(said: Failed | Ended) -> str:
    return said.reason if isinstance(said, Failed) else "the stream ended"


def _tell_nobody() -> None:
    """Nobody listens."""
