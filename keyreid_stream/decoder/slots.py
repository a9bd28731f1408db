"""Frames in memory that two processes share, without a lock: a killed process could hold one for ever.

There are three slots. The decoder writes into one that is neither the newest nor the one being read, and then calls it
the newest. The reader takes the newest: it says which one it reads, and looks again whether that still is the newest.
If so, the decoder cannot have chosen it to write into. The memory is a file without a name that grows when a larger
picture comes and is gone when both processes have closed it.
"""

from __future__ import annotations

import mmap
import os
import tempfile
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

SLOTS = 3
_HEADER_BYTES = 4096
_NONE = -1
_TRIES = 16
"""How often a reader may be overtaken; twice in a row hardly happens."""

_STATE = np.dtype([("newest", "i8"), ("reading", "i8")])
_SLOT = np.dtype(
    [
        ("offset", "i8"),
        ("capacity", "i8"),
        ("height", "i8"),
        ("width", "i8"),
        ("epoch", "i8"),
        ("number", "i8"),
        ("timestamp_s", "f8"),
        ("arrival_s", "f8"),
        ("latency_s", "f8"),
    ]
)


class Picture(NamedTuple):
    """A decoded picture.

    Attributes:
        image: (H, W, 3) uint8, RGB.
        epoch: the connection it came by.
        number: 0-based count of the camera's decoded pictures.
        timestamp_s: unix seconds.
        arrival_s: unix seconds at which it was decoded.
        latency_s: how long after the camera's own wall clock that was; NaN where the camera does not tell.
    """

    image: NDArray[np.uint8]
    epoch: int
    number: int
    timestamp_s: float
    arrival_s: float
    latency_s: float


def shared_memory_file() -> int:
    """File descriptor of an empty file without a name; the caller closes it."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("keyreid-frames")
    with tempfile.TemporaryFile() as file:  # no memfd outside Linux
        return os.dup(file.fileno())


class FrameSlots:
    """One side of the shared memory: `write` in the decoder, `take` in the reader.

    Args:
        descriptor: of the file, which stays the caller's.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        if os.fstat(descriptor).st_size < _HEADER_BYTES:
            os.ftruncate(descriptor, _HEADER_BYTES)
            header = mmap.mmap(descriptor, _HEADER_BYTES)
            np.frombuffer(header, _STATE, 1)[:] = (_NONE, _NONE)
        self._header = mmap.mmap(descriptor, _HEADER_BYTES)
        self._state = np.frombuffer(self._header, _STATE, 1)
        self._slots = np.frombuffer(self._header, _SLOT, SLOTS, _STATE.itemsize)
        self._memory = mmap.mmap(descriptor, os.fstat(descriptor).st_size)
        self._last_taken = _NONE

    def write(self, picture: Picture) -> None:
        """Make this the newest picture."""
        busy = {int(self._state["newest"][0]), int(self._state["reading"][0])}
        slot = next(place for place in range(SLOTS) if place not in busy)
        height, width = picture.image.shape[:2]
        entry = self._slots[slot : slot + 1]
        if height * width * 3 > entry["capacity"][0]:
            self._grow(slot, height * width * 3)
        entry["height"], entry["width"] = height, width
        entry["epoch"], entry["number"] = picture.epoch, picture.number
        entry["timestamp_s"], entry["arrival_s"] = picture.timestamp_s, picture.arrival_s
        entry["latency_s"] = picture.latency_s
        self._pixels(slot)[:] = picture.image
        self._state["newest"] = slot

    def take(self) -> Picture | None:
        """A copy of the newest picture, once; None if it was taken before."""
        for _ in range(_TRIES):
            slot = int(self._state["newest"][0])
            if slot == _NONE:
                return None
            self._state["reading"] = slot
            if int(self._state["newest"][0]) != slot:
                continue
            picture = self._copy(slot)
            self._state["reading"] = _NONE
            return picture
        self._state["reading"] = _NONE
        return None

    def close(self) -> None:
        """Let go of the memory."""
        del self._state, self._slots
        self._header.close()
        self._memory.close()

    def _copy(self, slot: int) -> Picture | None:
        entry = self._slots[slot]
        number = int(entry["number"])
        if number == self._last_taken:
            return None
        self._last_taken = number
        return Picture(
            self._pixels(slot).copy(),
            int(entry["epoch"]),
            number,
            float(entry["timestamp_s"]),
            float(entry["arrival_s"]),
            float(entry["latency_s"]),
        )

    def _pixels(self, slot: int) -> NDArray[np.uint8]:
        entry = self._slots[slot]
        offset, height, width = int(entry["offset"]), int(entry["height"]), int(entry["width"])
        if offset + height * width * 3 > len(self._memory):
            self._memory = mmap.mmap(self._descriptor, os.fstat(self._descriptor).st_size)
        pixels = np.frombuffer(self._memory, np.uint8, height * width * 3, offset)
        return pixels.reshape(height, width, 3)

    def _grow(self, slot: int, size: int) -> None:
        """Give a slot room at the end of the file.

        The room that it had is lost until both processes close the file: cameras seldom change their size, and the
        reader may be in it.
        """
        end = os.fstat(self._descriptor).st_size
        os.ftruncate(self._descriptor, end + size)
        self._slots["offset"][slot], self._slots["capacity"][slot] = end, size
