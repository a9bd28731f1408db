"""OpenVINO on the CPU."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from keyreid_engines.backend import Arrays, EngineFiles, as_contiguous, import_library
from keyreid_engines.errors import EngineError
from keyreid_engines.graphs import Precision
from keyreid_engines.signal_stack import kept_signal_stack

DEVICE = "CPU"

HINTS: dict[Precision, str] = {"float32": "f32", "bfloat16": "bf16"}


class OpenVinoBackend:
    """Engines are OpenVINO's own representation of a float32 graph; the precision is chosen when one is loaded.

    Inputs and outputs stay float32, so between the two halves nothing is rounded twice.
    """

    name = "openvino"

    def __init__(self) -> None:
        """Import the library and ask for its CPU.

        Raises:
            ImportError: it is not installed, half installed, or has no plugin for the CPU.
        """
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
            raise ImportError(f"openvino is installed but cannot use the CPU ({_last_line(error)})") from error

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

    def load(self, files: EngineFiles, precision: Precision, threads: int) -> OpenVinoGraph:
        """Compile for the CPU.

        Raises:
            EngineError: OpenVINO does not take the graph.
        """
        settings = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": HINTS[precision],
            "INFERENCE_NUM_THREADS": threads,
        }
        try:
            model = self._core.read_model(model=files["xml"], weights=files["bin"])
            with kept_signal_stack():
                return OpenVinoGraph(self._core.compile_model(model, DEVICE, settings))
        except RuntimeError as error:
            raise _refused(error) from error


class OpenVinoGraph:
    """A compiled model behind the seam `Graph`."""

    def __init__(self, compiled: Any) -> None:
        self._outputs = [output.any_name for output in compiled.outputs]
        self._request = compiled.create_infer_request()

    def __call__(self, inputs: Mapping[str, NDArray[Any]]) -> Arrays:
        """Outputs for one batch; copies, since the next call writes over the originals."""
        results = self._request.infer(as_contiguous(inputs), share_inputs=True)
        return {name: results[name].copy() for name in self._outputs}


def _refused(error: BaseException) -> EngineError:
    return EngineError(f"OpenVINO does not take the graph ({_last_line(error)}); use --backend onnxruntime or torch")


def _last_line(error: BaseException) -> str:
    """OpenVINO tells where in its own source first, and what is wrong last."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__
