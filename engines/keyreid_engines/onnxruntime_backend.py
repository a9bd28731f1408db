"""ONNX Runtime on the CPU."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from keyreid_engines.backend import Arrays, EngineFiles, as_contiguous, import_library
from keyreid_engines.errors import EngineError
from keyreid_engines.graphs import Precision

PROVIDER = "CPUExecutionProvider"


class OnnxRuntimeBackend:
    """Engines are the ONNX graphs themselves: ONNX Runtime optimises them while it loads them."""

    name = "onnxruntime"

    def __init__(self) -> None:
        """Import the library.

        Raises:
            ImportError: it is not installed, or half installed.
        """
        self._library: Any = import_library("onnxruntime")
        try:
            self._version = str(self._library.__version__)
            providers = self._library.get_available_providers()
        except AttributeError as error:
            raise ImportError(f"onnxruntime is installed but not whole ({error})") from error
        if PROVIDER not in providers:
            raise ImportError(f"onnxruntime has no {PROVIDER}, only {', '.join(providers) or 'none'}")

    @property
    def version(self) -> str:
        """Of the library."""
        return self._version

    @property
    def device(self) -> str:
        """An engine holds nothing of the processor, so any of the architecture will do."""
        return f"CPU ({platform.machine()})"

    @property
    def precisions(self) -> tuple[Precision, ...]:
        """On a CPU ONNX Runtime has no arithmetic in bfloat16, and float16 costs more than it brings."""
        return ("float32",)

    def graph_precision(self, precision: Precision) -> Precision:
        """The graph's own types are those that it is computed in."""
        return precision

    def compile(self, content: bytes) -> EngineFiles:
        """The graph as it is."""
        return {"onnx": content}

    def load(self, files: EngineFiles, precision: Precision, threads: int) -> OnnxRuntimeGraph:
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
        try:
            session = self._library.InferenceSession(files["onnx"], options, providers=[PROVIDER])
        except Exception as error:  # its exceptions share no class of their own
            raise EngineError(
                f"ONNX Runtime does not take the graph ({_first_line(error)}); use --backend torch"
            ) from error
        return OnnxRuntimeGraph(session)


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
