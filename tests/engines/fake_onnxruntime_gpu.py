"""ONNX Runtime as its GPU wheel would be: it takes CUDA's and TensorRT's options, and computes on the CPU."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import onnxruntime

ALL = ("TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider")


class FakeSession:
    """A session on the CPU that says it is on a provider; TensorRT's writes an engine when it runs first."""

    def __init__(self, real: Any, called: str, settings: dict[str, str]) -> None:
        self._real, self._called, self._settings = real, called, settings
        self.batches: list[int] = []
        self.places: dict[str, int] = {}
        self.found = sorted(path.name for path in self._cache().iterdir()) if self._cache() else []

    def get_providers(self) -> list[str]:
        return [self._called, "CPUExecutionProvider"]

    def get_inputs(self) -> Any:
        return self._real.get_inputs()

    def get_outputs(self) -> Any:
        return self._real.get_outputs()

    def io_binding(self) -> RecordingBinding:
        return RecordingBinding(self, self._real.io_binding())

    def run_with_iobinding(self, binding: RecordingBinding) -> None:
        self._real.run_with_iobinding(binding.real)
        folder = self._cache()
        if folder:
            (folder / "TensorrtExecutionProvider_graph.engine").write_bytes(b"engine")

    def _cache(self) -> Any:
        path = self._settings.get("trt_engine_cache_path")
        return Path(path) if path else None


class RecordingBinding:
    """Binds for real, and notes where and how many rows."""

    def __init__(self, session: FakeSession, real: Any) -> None:
        self.session, self.real = session, real

    def bind_input(self, name: str, kind: str, number: int, dtype: Any, shape: list[int], address: int) -> None:
        self.session.places[name] = address
        if name == self.session.get_inputs()[0].name:
            self.session.batches.append(shape[0])
        self.real.bind_input(name, kind, number, dtype, shape, address)

    def bind_output(self, name: str, kind: str, number: int, dtype: Any, shape: list[int], address: int) -> None:
        self.session.places[name] = address
        self.real.bind_output(name, kind, number, dtype, shape, address)


class FakeLibrary:
    """The module."""

    SessionOptions = onnxruntime.SessionOptions

    def __init__(self, providers: Sequence[str] = ALL, *, falls_back: bool = False) -> None:
        self.__version__ = "1.99"
        self.providers, self.falls_back = list(providers), falls_back
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.sessions: list[FakeSession] = []

    def get_available_providers(self) -> list[str]:
        return self.providers

    def InferenceSession(self, content: bytes, options: Any, providers: list[tuple[str, dict[str, str]]]) -> Any:  # noqa: N802
        real = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        ((called, settings),) = providers
        self.asked.append((called, settings))
        if self.falls_back or called == "CPUExecutionProvider":
            return real
        self.sessions.append(FakeSession(real, called, settings))
        return self.sessions[-1]
