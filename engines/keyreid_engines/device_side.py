"""What running an engine needs of a GPU: memory, streams and recorded work, by PyTorch.

A seam, so that everything above it is tested without a GPU.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Protocol, TypeAlias

import torch

Stream: TypeAlias = Any
"""An order of work on the device; what it is, only the device side knows."""

ALIGNMENT = 256
"""Bytes at whose multiples TensorRT wants every tensor to begin."""


class DeviceSide(Protocol):
    """One device."""

    @property
    def device(self) -> torch.device:
        """Where tensors are."""
        ...

    @property
    def capability(self) -> str:
        """Its compute capability, such as "8.9"."""
        ...

    @property
    def words(self) -> str:
        """What an engine that is finished on it depends on."""
        ...

    def empty(self, shape: tuple[int, ...], dtype: torch.dtype) -> torch.Tensor:
        """Memory that begins at a multiple of `ALIGNMENT`."""
        ...

    def upload(self, tensor: torch.Tensor) -> torch.Tensor:
        """A tensor of the host on the device, for work on the current stream; the host's may be changed at once."""
        ...

    def stream(self) -> Stream:
        """A new stream beside the current one."""
        ...

    def handle(self, stream: Stream) -> int:
        """What libraries know the stream by."""
        ...

    def on(self, stream: Stream) -> AbstractContextManager[Any]:
        """Work of PyTorch goes to this stream inside."""
        ...

    def begin_after_current(self, stream: Stream) -> None:
        """What is put on the stream from now on waits for what is on the current one."""
        ...

    def join_current(self, stream: Stream) -> None:
        """What is put on the current stream from now on waits for what is on this one."""
        ...

    def record(self, stream: Stream, work: Callable[[], None]) -> Callable[[], None]:
        """Record what `work` puts on the stream, without doing it; gives what plays it back on the stream.

        Raises:
            RuntimeError: it cannot be recorded.
        """
        ...


class CudaSide:
    """A CUDA GPU."""

    def __init__(self, device: torch.device | None = None) -> None:
        """Take a GPU; by default the current one.

        Raises:
            ImportError: PyTorch can use none.
        """
        fault = cuda_fault()
        if fault is not None:
            raise ImportError(fault)
        index = torch.cuda.current_device() if device is None or device.index is None else device.index
        self._device = torch.device("cuda", index)

    @property
    def device(self) -> torch.device:
        """Which GPU."""
        return self._device

    @property
    def capability(self) -> str:
        """Its compute capability, such as "8.9"."""
        major, minor = torch.cuda.get_device_capability(self._device)
        return f"{major}.{minor}"

    @property
    def words(self) -> str:
        """Its name, capability and driver: what an engine that is finished on it depends on."""
        return f"{torch.cuda.get_device_name(self._device)}, capability {self.capability}, driver {_driver_version()}"

    def empty(self, shape: tuple[int, ...], dtype: torch.dtype) -> torch.Tensor:
        """PyTorch aligns to 512 bytes."""
        return torch.empty(shape, dtype=dtype, device=self._device)

    def upload(self, tensor: torch.Tensor) -> torch.Tensor:
        """Through pinned memory, which PyTorch keeps until the copy is done."""
        return tensor.pin_memory().to(self._device, non_blocking=True)

    def stream(self) -> Stream:
        """A stream of this GPU."""
        return torch.cuda.Stream(self._device)  # type: ignore[no-untyped-call]

    def handle(self, stream: Stream) -> int:
        """The `cudaStream_t`."""
        return int(stream.cuda_stream)

    def on(self, stream: Stream) -> AbstractContextManager[Any]:
        """PyTorch's own switch."""
        return torch.cuda.stream(stream)

    def begin_after_current(self, stream: Stream) -> None:
        """By an event, on the device."""
        stream.wait_stream(torch.cuda.current_stream(self._device))

    def join_current(self, stream: Stream) -> None:
        """By an event, on the device."""
        torch.cuda.current_stream(self._device).wait_stream(stream)

    def record(self, stream: Stream, work: Callable[[], None]) -> Callable[[], None]:
        """As a CUDA graph."""
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, stream=stream, capture_error_mode="thread_local"):
            work()

        def play() -> None:
            with torch.cuda.stream(stream):
                graph.replay()

        return play


def cuda_fault() -> str | None:
    """Why there is no GPU to run engines on; None where there is one.

    Asked before anything else: without a driver TensorRT gives runtimes that kill the process when they are used.
    """
    if torch.version.cuda is None:
        return "this PyTorch is built without CUDA"
    if not torch.cuda.is_available():
        return "there is no CUDA GPU that PyTorch can use"
    return None


def _driver_version() -> str:
    """The CUDA version of the driver, such as 13.0; `unknown` where it does not say."""
    found = ctypes.c_int(0)
    try:
        failed = ctypes.CDLL("libcuda.so.1").cuDriverGetVersion(ctypes.byref(found))
    except (OSError, AttributeError):
        return "unknown"
    return "unknown" if failed else f"{found.value // 1000}.{found.value % 1000 // 10}"
