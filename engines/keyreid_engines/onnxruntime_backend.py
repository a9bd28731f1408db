"""ONNX Runtime, on the CPU or by one of its providers on a CUDA GPU."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from typing import Any

import torch
from numpy.typing import NDArray

from keyreid_engines.backend import Arrays, EngineFiles, Provider, as_contiguous, import_library, installed_version
from keyreid_engines.device_side import CudaSide, DeviceSide
from keyreid_engines.errors import EngineError
from keyreid_engines.graphs import Precision
from keyreid_engines.onnxruntime_device import BoundGraph
from keyreid_engines.onnxruntime_tensorrt import KeptEngines, tensorrt_options
from keyreid_engines.profiles import BATCHES
from keyreid_stream.errors import ConfigError

PROVIDERS: Mapping[str, str] = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
}
"""What ONNX Runtime calls them."""

PROVIDER = PROVIDERS["cpu"]

TO_INSTALL = "pip uninstall onnxruntime && pip install onnxruntime-gpu"


class OnnxRuntimeBackend:
    """Engines are the ONNX graphs themselves: ONNX Runtime optimises them while it loads them.

    By the provider `tensorrt`, what TensorRT built of them is kept beside them, hashed like any other file.
    """

    name = "onnxruntime"

    def __init__(self, provider: str = "cpu", side: DeviceSide | None = None) -> None:
        """Import the library.

        Args:
            provider: cpu, cuda or tensorrt.
            side: the GPU, for the latter two.

        Raises:
            ImportError: it is not installed, half installed, or lacks the provider.
        """
        self._library: Any = import_library("onnxruntime")
        self._provider, self._side = provider, side
        try:
            self._version = str(self._library.__version__)
            self._there = list(self._library.get_available_providers())
        except AttributeError as error:
            raise ImportError(f"onnxruntime is installed but not whole ({error})") from error
        if PROVIDERS[provider] not in self._there:
            hint = "" if provider == "cpu" else f"; {TO_INSTALL}"
            raise ImportError(
                f"onnxruntime has no {PROVIDERS[provider]}, only {', '.join(self._there) or 'none'}{hint}"
            )

    @property
    def version(self) -> str:
        """Of the library."""
        return self._version

    @property
    def device(self) -> str:
        """On a CPU an engine holds nothing of the processor, so any of the architecture will do."""
        return f"CPU ({platform.machine()})" if self._side is None else f"CUDA ({self._side.words})"

    @property
    def precisions(self) -> tuple[Precision, ...]:
        """On a CPU ONNX Runtime has no arithmetic in bfloat16, and float16 costs more than it brings."""
        return ("float32",) if self._side is None else ("float16", "float32")

    @property
    def flags(self) -> Mapping[str, str]:
        """The provider on a GPU, and of TensorRT its version and the batches that it builds for."""
        if self._side is None:
            return {}
        if self._provider == "cuda":
            return {"provider": "cuda", "tf32": "off"}
        profiles = {kind: [ranges[0].least, ranges[-1].most] for kind, ranges in BATCHES.items()}
        built_by = {"tensorrt": installed_version("tensorrt"), "profiles": json.dumps(profiles, sort_keys=True)}
        return {"provider": "tensorrt", **built_by}

    @property
    def providers(self) -> str:
        """Which of its providers this installation has, and what to type for the others."""
        there = [name for name, called in PROVIDERS.items() if called in self._there]
        missing = [name for name in PROVIDERS if name not in there]
        told = f"providers: {', '.join(there)}"
        return told if not missing else f"{told}; not {', '.join(missing)}: {TO_INSTALL}"

    def for_device(self, device: torch.device, provider: Provider = "auto") -> OnnxRuntimeBackend:
        """The same library on one device; see `ServesDevices`.

        Raises:
            ImportError: the provider is not in this installation, or there is no GPU.
            ConfigError: the provider does not compute on the device.
        """
        on_gpu = device.type == "cuda"
        chosen = ("cuda" if on_gpu else "cpu") if provider == "auto" else provider
        if on_gpu == (chosen == "cpu"):
            fitting, other = ("cuda or tensorrt", "cpu") if on_gpu else ("cpu", "cuda")
            raise ConfigError(
                f"provider {chosen} of onnxruntime does not compute on {device}, {fitting} does; take --device {other}"
            )
        OnnxRuntimeBackend(chosen)  # that the wheel lacks it is said before that there is no GPU
        return OnnxRuntimeBackend(chosen, CudaSide(device) if on_gpu else None)

    def graph_precision(self, precision: Precision) -> Precision:
        """The graph's own types are those that it is computed in."""
        return precision

    def compile(self, content: bytes) -> EngineFiles:
        """The graph as it is."""
        return {"onnx": content}

    def load(self, files: EngineFiles, precision: Precision, threads: int) -> OnnxRuntimeGraph | BoundGraph:
        """Make a session.

        Raises:
            EngineError: ONNX Runtime does not take the graph.
        """
        del precision  # typed into the graph
        options = self._library.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3  # errors, which are raised as well
        # Waiting threads sleep: they share their cores with decoding and tracking.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        if self._side is None:
            return OnnxRuntimeGraph(self._session(files["onnx"], options, {}))
        return self._on_gpu(files, options, self._side)

    def _on_gpu(self, files: EngineFiles, options: Any, side: DeviceSide) -> BoundGraph:
        """A session that computes on a stream of its own, which takes turns with PyTorch's current one."""
        stream = side.stream()
        settings = {"device_id": str(side.device.index or 0), "user_compute_stream": str(side.handle(stream))}
        if self._provider == "cuda":
            session = self._session(files["onnx"], options, settings | {"use_tf32": "0"})
            return BoundGraph(session, side, stream=stream)
        kept = KeptEngines(files.get("kernels", b""))
        extra, largest = tensorrt_options(files["onnx"], kept.folder)
        session = self._session(files["onnx"], options, settings | extra)
        return BoundGraph(session, side, stream=stream, largest=largest, kept=kept)

    def _session(self, content: bytes, options: Any, settings: Mapping[str, str]) -> Any:
        called = PROVIDERS[self._provider]
        try:
            session = self._library.InferenceSession(content, options, providers=[(called, dict(settings))])
        except Exception as error:  # its exceptions share no class of their own
            raise EngineError(
                f"ONNX Runtime does not take the graph ({_first_line(error)}); use --backend torch"
            ) from error
        # Where a provider's libraries do not load, ONNX Runtime quietly takes the CPU.
        if called not in session.get_providers():
            raise EngineError(
                f"ONNX Runtime cannot use {called}: its libraries do not load here; see `keyreid doctor`, or use "
                "--backend torch"
            )
        return session


class OnnxRuntimeGraph:
    """A session behind the seam `Graph`."""

    def __init__(self, session: Any) -> None:
        self._session = session
        self._outputs = [output.name for output in session.get_outputs()]

    def __call__(self, inputs: Mapping[str, NDArray[Any]]) -> Arrays:
        """Outputs for one batch."""
        values = self._session.run(self._outputs, as_contiguous(inputs))
        return dict(zip(self._outputs, values, strict=True))


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
