"""The mosaic of a run while it goes on: its process makes a picture when somebody looks, and never two at once.

Nothing is queued on the way: the run's process keeps the newest mosaic, and sends it when it is asked; the page keeps
the newest picture, and every viewer takes it at their own pace. Who looks slowly sees fewer pictures, and that is all.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from multiprocessing.connection import Connection
from types import TracebackType
from typing import NamedTuple, Self

from keyreid_stream.report.embedding import encoded
from keyreid_stream.sinks.mosaic import Mosaic
from keyreid_stream.structures import CameraTick, ImageArray, Tick

MOST_PER_S = 15.0
LOOKED_AT_S = 3.0
"""Whoever has not asked for a picture for so long looks no more."""

_QUALITY = 80
_WAIT_S = 0.5


class Picture(NamedTuple):
    """A JPEG, and its number, which grows."""

    number: int
    jpeg: bytes


class PictureFeed:
    """A sink of the run's process: answers every request on a pipe with the newest mosaic, as a JPEG.

    While nobody asks, ticks cost nothing but to remember each camera's newest one, and who joined the run.

    Args:
        pipe: where requests come from, and pictures go to.
        cameras: nominal frames per second by camera, in the order of the mosaic.
        most_per_s: pictures a second.
    """

    def __init__(self, pipe: Connection, cameras: Mapping[str, float], most_per_s: float = MOST_PER_S) -> None:
        self._pipe = pipe
        self._mosaic = Mosaic(cameras)
        self._least_s = 1.0 / most_per_s
        self._newest: ImageArray | None = None
        self._passed_over: dict[str, CameraTick] = {}
        self._joined: dict[str, float] = {}
        self._made_s = 0.0
        self._asked_s = float("-inf")
        self._change = threading.Condition()
        self._is_over = False
        self._thread = threading.Thread(target=self._answer, name="keyreid-pictures", daemon=True)

    def __enter__(self) -> Self:
        """Begin to answer."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        with self._change:
            self._is_over = True
            self._change.notify_all()
        self._thread.join(2)

    def write(self, tick: Tick) -> None:
        """Compose the mosaic, if somebody looks and it is time for a picture."""
        # A mosaic must be told of every camera that joins, and a camera's only frame may be in a tick passed over.
        self._passed_over |= {camera.frame.camera_id: camera for camera in tick.cameras}
        self._joined |= tick.joined
        now = time.monotonic()
        if now - self._asked_s > LOOKED_AT_S or now - self._made_s < self._least_s:
            return
        mosaic = self._mosaic.update(replace(tick, cameras=tuple(self._passed_over.values()), joined=self._joined))
        self._passed_over, self._joined = {}, {}
        if mosaic is None:
            return
        with self._change:
            self._newest, self._made_s = mosaic, now
            self._change.notify_all()

    def _answer(self) -> None:
        try:
            while not self._is_over:
                if not self._pipe.poll(_WAIT_S):
                    continue
                self._pipe.recv()
                self._asked_s = time.monotonic()
                image = self._next()
                self._pipe.send_bytes(b"" if image is None else encoded(image, ".jpg", quality=_QUALITY))
        except (EOFError, OSError):
            return  # the page is gone

    def _next(self) -> ImageArray | None:
        """The next mosaic; None if there is none for a while."""
        with self._change:
            self._change.wait_for(lambda: self._newest is not None or self._is_over, _WAIT_S)
            image, self._newest = self._newest, None
            return image


class LivePictures:
    """The page's side: asks for pictures while somebody looks, and keeps the newest.

    Args:
        pipe: to the run's process.
    """

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self._newest = Picture(0, b"")
        self._looked_s = float("-inf")
        self._wake = threading.Event()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._ask, name="keyreid-look", daemon=True)
        self._thread.start()

    def newest(self) -> Picture:
        """The newest picture; number 0 before the first. Whoever asks looks, for the next seconds."""
        self._looked_s = time.monotonic()
        self._wake.set()
        return self._newest

    @property
    def is_over(self) -> bool:
        """Whether no picture will come any more."""
        return self._over.is_set()

    def close(self) -> None:
        """Look no more."""
        self._over.set()
        self._wake.set()
        self._thread.join(2)
        self._pipe.close()

    def _ask(self) -> None:
        try:
            while not self._over.is_set():
                if time.monotonic() - self._looked_s > LOOKED_AT_S:
                    self._wake.clear()
                    self._wake.wait(_WAIT_S)
                    continue
                self._pipe.send(None)
                while not self._pipe.poll(_WAIT_S):
                    if self._over.is_set():
                        return
                jpeg = self._pipe.recv_bytes()
                if jpeg:
                    self._newest = Picture(self._newest.number + 1, jpeg)
        except (EOFError, OSError):
            return  # the run is over
        finally:
            self._over.set()
