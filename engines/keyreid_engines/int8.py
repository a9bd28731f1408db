"""int8 by NNCF, calibrated on pictures of people: only where it is asked for.

The frame encoder's transformer blocks are quantised, which is where the work is. Convolutions, and what computes a
crop's class row beside its tokens, stay in floating point: they cost little and lose most. So does the clip head.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from keyreid_engines.backend import Backend, EngineFiles, Graph, installed_version
from keyreid_engines.calibration import Calibration
from keyreid_engines.errors import EngineError
from keyreid_engines.export import graph_metadata, require_onnx
from keyreid_engines.graphs import Precision
from keyreid_engines.int8_process import quantise_in_child
from keyreid_stream.errors import MissingExtraError

LINEAR = ("MatMul", "Gemm")
CONVOLUTION = "Conv"


@dataclass(frozen=True)
class Int8Backend:
    """Another backend, on which frame encoders compute in int8.

    Attributes:
        inner: what runs them.
        flags: the calibration's hash and NNCF's version; part of what an engine depends on.
        calibration: the pictures; None where engines are only loaded.
    """

    inner: Backend
    flags: Mapping[str, str]
    calibration: Calibration | None = None

    @classmethod
    def calibrated(cls, inner: Backend, calibration: Calibration) -> Int8Backend:
        """For engines that are calibrated on these pictures.

        Raises:
            MissingExtraError: NNCF is not installed.
        """
        version = installed_version("nncf")
        if version == "unknown":
            raise MissingExtraError("nncf", "int8")
        return cls(inner, {"calibration": calibration.sha256, "nncf": version}, calibration)

    @property
    def name(self) -> str:
        """What users type."""
        return self.inner.name

    @property
    def version(self) -> str:
        """Of the library."""
        return self.inner.version

    @property
    def device(self) -> str:
        """What engines are compiled for."""
        return self.inner.device

    @property
    def precisions(self) -> tuple[Precision, ...]:
        """int8 alone."""
        return ("int8",)

    def graph_precision(self, precision: Precision) -> Precision:
        """Quantisation begins with float32."""
        del precision
        return "float32"

    def compile(self, content: bytes) -> EngineFiles:
        """Quantise a frame encoder; a clip head is compiled as it is.

        Raises:
            InputError: a file of the calibration is no picture.
            EngineError: it cannot be quantised.
        """
        if graph_metadata(content)["kind"] != "frame_encoder":
            return self.inner.compile(content)
        if self.calibration is None:
            raise EngineError("an engine in int8 is built on pictures; give --calibration FOLDER")
        proto = require_onnx().load_model_from_string(content)
        height, width = (axis.dim_value for axis in proto.graph.input[0].type.tensor_type.shape.dim[1:3])
        images = self.calibration.images(height, width)
        return quantise_in_child(self.inner.name, content, images, kept_in_float(proto))

    def load(self, files: EngineFiles, precision: Precision, threads: int) -> Graph:
        """What is not quantised computes in what the inner backend does by default.

        Raises:
            EngineError: the backend does not take the graph.
        """
        del precision
        return self.inner.load(files, self.inner.precisions[0], threads)


def kept_in_float(proto: Any) -> list[str]:
    """Names of the nodes of a frame encoder that are not quantised.

    Args:
        proto: the ONNX graph.
    """
    needed = _needed_by(proto.graph, "tokens")
    return [
        node.name
        for node in proto.graph.node
        if node.op_type == CONVOLUTION or (node.op_type in LINEAR and node.name not in needed)
    ]


def _needed_by(graph: Any, output: str) -> set[str]:
    """Names of the nodes that an output depends on."""
    makers = {name: node for node in graph.node for name in node.output}
    needed: set[str] = set()
    waiting = [output]
    while waiting:
        node = makers.get(waiting.pop())
        if node is not None and node.name not in needed:
            needed.add(node.name)
            waiting.extend(node.input)
    return needed
