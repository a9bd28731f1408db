"""Everything of TensorRT that this package touches, so that its real bindings can be asked for it.

One code path serves `tensorrt` 10.x and 11.x and `tensorrt_rtx`; the module is handed in. Enumerations are named,
never numbered: their numbers changed between versions.
"""

from __future__ import annotations

from collections import deque
from functools import cache
from types import ModuleType
from typing import Any, TypeAlias

Library: TypeAlias = Any
"""The module `tensorrt` or `tensorrt_rtx`; neither has types."""

BUILDING = (
    *("Builder.create_network", "Builder.create_builder_config", "Builder.create_optimization_profile"),
    *("Builder.build_serialized_network", "NetworkDefinitionCreationFlag.STRONGLY_TYPED"),
    *("OnnxParser.parse", "OnnxParser.num_errors", "OnnxParser.get_error"),
    *("ParserError.desc", "ParserError.node_operator", "ParserError.node_name"),
    *("INetworkDefinition.num_inputs", "INetworkDefinition.get_input"),
    *("INetworkDefinition.num_outputs", "INetworkDefinition.get_output"),
    *("ITensor.name", "ITensor.shape", "ITensor.dtype"),
    *("IOptimizationProfile.set_shape", "IBuilderConfig.add_optimization_profile"),
    *("IBuilderConfig.clear_flag", "BuilderFlag.TF32", "IBuilderConfig.progress_monitor", "IProgressMonitor"),
    *("IBuilderConfig.create_timing_cache", "IBuilderConfig.set_timing_cache", "IBuilderConfig.get_timing_cache"),
    *("ITimingCache.serialize", "ILogger", "IHostMemory.nbytes"),
)
"""What building uses, of all of them alike."""

RUNNING = (
    *("Runtime.deserialize_cuda_engine", "ICudaEngine.num_io_tensors", "ICudaEngine.get_tensor_name"),
    *("ICudaEngine.get_tensor_mode", "ICudaEngine.get_tensor_dtype", "ICudaEngine.get_tensor_shape"),
    *("ICudaEngine.num_optimization_profiles", "ICudaEngine.get_tensor_profile_shape"),
    *("ICudaEngine.create_execution_context", "TensorIOMode.INPUT"),
    *("IExecutionContext.set_optimization_profile_async", "IExecutionContext.set_input_shape"),
    *("IExecutionContext.set_tensor_address", "IExecutionContext.execute_async_v3"),
)
"""What running uses, of all of them alike."""

GUARDED = (
    *("ComputeCapability", "IBuilderConfig.num_compute_capabilities", "IBuilderConfig.set_compute_capability"),
    *("CudaGraphStrategy.WHOLE_GRAPH_CAPTURE", "ICudaEngine.create_runtime_config"),
    *("IRuntimeConfig.cuda_graph_strategy", "IRuntimeConfig.create_runtime_cache", "IRuntimeConfig.set_runtime_cache"),
    *("IRuntimeCache.deserialize", "IRuntimeCache.serialize"),
)
"""What only TensorRT for RTX has; never touched before `is_rtx` has said so."""

KEPT_MESSAGES = 64


def is_rtx(library: Library) -> bool:
    """Whether this is TensorRT for RTX: one plan for several kinds of GPU, finished on the GPU itself."""
    return hasattr(library, "ComputeCapability")


def display_name(library: Library) -> str:
    """For messages: which library, and its version."""
    return f"{'TensorRT-RTX' if is_rtx(library) else 'TensorRT'} {getattr(library, '__version__', 'unknown')}"


@cache
def kept_logger(library: ModuleType) -> Any:
    """The logger of a library, the same one always.

    TensorRT keeps the first logger that it is given for the whole process, and calls it after its owner has let it go.
    So there is one, which is never let go; it writes nothing and keeps the last messages, for error texts.
    """

    class KeptLogger(library.ILogger):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.messages: deque[tuple[str, str]] = deque(maxlen=KEPT_MESSAGES)

        def log(self, severity: Any, message: str) -> None:
            self.messages.append((str(severity.name), message))

    return KeptLogger()


def last_fault(library: ModuleType) -> str:
    """What the library complained of last, in one line; the first complaint since is usually the cause."""
    messages = kept_logger(library).messages
    faults = [text for severity, text in messages if severity in ("ERROR", "INTERNAL_ERROR")]
    telling = [text for text in faults if "catchCudaError" not in text] or faults
    return one_line(telling[0]) if telling else "it does not say why"


def forget_faults(library: ModuleType) -> None:
    """Start afresh: what was complained of before belongs to something else."""
    kept_logger(library).messages.clear()


def one_line(text: str) -> str:
    """The first line that says something."""
    return next((line.strip() for line in text.splitlines() if line.strip()), "it does not say why")
