"""OpenVINO on the CPU."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from keyreid_engines.backend import EngineFiles, import_library
from keyreid_engines.errors import EngineError
from keyreid_engines.graphs import Precision
from keyreid_engines.openvino_graph import Hint, OpenVinoGraph, OpenVinoQueue, last_line
from keyreid_engines.signal_stack import kept_signal_stack

DEVICE = "CPU"

HINTS: dict[Precision, str] = {"float32": "f32", "bfloat16": "bf16"}


class OpenVinoBackend:
    """Engines are OpenVINO's own representation of a float32 graph; the precision is chosen when one is loaded.

    Inputs and outputs stay float32, so between the two halves nothing is rounded twice.
    """

    name = "openvino"

    def __init__(self, hint: Hint = "latency") -> None:
        """Import the library and ask for its CPU.

        Args:
            hint: `latency` gives all threads to one batch; `throughput` cuts a batch into pieces that run side by side.

        Raises:
            ImportError: it is not installed, half installed, or has no plugin for the CPU.
        """
        self._hint = hint
        self._library: Any = import_library("openvino")
        try:
            # "2026.4.1-22982-…": builds of one release can differ.
            self._version = str(self._library.get_version()).split("-releases")[0]
            self._core: Any = self._library.Core()
            with kept_signal_stack():  # the first question loads the plugin
                self._processor = str(self._core.get_property(DEVICE, "FULL_DEVICE_NAME"))
                self._capabilities = sorted(
                    str(one) for one in self._core.get_property(DEVICE, "OPTIMIZATION_CAPABILITIES")
                )
        except Exception as error:  # AttributeError of half a package, RuntimeError of a plugin
            raise ImportError(f"openvino is installed but cannot use the CPU ({last_line(error)})") from error

    @property
    def version(self) -> str:
        """Of the library, with its build."""
        return self._version

    @property
    def device(self) -> str:
        """The processor and what OpenVINO does in hardware on it."""
        return f"CPU ({self._processor.strip()}; {', '.join(self._capabilities)})"

    @property
    def precisions(self) -> tuple[Precision, ...]:
        """bfloat16 where the processor computes in it (avx512_bf16, amx_bf16), and float32."""
        return ("bfloat16", "float32") if "BF16" in self._capabilities else ("float32",)

    def graph_precision(self, precision: Precision) -> Precision:
        """Always float32: OpenVINO lowers the precision itself, as the hint says."""
        del precision
        return "float32"

    def compile(self, content: bytes) -> EngineFiles:
        """Convert the graph; `xml` is its structure, `bin` its weights.

        Raises:
            EngineError: OpenVINO does not take the graph.
        """
        try:
            model = self._core.read_model(model=content)
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "graph.xml"
                self._library.save_model(model, str(path), compress_to_fp16=False)
                return {"xml": path.read_bytes(), "bin": path.with_suffix(".bin").read_bytes()}
        except RuntimeError as error:
            raise _refused(error) from error

    def hinted(self, hint: Hint) -> OpenVinoBackend:
        """The same backend, which runs its engines in this way; the engines themselves are the same."""
        return OpenVinoBackend(hint)

    def load(self, files: EngineFiles, precision: Precision, threads: int) -> OpenVinoGraph | OpenVinoQueue:
        """Compile for the CPU.

        Raises:
            EngineError: OpenVINO does not take the graph.
        """
        settings = {
            "PERFORMANCE_HINT": self._hint.upper(),
            "INFERENCE_PRECISION_HINT": HINTS[precision],
            "INFERENCE_NUM_THREADS": threads,
        }
        try:
            model = self._core.read_model(model=files["xml"], weights=files["bin"])
            with kept_signal_stack():
                compiled = self._core.compile_model(model, DEVICE, settings)
                if self._hint == "latency":
                    return OpenVinoGraph(compiled)
                return OpenVinoQueue(compiled, self._library.AsyncInferQueue)
        except RuntimeError as error:
            raise _refused(error) from error


def _refused(error: BaseException) -> EngineError:
    return EngineError(f"OpenVINO does not take the graph ({last_line(error)}); use --backend onnxruntime or torch")
