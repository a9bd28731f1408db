"""ONNX Runtime on tensors of PyTorch: inputs and outputs are bound by their addresses and stay on their device."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from keyreid_engines.backend import Arrays
from keyreid_engines.device_side import DeviceSide, Stream
from keyreid_engines.errors import EngineError
from keyreid_engines.onnxruntime_tensorrt import KeptEngines
from keyreid_engines.tensorrt_runtime import Tensors

TYPES: Mapping[str, tuple[torch.dtype, Any]] = {
    "tensor(float)": (torch.float32, np.float32),
    "tensor(float16)": (torch.float16, np.float16),
    "tensor(bfloat16)": (torch.bfloat16, 16),
    "tensor(uint8)": (torch.uint8, np.uint8),
    "tensor(int64)": (torch.int64, np.int64),
}
"""PyTorch's type and what a binding calls it, by ONNX Runtime's names. NumPy has no bfloat16: ONNX numbers it 16."""


class BoundGraph:
    """A session whose inputs and outputs are tensors of one device.

    Attributes:
        side: the device.
        dtypes: of inputs and outputs, by name.
    """

    def __init__(
        self,
        session: Any,
        side: DeviceSide,
        *,
        stream: Stream | None = None,
        largest: int | None = None,
        kept: KeptEngines | None = None,
    ) -> None:
        """Take a session.

        Args:
            session: what computes.
            side: the device.
            stream: what the session puts its work on; a new one where it computes on the host.
            largest: the most rows that it takes at a time.
            kept: engines that its provider builds and keeps.

        Raises:
            EngineError: an input or output is of a type that is not known here.
        """
        self._session, self.side, self._stream = session, side, side.stream() if stream is None else stream
        self._largest, self._kept = largest, kept
        described = {value.name: value for value in (*session.get_inputs(), *session.get_outputs())}
        unknown = [f"{name} ({value.type})" for name, value in described.items() if value.type not in TYPES]
        if unknown:
            raise EngineError(f"the graph has tensors of types unknown here: {', '.join(unknown)}; build it again")
        self._types = {name: TYPES[value.type] for name, value in described.items()}
        self._rows = {name: tuple(value.shape[1:]) for name, value in described.items()}
        self._inputs = [value.name for value in session.get_inputs()]
        self._outputs = [value.name for value in session.get_outputs()]
        self.dtypes: Mapping[str, torch.dtype] = {name: dtype for name, (dtype, _) in self._types.items()}

    def run(self, inputs: Mapping[str, torch.Tensor], most: int | None = None) -> Tensors:
        """Outputs of one batch of at least one row, which is cut where it is larger than `most`; no row is added.

        Raises:
            ValueError: an input is missing, of another type, shape or device.
            EngineError: the session fails.
        """
        rows = self._check(inputs)
        outputs = {name: self.side.empty((rows, *self._rows[name]), self._types[name][0]) for name in self._outputs}
        step = min(size for size in (rows, most, self._largest) if size is not None)
        # All memory belongs to the current stream, which waits for the session's before anybody can use it again.
        self.side.begin_after_current(self._stream)
        for start in range(0, rows, step):
            piece = slice(start, min(start + step, rows))
            self._run_piece({name: inputs[name][piece] for name in self._inputs}, outputs, piece)
        self.side.join_current(self._stream)
        return outputs

    def kernels(self) -> bytes:
        """Engines that the provider built so far, to load faster next time; empty where it builds none."""
        return b"" if self._kept is None else self._kept.packed()

    def __call__(self, inputs: Mapping[str, NDArray[Any]]) -> Arrays:
        """Outputs for one batch of the host's arrays; bfloat16 and float16 come out as float32."""
        given = {
            name: self.side.upload(torch.tensor(np.ascontiguousarray(array), dtype=self.dtypes.get(name)))
            for name, array in inputs.items()
        }
        return {name: tensor.float().cpu().numpy() for name, tensor in self.run(given).items()}

    def _run_piece(self, inputs: Tensors, outputs: Tensors, piece: slice) -> None:
        """Rows of a contiguous tensor are contiguous: every piece is read and written where it lies."""
        binding = self._session.io_binding()
        for name, tensor in inputs.items():
            binding.bind_input(name, *self._place(name, tensor))
        for name, tensor in outputs.items():
            binding.bind_output(name, *self._place(name, tensor[piece]))
        try:
            self._session.run_with_iobinding(binding)
        except Exception as error:  # its exceptions share no class of their own
            reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
            raise EngineError(f"ONNX Runtime failed on a batch ({reason}); use --backend torch") from error

    def _place(self, name: str, tensor: torch.Tensor) -> tuple[str, int, Any, list[int], int]:
        device = tensor.device
        return device.type, device.index or 0, self._types[name][1], list(tensor.shape), tensor.data_ptr()

    def _check(self, inputs: Mapping[str, torch.Tensor]) -> int:
        if set(inputs) != set(self._inputs):
            raise ValueError(f"the engine's inputs are {', '.join(self._inputs)}; got {', '.join(inputs) or 'none'}")
        rows = {len(tensor) for tensor in inputs.values()}
        if len(rows) != 1 or 0 in rows:
            raise ValueError(f"all inputs must have as many rows, at least one; got {sorted(rows)}")
        for name, tensor in inputs.items():
            row, dtype = self._rows[name], self.dtypes[name]
            if tuple(tensor.shape[1:]) != row or tensor.dtype != dtype or not tensor.is_contiguous():
                raise ValueError(
                    f"{name} must be contiguous {dtype} rows of {row}, got {tensor.dtype} {tuple(tensor.shape)}"
                )
            if tensor.device != self.side.device:
                raise ValueError(f"{name} must be on {self.side.device}, got {tensor.device}")
        return rows.pop()
