"""This machine's memory in the place of a GPU: work on a stream waits until somebody waits for the stream."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from keyreid_engines.device_side import ALIGNMENT
from tests.engines.fake_tensorrt import SPACE

KEPT: list[NDArray[np.uint8]] = []
"""Memory is never given back, so that an address that was a device's once is nobody else's later."""

MEMORY: dict[int, tuple[int, weakref.ref[Any]]] = {}
"""Sizes and holders of memory, by where it begins."""


class HostStream:
    def __init__(self) -> None:
        self.pending: list[Callable[[], None]] = []
        self.recording: list[Callable[[], None]] | None = None

    def put(self, work: Callable[[], None]) -> None:
        (self.pending if self.recording is None else self.recording).append(work)

    def drain(self) -> None:
        work, self.pending = self.pending, []
        for one in work:
            one()


STREAMS: dict[int, HostStream] = {}


def live(address: int, size: int) -> bool:
    """Whether these bytes lie in memory that somebody still holds; what PyTorch made itself is not known here."""
    for start, (length, held) in MEMORY.items():
        if start <= address < start + length:
            return address + size <= start + length and held() is not None
    return True


SPACE.live, SPACE.enqueue = live, lambda handle, work: STREAMS[handle].put(work)


class HostSide:
    """Plays a GPU. PyTorch's own work is done at once, and after what is pending on its stream."""

    def __init__(self, capability: str = "8.9", words: str = "fake GPU, driver 1", *, records: bool = True) -> None:
        self.device = torch.device("cpu")
        self.capability, self.words = capability, words
        self.records = records
        self.streams: list[HostStream] = []
        self.played = 0

    def empty(self, shape: tuple[int, ...], dtype: torch.dtype) -> torch.Tensor:
        bytes_needed = torch.Size(shape).numel() * dtype.itemsize
        raw = np.full(bytes_needed + ALIGNMENT, 255, np.uint8)  # not-a-number in every floating type
        KEPT.append(raw)
        offset = -raw.ctypes.data % ALIGNMENT
        held = raw[offset : offset + bytes_needed]
        MEMORY[raw.ctypes.data + offset] = (bytes_needed, weakref.ref(held))
        return torch.from_numpy(held).view(dtype).view(shape)

    def upload(self, tensor: torch.Tensor) -> torch.Tensor:
        return self.empty(tuple(tensor.shape), tensor.dtype).copy_(tensor)

    def stream(self) -> HostStream:
        stream = HostStream()
        self.streams.append(stream)
        STREAMS[id(stream)] = stream
        return stream

    def handle(self, stream: HostStream) -> int:
        return id(stream)

    @contextmanager
    def on(self, stream: HostStream) -> Iterator[None]:
        stream.drain()
        yield

    def begin_after_current(self, stream: HostStream) -> None:
        pass

    def join_current(self, stream: HostStream) -> None:
        stream.drain()

    def record(self, stream: HostStream, work: Callable[[], None]) -> Callable[[], None]:
        if not self.records:
            raise RuntimeError("operation not permitted when stream is capturing")
        stream.recording = recorded = []
        try:
            work()
        finally:
            stream.recording = None

        def play() -> None:
            self.played += 1
            for one in recorded:
                stream.put(partial(one, True))

        return play
