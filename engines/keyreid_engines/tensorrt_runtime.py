"""A TensorRT plan that runs: tensors of the device go in and come out, in batches of any size.

Nothing passes through the host. A call is cut to the plan's profiles; the pieces take turns on several lanes, each with
an execution context and a stream of its own, and PyTorch's current stream waits for all of them at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray

from keyreid_engines.backend import Arrays, Graph
from keyreid_engines.device_side import ALIGNMENT, DeviceSide
from keyreid_engines.errors import EngineError
from keyreid_engines.profiles import BatchRange, Call, Shape, plan_calls
from keyreid_engines.tensorrt_api import Library, display_name, forget_faults, is_rtx, kept_logger, last_fault

Tensors: TypeAlias = dict[str, torch.Tensor]

DTYPES: Mapping[str, torch.dtype] = {
    "FLOAT": torch.float32,
    "HALF": torch.float16,
    "BF16": torch.bfloat16,
    "UINT8": torch.uint8,
    "INT32": torch.int32,
    "INT64": torch.int64,
    "BOOL": torch.bool,
}
"""By TensorRT's names."""

LANES = 2


@runtime_checkable
class DeviceGraph(Graph, Protocol):
    """A compiled graph whose inputs and outputs stay on its device."""

    side: DeviceSide
    dtypes: Mapping[str, torch.dtype]

    def run(self, inputs: Mapping[str, torch.Tensor], most: int | None = None) -> Tensors:
        """Outputs of one batch of at least one row, for the current stream.

        Args:
            inputs: contiguous tensors of the device by name, all of as many rows.
            most: of rows to compute at a time; by default what the engine allows.
        """
        ...


@dataclass(frozen=True, slots=True)
class Tensor:
    """An input or output of a plan.

    Attributes:
        row: its shape without the batch.
        dtype: of its numbers.
        is_input: whether it goes in.
    """

    row: Shape
    dtype: torch.dtype
    is_input: bool


class TensorRtGraph:
    """A plan on a device.

    Attributes:
        side: the device.
        tensors: inputs and outputs by name.
        ranges: of batches, one for each profile.
    """

    def __init__(
        self,
        library: Library,
        plan: bytes,
        side: DeviceSide,
        *,
        kernels: bytes = b"",
        lanes: int = LANES,
        fixed: Sequence[int] = (),
    ) -> None:
        """Load a plan. Say first that there is a GPU: without one, the library kills the process.

        Args:
            library: the module `tensorrt` or `tensorrt_rtx`.
            plan: what was built with this very version; checked against its manifest.
            side: the device to run on.
            kernels: what TensorRT for RTX finished on this GPU before; may be empty.
            lanes: how many pieces of a batch may be computed side by side.
            fixed: sizes of batches to record once and play back.

        Raises:
            EngineError: the library does not take the plan, or there is not enough memory.
        """
        self._library, self.side, self._fixed = library, side, tuple(fixed)
        forget_faults(library)
        self._runtime = library.Runtime(kept_logger(library))
        if self._runtime is None:
            raise self._fault("gives no runtime")
        self._engine = self._runtime.deserialize_cuda_engine(plan)
        if self._engine is None:
            raise self._fault("does not take the plan")
        self.tensors = _tensors(library, self._engine)
        self.dtypes: Mapping[str, torch.dtype] = {name: tensor.dtype for name, tensor in self.tensors.items()}
        self.ranges = _ranges(self._engine, [name for name, tensor in self.tensors.items() if tensor.is_input])
        self._settings, self._cache = self._rtx_settings(kernels)
        self._lane_count = lanes
        self._lanes: dict[tuple[int, int, int], _Lane] = {}

    def run(self, inputs: Mapping[str, torch.Tensor], most: int | None = None) -> Tensors:
        """Outputs of one batch, on PyTorch's current stream.

        Raises:
            ValueError: an input is missing, of another type, shape or device.
            EngineError: the engine fails.
        """
        rows = self._check(inputs)
        forget_faults(self._library)
        calls = plan_calls(rows, self.ranges, most=most, fixed=self._fixed)
        pieces = [self._piece(number, call, inputs) for number, call in enumerate(calls)]
        for stream in {id(piece.stream): piece.stream for piece in pieces}.values():
            self.side.join_current(stream)
        outputs = [piece.outputs for piece in pieces]
        if len(outputs) == 1:
            return outputs[0]
        return {name: torch.cat([piece[name] for piece in outputs]) for name in outputs[0]}

    def __call__(self, inputs: Mapping[str, NDArray[Any]]) -> Arrays:
        """Outputs for one batch of the host's arrays; bfloat16 and float16 come out as float32."""
        given = {
            name: self.side.upload(torch.tensor(np.ascontiguousarray(array), dtype=self.dtypes.get(name)))
            for name, array in inputs.items()
        }
        outputs = self.run(given)
        return {name: tensor.float().cpu().numpy() for name, tensor in outputs.items()}

    def kernels(self) -> bytes:
        """What TensorRT for RTX finished on this GPU so far, to load faster next time; empty with TensorRT itself."""
        if self._cache is None:
            return b""
        serialised = self._cache.serialize()
        return b"" if serialised is None else bytes(serialised)

    def _piece(self, number: int, call: Call, inputs: Mapping[str, torch.Tensor]) -> _Piece:
        lane = self._lane(call, number % self._lane_count)
        given = {name: self._aligned(tensor[call.start : call.stop]) for name, tensor in inputs.items()}
        rows = call.stop - call.start
        # All memory belongs to the current stream, which waits for the lane before anybody can use it again.
        outputs = {
            name: self.side.empty((rows, *tensor.row), tensor.dtype)
            for name, tensor in self.tensors.items()
            if not tensor.is_input
        }
        self.side.begin_after_current(lane.stream)
        if call.size != rows or call.size in self._fixed:
            lane.run_fixed(given, outputs, call.size)
        else:
            lane.run(given, outputs)
        return _Piece(lane.stream, given, outputs)

    def _aligned(self, tensor: torch.Tensor) -> torch.Tensor:
        if tensor.data_ptr() % ALIGNMENT == 0:
            return tensor
        return self.side.empty(tuple(tensor.shape), tensor.dtype).copy_(tensor)

    def _lane(self, call: Call, number: int) -> _Lane:
        """Made when it is needed first: a context takes memory.

        What was recorded with a context holds only as long as its shapes stay, so every fixed size has its own.
        """
        profile = call.profile
        key = (profile, number, call.size if call.size in self._fixed else 0)
        if key not in self._lanes:
            engine = self._engine
            context = (
                engine.create_execution_context()
                if self._settings is None
                else engine.create_execution_context(self._settings)
            )
            if context is None:
                raise self._fault("gives no execution context; lower model.batch_size")
            stream = self.side.stream()
            if not context.set_optimization_profile_async(profile, self.side.handle(stream)):
                raise self._fault(f"does not take profile {profile}")
            # TensorRT for RTX records work itself; its kernels are finished only when they run first.
            records = not is_rtx(self._library)
            self._lanes[key] = _Lane(context, stream, self.side, self.tensors, self._fault, records=records)
        return self._lanes[key]

    def _rtx_settings(self, kernels: bytes) -> tuple[Any, Any]:
        if not is_rtx(self._library):
            return None, None
        settings = self._engine.create_runtime_config()
        settings.cuda_graph_strategy = self._library.CudaGraphStrategy.WHOLE_GRAPH_CAPTURE
        cache = settings.create_runtime_cache()
        if kernels:
            cache.deserialize(kernels)  # where it is for another driver it is refused and filled anew
        settings.set_runtime_cache(cache)
        return settings, cache

    def _check(self, inputs: Mapping[str, torch.Tensor]) -> int:
        wanted = {name: tensor for name, tensor in self.tensors.items() if tensor.is_input}
        if set(inputs) != set(wanted):
            raise ValueError(f"the engine's inputs are {', '.join(wanted)}; got {', '.join(inputs) or 'none'}")
        rows = {len(tensor) for tensor in inputs.values()}
        if len(rows) != 1 or 0 in rows:
            raise ValueError(f"all inputs must have as many rows, at least one; got {sorted(rows)}")
        for name, tensor in inputs.items():
            row, dtype = wanted[name].row, wanted[name].dtype
            if tuple(tensor.shape[1:]) != row or tensor.dtype != dtype or not tensor.is_contiguous():
                raise ValueError(
                    f"{name} must be contiguous {dtype} rows of {row}, got {tensor.dtype} {tuple(tensor.shape)}"
                )
            if tensor.device != self.side.device:
                raise ValueError(f"{name} must be on {self.side.device}, got {tensor.device}")
        return rows.pop()

    def _fault(self, what: str) -> EngineError:
        return EngineError(f"{display_name(self._library)} {what} ({last_fault(self._library)})")


@dataclass(frozen=True, slots=True, eq=False)
class _Piece:
    """A piece of a batch on its way. Its inputs are held until the stream is waited for: freed memory is used again."""

    stream: Any
    inputs: Tensors
    outputs: Tensors


class _Lane:
    """An execution context with one profile and one stream, and memory for batches of fixed size."""

    def __init__(
        self,
        context: Any,
        stream: Any,
        side: DeviceSide,
        tensors: Mapping[str, Tensor],
        fault: Callable[[str], EngineError],
        *,
        records: bool,
    ) -> None:
        self._context, self.stream, self._side, self._tensors, self._fault = context, stream, side, tensors, fault
        self._records = records
        self._held: dict[int, Tensors] = {}
        self._recorded: dict[int, Callable[[], None]] = {}

    def run(self, inputs: Tensors, outputs: Tensors) -> None:
        """Compute on the stream, from and into these very tensors."""
        for name, tensor in inputs.items():
            if not self._context.set_input_shape(name, tuple(tensor.shape)):
                raise self._fault(f"does not take {name} of {tuple(tensor.shape)}")
        for name, tensor in (*inputs.items(), *outputs.items()):
            if not self._context.set_tensor_address(name, tensor.data_ptr()):
                raise self._fault(f"does not take an address for {name}")
        self._execute()

    def run_fixed(self, inputs: Tensors, outputs: Tensors, size: int) -> None:
        """Compute a batch of `size` in memory that stays where it is; rows beyond the inputs' are ballast."""
        held = self._hold(size)
        with self._side.on(self.stream):
            for name, tensor in inputs.items():
                held[name][: len(tensor)].copy_(tensor)
                held[name][len(tensor) :].zero_()
        if size in self._recorded:
            self._recorded[size]()
        else:
            self.run({name: held[name] for name in inputs}, {name: held[name] for name in outputs})
            self._record(size)
        with self._side.on(self.stream):
            for name, tensor in outputs.items():
                tensor.copy_(held[name][: len(tensor)])

    def _hold(self, size: int) -> Tensors:
        if size not in self._held:
            self._held[size] = {
                name: self._side.empty((size, *tensor.row), tensor.dtype) for name, tensor in self._tensors.items()
            }
        return self._held[size]

    def _record(self, size: int) -> None:
        """After a first run, which does what cannot be recorded. Where recording fails, it is run step by step."""
        if not self._records:
            return
        try:
            self._recorded[size] = self._side.record(self.stream, self._execute)
        except (RuntimeError, EngineError):
            self._records = False

    def _execute(self) -> None:
        if not self._context.execute_async_v3(self._side.handle(self.stream)):
            raise self._fault("fails")


def _tensors(library: Library, engine: Any) -> dict[str, Tensor]:
    found: dict[str, Tensor] = {}
    for index in range(engine.num_io_tensors):
        name = str(engine.get_tensor_name(index))
        kind = str(engine.get_tensor_dtype(name).name)
        if kind not in DTYPES:
            raise EngineError(f"the plan's {name} is {kind}, which PyTorch does not know; build it again")
        is_input = engine.get_tensor_mode(name) == library.TensorIOMode.INPUT
        found[name] = Tensor(tuple(engine.get_tensor_shape(name))[1:], DTYPES[kind], is_input)
    return found


def _ranges(engine: Any, inputs: Sequence[str]) -> tuple[BatchRange, ...]:
    """What each profile allows, as the plan itself says."""
    return tuple(
        BatchRange(*(shape[0] for shape in engine.get_tensor_profile_shape(inputs[0], profile)))
        for profile in range(engine.num_optimization_profiles)
    )
