"""torch-tensorrt: TensorRT inside PyTorch's own graphs, for those who want to stay there. Only where it is asked for.

What TensorRT takes of a graph runs as its engines, the rest as PyTorch. Compiled ahead of time, saved, loaded again.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from keyreid_engines.backend import Arrays, EngineFiles
from keyreid_engines.device_side import CudaSide, DeviceSide
from keyreid_engines.errors import EngineError
from keyreid_engines.graphs import GraphKind, Precision, TracedGraph
from keyreid_engines.libraries import import_library
from keyreid_engines.profiles import BATCHES, BatchRange, plan_calls
from keyreid_engines.tensorrt_api import one_line
from keyreid_engines.tensorrt_backend import tensorrt_precisions
from keyreid_engines.tensorrt_runtime import Tensors

MODULE = "torch_tensorrt"


@dataclass(frozen=True)
class TorchTensorRtBackend:
    """The current GPU, by PyTorch's exported programs with TensorRT engines inside.

    Attributes:
        library: the module.
        side: the GPU.
    """

    library: Any
    side: DeviceSide

    name = "torch-tensorrt"

    @classmethod
    def here(cls) -> TorchTensorRtBackend:
        """For the current GPU of this machine.

        Raises:
            ImportError: the library is not there or not whole, or there is no GPU.
        """
        if MODULE not in sys.modules and find_spec(MODULE) is None:
            raise ImportError(f"{cls.name} is not installed")
        side = CudaSide()  # before the library, which wants a GPU when it is imported
        library = import_library(MODULE)
        missing = [name for name in ("Input", "dynamo", "save", "load") if not hasattr(library, name)]
        if missing:
            raise ImportError(f"{cls.name} is installed but has no {', '.join(missing)}")
        return cls(library, side)

    @property
    def version(self) -> str:
        """Of the library."""
        return str(getattr(self.library, "__version__", "unknown"))

    @property
    def device(self) -> str:
        """The GPU, its capability and the driver."""
        return f"CUDA ({self.side.words})"

    @property
    def precisions(self) -> tuple[Precision, ...]:
        """bfloat16 from Ampere on; float16 and float32 everywhere."""
        return tensorrt_precisions(self.side.capability)

    @property
    def flags(self) -> Mapping[str, str]:
        """How engines are compiled; part of what one depends on."""
        ranges = {kind: list(_fields(_range(kind))) for kind in ("frame_encoder", "clip_head")}
        return {"batches": json.dumps(ranges, sort_keys=True), "tf32": "off"}

    def graph_precision(self, precision: Precision) -> Precision:
        """Typed into the network."""
        return precision

    def compile(self, content: bytes) -> EngineFiles:
        """There is no way from ONNX; see `compile_traced`.

        Raises:
            EngineError: always.
        """
        del content
        raise EngineError(f"{self.name} compiles PyTorch's networks, not ONNX files; use --backend tensorrt for those")

    def compile_traced(self, graph: TracedGraph, kind: GraphKind) -> EngineFiles:
        """Compile a network; `json` names its inputs and outputs.

        Raises:
            EngineError: it cannot be exported, compiled or saved.
        """
        device, batch = self.side.device, _range(kind)
        module = graph.module.to(device)
        example = tuple(tensor.to(device) for tensor in graph.inputs.values())
        shapes = tuple({0: torch.export.Dim("batch", min=batch.least, max=batch.most)} for _ in example)
        try:
            with tempfile.TemporaryDirectory(prefix="keyreid-build-") as folder, torch.inference_mode(False):
                path = Path(folder) / "graph.pt2"
                program = torch.export.export(module, example, dynamic_shapes=shapes, strict=False)
                compiled = self.library.dynamo.compile(
                    program,
                    arg_inputs=[self._input(tensor, batch) for tensor in example],
                    device=device,
                    disable_tf32=True,  # float32 means float32
                    min_block_size=1,
                )
                self.library.save(
                    compiled,
                    str(path),
                    output_format="exported_program",
                    arg_inputs=list(example),
                    dynamic_shapes=shapes,
                )
                outputs = dict(zip(graph.output_names, compiled(*example), strict=True))
                noted = {
                    "inputs": {name: _dtype_name(tensor) for name, tensor in graph.inputs.items()},
                    "outputs": {name: _dtype_name(tensor) for name, tensor in outputs.items()},
                    "batch": list(_fields(batch)),
                }
                return {"pt2": path.read_bytes(), "json": (json.dumps(noted, indent=2) + "\n").encode()}
        except Exception as error:  # its exceptions, PyTorch's and TensorRT's share no class of their own
            raise EngineError(
                f"{self.name} {self.version} does not take the {kind} ({one_line(str(error))}); use --backend torch"
            ) from error

    def load(self, files: EngineFiles, precision: Precision, threads: int) -> TorchTensorRtGraph:
        """Load a compiled network on the GPU.

        Raises:
            EngineError: the library does not take the file.
        """
        del precision, threads
        try:
            with tempfile.TemporaryDirectory(prefix="keyreid-load-") as folder:
                path = Path(folder) / "graph.pt2"
                path.write_bytes(files["pt2"])
                module = self.library.load(str(path)).module()
        except Exception as error:  # as above
            raise EngineError(
                f"{self.name} {self.version} does not take the file ({one_line(str(error))}); build it again"
            ) from error
        return TorchTensorRtGraph(module, self.side, json.loads(files["json"]))

    def _input(self, tensor: torch.Tensor, batch: BatchRange) -> Any:
        row = tuple(tensor.shape[1:])
        return self.library.Input(
            min_shape=(batch.least, *row),
            opt_shape=(batch.usual, *row),
            max_shape=(batch.most, *row),
            dtype=tensor.dtype,
        )


class TorchTensorRtGraph:
    """A compiled network on a device; see `tensorrt_runtime.DeviceGraph`.

    Attributes:
        side: the device.
        dtypes: of inputs and outputs by name.
    """

    def __init__(self, module: Any, side: DeviceSide, noted: Mapping[str, Any]) -> None:
        """Take a loaded network and what was noted of it when it was compiled."""
        self._module, self.side = module, side
        self._inputs: Sequence[str] = list(noted["inputs"])
        self._outputs: Sequence[str] = list(noted["outputs"])
        self._range = BatchRange(*noted["batch"])
        kinds = {**noted["inputs"], **noted["outputs"]}
        self.dtypes: Mapping[str, torch.dtype] = {name: getattr(torch, kind) for name, kind in kinds.items()}

    @torch.inference_mode()
    def run(self, inputs: Mapping[str, torch.Tensor], most: int | None = None) -> Tensors:
        """Outputs of one batch, on PyTorch's current stream.

        Raises:
            ValueError: an input is missing or of another type.
            EngineError: the network fails.
        """
        if set(inputs) != set(self._inputs):
            raise ValueError(f"the engine's inputs are {', '.join(self._inputs)}; got {', '.join(inputs) or 'none'}")
        for name, tensor in inputs.items():
            if tensor.dtype != self.dtypes[name]:
                raise ValueError(f"{name} must be {self.dtypes[name]}, got {tensor.dtype}")
        ordered = [inputs[name] for name in self._inputs]
        pieces = [
            self._piece([tensor[call.start : call.stop].contiguous() for tensor in ordered])
            for call in plan_calls(len(ordered[0]), [self._range], most=most)
        ]
        return {name: torch.cat([piece[place] for piece in pieces]) for place, name in enumerate(self._outputs)}

    def __call__(self, inputs: Mapping[str, NDArray[Any]]) -> Arrays:
        """Outputs for one batch of the host's arrays; bfloat16 and float16 come out as float32."""
        given = {
            name: self.side.upload(torch.tensor(np.ascontiguousarray(array), dtype=self.dtypes.get(name)))
            for name, array in inputs.items()
        }
        return {name: tensor.float().cpu().numpy() for name, tensor in self.run(given).items()}

    def _piece(self, rows: list[torch.Tensor]) -> tuple[torch.Tensor, ...]:
        try:
            return tuple(self._module(*rows))
        except RuntimeError as error:
            raise EngineError(f"torch-tensorrt fails ({one_line(str(error))}); use --backend torch") from error


def _range(kind: str) -> BatchRange:
    """One profile alone: the widest."""
    return BATCHES[kind][-1]


def _fields(batch: BatchRange) -> tuple[int, int, int]:
    return batch.least, batch.usual, batch.most


def _dtype_name(tensor: torch.Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")
