"""A module with the interface of TensorRT, whose engines answer through ONNX Runtime.

A plan is the ONNX graph itself behind a header. Contexts work on addresses, as TensorRT does, and only when their
stream is waited for; they refuse what TensorRT refuses: addresses that are not aligned or not given, memory that is
gone, shapes outside of the profile, work recorded with other shapes.
"""

from __future__ import annotations

import ctypes
import enum
import hashlib
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray

__version__ = "10.99"

MAGIC = b"FAKEPLAN"
MOVED = ("NonZero", "Einsum")
"""Operators that the fake's parser refuses."""

ONNX_TYPES = {1: "FLOAT", 10: "HALF", 2: "UINT8", 7: "INT64", 16: "BF16"}
NUMPY_TYPES = {"FLOAT": np.float32, "HALF": np.float16, "UINT8": np.uint8, "INT64": np.int64}


class FakeSpace:
    """Device memory and streams: whoever plays the device fills these."""

    def __init__(self) -> None:
        self.live: Callable[[int, int], bool] = lambda address, size: True
        self.enqueue: Callable[[int, Callable[[], None]], None] = lambda handle, work: work()
        self.contexts = 0
        self.runtimes = 0


SPACE = FakeSpace()


class NetworkDefinitionCreationFlag(enum.IntEnum):
    EXPLICIT_BATCH = 0
    STRONGLY_TYPED = 1


class BuilderFlag(enum.IntEnum):
    TF32 = 7


class TensorIOMode(enum.IntEnum):
    NONE = 0
    INPUT = 1
    OUTPUT = 2


DataType = enum.Enum("DataType", ["FLOAT", "HALF", "UINT8", "INT64", "BF16"])  # type: ignore[misc]


class Severity(enum.IntEnum):
    ERROR = 1


class ILogger:
    def log(self, severity: Any, message: str) -> None:
        raise NotImplementedError


class IProgressMonitor:
    pass


class ITensor:
    def __init__(self, proto: Any) -> None:
        kind = proto.type.tensor_type
        self.name = proto.name
        self.shape = tuple(axis.dim_value if axis.HasField("dim_value") else -1 for axis in kind.shape.dim)
        self.dtype = DataType[ONNX_TYPES[kind.elem_type]]


class INetworkDefinition:
    def __init__(self) -> None:
        self.content = b""
        self.inputs: list[ITensor] = []
        self.outputs: list[ITensor] = []

    def read(self, content: bytes) -> None:
        graph = onnx.load_model_from_string(content).graph
        self.content, self.inputs = content, [ITensor(one) for one in graph.input]
        self.outputs = [ITensor(one) for one in graph.output]

    @property
    def num_inputs(self) -> int:
        return len(self.inputs)

    @property
    def num_outputs(self) -> int:
        return len(self.outputs)

    def get_input(self, index: int) -> ITensor:
        return self.inputs[index]

    def get_output(self, index: int) -> ITensor:
        return self.outputs[index]


class ParserError:
    def __init__(self, node: Any) -> None:
        self._node = node

    def desc(self) -> str:
        return f"no importer for {self._node.op_type}"

    def node_operator(self) -> str:
        return str(self._node.op_type)

    def node_name(self) -> str:
        return str(self._node.name)


class OnnxParser:
    def __init__(self, network: INetworkDefinition, logger: ILogger) -> None:
        self._network = network
        self._errors: list[ParserError] = []

    def parse(self, content: bytes) -> bool:
        nodes = onnx.load_model_from_string(content).graph.node
        self._errors = [ParserError(node) for node in nodes if node.op_type in MOVED]
        if not self._errors:
            self._network.read(content)
        return not self._errors

    @property
    def num_errors(self) -> int:
        return len(self._errors)

    def get_error(self, index: int) -> ParserError:
        return self._errors[index]


class IOptimizationProfile:
    def __init__(self) -> None:
        self.shapes: dict[str, list[list[int]]] = {}

    def set_shape(self, name: str, least: Any, usual: Any, most: Any) -> None:
        self.shapes[name] = [list(least), list(usual), list(most)]


class ITimingCache:
    def __init__(self, content: bytes) -> None:
        self.content = content

    def serialize(self) -> bytes:
        return b"timed" + self.content[:5]


class IBuilderConfig:
    def __init__(self) -> None:
        self.profiles: list[IOptimizationProfile] = []
        self.progress_monitor: Any = None
        self.cleared: list[BuilderFlag] = []
        self.timing: ITimingCache | None = None

    def add_optimization_profile(self, profile: IOptimizationProfile) -> int:
        self.profiles.append(profile)
        return len(self.profiles) - 1

    def clear_flag(self, flag: BuilderFlag) -> None:
        self.cleared.append(flag)

    def create_timing_cache(self, content: bytes) -> ITimingCache:
        return ITimingCache(content)

    def set_timing_cache(self, cache: ITimingCache, ignore_mismatch: bool) -> bool:
        self.timing = cache
        return True

    def get_timing_cache(self) -> ITimingCache | None:
        return self.timing


class IHostMemory(bytes):
    @property
    def nbytes(self) -> int:
        return len(self)


class Builder:
    def __init__(self, logger: ILogger) -> None:
        self.logger = logger

    def create_network(self, flags: int) -> INetworkDefinition:
        assert flags == 1 << NetworkDefinitionCreationFlag.STRONGLY_TYPED
        return INetworkDefinition()

    def create_builder_config(self) -> IBuilderConfig:
        return IBuilderConfig()

    def create_optimization_profile(self) -> IOptimizationProfile:
        return IOptimizationProfile()

    def build_serialized_network(self, network: INetworkDefinition, config: IBuilderConfig) -> IHostMemory | None:
        assert config.cleared == [BuilderFlag.TF32]
        monitor = config.progress_monitor
        if monitor is not None:
            monitor.phase_start("pretending", None, 1)
            monitor.phase_start("inner", "pretending", 1)
            monitor.step_complete("inner", 0)
            monitor.phase_finish("inner")
            monitor.phase_finish("pretending")
        header = json.dumps([profile.shapes for profile in config.profiles]).encode()
        body = len(header).to_bytes(8, "little") + header + network.content
        return IHostMemory(MAGIC + hashlib.sha256(body).digest() + body)


class ICudaEngine:
    def __init__(self, plan: bytes) -> None:
        body = plan[len(MAGIC) + 32 :]
        length = int.from_bytes(body[:8], "little")
        self.profiles = json.loads(body[8 : 8 + length])
        content = body[8 + length :]
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.log_severity_level = 1, 3
        self.session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        network = INetworkDefinition()
        network.read(content)
        self.inputs = {tensor.name: tensor for tensor in network.inputs}
        self.tensors = self.inputs | {tensor.name: tensor for tensor in network.outputs}

    @property
    def num_io_tensors(self) -> int:
        return len(self.tensors)

    @property
    def num_optimization_profiles(self) -> int:
        return len(self.profiles)

    def get_tensor_name(self, index: int) -> str:
        return list(self.tensors)[index]

    def get_tensor_mode(self, name: str) -> TensorIOMode:
        return TensorIOMode.INPUT if name in self.inputs else TensorIOMode.OUTPUT

    def get_tensor_dtype(self, name: str) -> Any:
        return self.tensors[name].dtype

    def get_tensor_shape(self, name: str) -> tuple[int, ...]:
        return self.tensors[name].shape

    def get_tensor_profile_shape(self, name: str, profile: int) -> list[tuple[int, ...]]:
        return [tuple(shape) for shape in self.profiles[profile][name]]

    def create_execution_context(self, settings: Any = None) -> IExecutionContext:
        SPACE.contexts += 1
        return IExecutionContext(self)


class IExecutionContext:
    def __init__(self, engine: ICudaEngine) -> None:
        self.engine = engine
        self.profile = -1
        self.shapes: dict[str, tuple[int, ...]] = {}
        self.addresses: dict[str, int] = {}

    def set_optimization_profile_async(self, profile: int, stream: int) -> bool:
        self.profile = profile
        return 0 <= profile < len(self.engine.profiles)

    def set_input_shape(self, name: str, shape: tuple[int, ...]) -> bool:
        least, _, most = self.engine.profiles[self.profile][name]
        fits = all(low <= size <= high for low, size, high in zip(least, shape, most, strict=True))
        self.shapes[name] = shape
        return fits

    def set_tensor_address(self, name: str, address: int) -> bool:
        self.addresses[name] = address
        return name in self.engine.tensors and address % 256 == 0

    def execute_async_v3(self, stream: int) -> bool:
        if set(self.addresses) != set(self.engine.tensors) or set(self.shapes) != set(self.engine.inputs):
            return False
        shapes, addresses = dict(self.shapes), dict(self.addresses)

        def work(played: bool = False) -> None:
            assert not played or shapes == self.shapes, "played back after the shapes changed"
            given = {name: self._memory(name, addresses[name], shapes[name]).copy() for name in self.engine.inputs}
            names = [name for name in self.engine.tensors if name not in self.engine.inputs]
            for name, array in zip(names, self.engine.session.run(names, given), strict=True):
                self._memory(name, addresses[name], array.shape)[...] = array

        SPACE.enqueue(stream, work)
        return True

    def _memory(self, name: str, address: int, shape: tuple[int, ...]) -> NDArray[Any]:
        dtype = np.dtype(NUMPY_TYPES[self.engine.tensors[name].dtype.name])
        size = int(np.prod(shape)) * dtype.itemsize
        assert SPACE.live(address, size), f"{name} lies in memory that is not there any more"
        return np.frombuffer((ctypes.c_uint8 * size).from_address(address), dtype).reshape(shape)


class Runtime:
    def __init__(self, logger: ILogger) -> None:
        self.logger = logger
        SPACE.runtimes += 1

    def deserialize_cuda_engine(self, plan: bytes) -> ICudaEngine | None:
        body = plan[len(MAGIC) + 32 :]
        if plan[: len(MAGIC)] != MAGIC or plan[len(MAGIC) :][:32] != hashlib.sha256(body).digest():
            self.logger.log(Severity.ERROR, "the plan's magic tag is not right")
            return None
        return ICudaEngine(plan)
