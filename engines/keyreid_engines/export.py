"""KeyRe-ID as ONNX graphs: dynamic batch, precision typed into the graph, the same bytes for the same weights."""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, cast

import torch

from keyreid_engines.errors import EngineError
from keyreid_engines.graphs import GraphKind, Precision, TracedGraph, traced_graph
from keyreid_stream.errors import MissingExtraError
from keyreid_stream.models.backbone import PIXEL_MEAN, PIXEL_STD
from keyreid_stream.models.keyreid import KeyReID

EXPORT_FORMAT = 3
"""Counts up when the same weights give another graph; engines of an older format are built again."""

OPSET = 20
BFLOAT16_OPSET = 22
"""The first opset in which convolutions of bfloat16 are valid."""

METADATA_PREFIX = "keyreid."


@dataclass(frozen=True, slots=True, eq=False)
class OnnxGraph:
    """An ONNX file in memory.

    Attributes:
        kind: which of the graphs it is.
        precision: of its arithmetic.
        content: the bytes of the file.
    """

    kind: GraphKind
    precision: Precision
    content: bytes

    @property
    def sha256(self) -> str:
        """Of the bytes."""
        return hashlib.sha256(self.content).hexdigest()

    def save(self, path: Path) -> None:
        """Write the file."""
        path.write_bytes(self.content)


def export_graph(
    model: KeyReID, kind: GraphKind, precision: Precision, *, weights_sha256: str, normalised: bool = False
) -> OnnxGraph:
    """Export one graph of a model, which stays as it is.

    Names of source files and whatever else differs from machine to machine are left out, so the bytes depend on the
    weights, their hash, and the versions of torch and onnxscript alone.

    Args:
        model: aligned or published, in any precision; export from float32.
        kind: which graph.
        precision: of its arithmetic.
        weights_sha256: noted in the graph's metadata.
        normalised: images come as floating point that is normalised already, instead of uint8.

    Raises:
        MissingExtraError: onnx or onnxscript is not installed.
        EngineError: the network uses something that cannot be exported, or the result is not valid ONNX.
    """
    onnx = require_onnx()
    proto = _exported(traced_graph(model, kind, precision, normalised=normalised), kind, precision)
    _strip(proto)
    for name, value in sorted(_metadata(model, kind, precision, weights_sha256, normalised).items()):
        proto.metadata_props.add(key=METADATA_PREFIX + name, value=value)
    content: bytes = proto.SerializeToString(deterministic=True)
    try:
        onnx.checker.check_model(content, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise EngineError(
            f"the exported {kind} in {precision} is not valid ONNX ({_first_line(error)}); use --backend torch"
        ) from error
    return OnnxGraph(kind, precision, content)


def require_onnx() -> Any:
    """The `onnx` module, once everything that exporting needs is known to be there.

    Raises:
        MissingExtraError: onnx or onnxscript is not installed.
    """
    try:
        import_module("onnxscript")
        return import_module("onnx")
    except ImportError as error:
        raise MissingExtraError(error.name or "onnx", "onnxruntime") from None


def graph_metadata(content: bytes) -> dict[str, str]:
    """What `export_graph` noted in a graph: format, kind, precision, weights_sha256, config, preprocessing.

    Raises:
        MissingExtraError: onnx is not installed.
    """
    proto = require_onnx().load_model_from_string(content)
    ours = (prop for prop in proto.metadata_props if prop.key.startswith(METADATA_PREFIX))
    return {prop.key.removeprefix(METADATA_PREFIX): prop.value for prop in ours}


def _exported(graph: TracedGraph, kind: GraphKind, precision: Precision) -> Any:
    batch = torch.export.Dim("batch", min=1)
    try:
        with _quiet(), torch.inference_mode():
            program = torch.onnx.export(
                graph.module,
                tuple(graph.inputs.values()),
                dynamo=True,
                input_names=list(graph.inputs),
                output_names=list(graph.output_names),
                dynamic_shapes=tuple({0: batch} for _ in graph.inputs),
                opset_version=BFLOAT16_OPSET if precision == "bfloat16" else OPSET,
                verbose=False,
            )
    except (torch.onnx.errors.OnnxExporterError, torch.onnx.OnnxExporterError) as error:
        raise EngineError(
            f"the {kind} in {precision} cannot be exported ({_first_line(error)}); use --backend torch"
        ) from error
    return cast("torch.onnx.ONNXProgram", program).model_proto


def _strip(proto: Any) -> None:
    """Remove what only helps to debug an export: it holds paths of this machine and whole stack traces."""
    proto.doc_string = ""
    del proto.metadata_props[:]
    for holder in (proto.graph, *proto.functions):
        holder.doc_string = ""
        del holder.metadata_props[:]
        del holder.value_info[:]
        for part in holder.node:
            part.doc_string = ""
            del part.metadata_props[:]
    for value in (*proto.graph.input, *proto.graph.output, *proto.graph.initializer):
        value.doc_string = ""
        del value.metadata_props[:]


def _metadata(
    model: KeyReID, kind: GraphKind, precision: Precision, weights_sha256: str, normalised: bool
) -> dict[str, str]:
    return {
        "format": str(EXPORT_FORMAT),
        "kind": kind,
        "precision": precision,
        "weights_sha256": weights_sha256,
        "config": model.config.model_dump_json(),
        "preprocessing": json.dumps(preprocessing_of(model, precision if normalised else "uint8")),
    }


def preprocessing_of(model: KeyReID, pixels: str) -> dict[str, str | int | float]:
    """What a graph wants done to a picture before it gets it.

    Args:
        model: which model's.
        pixels: the images' type: uint8, or of floating point that is normalised already.
    """
    spec, normalised = model.crop_spec, pixels != "uint8"
    return {
        "colours": "RGB",
        "layout": "NHWC",
        "type": pixels,
        "height": spec.height,
        "width": spec.width,
        "mean": PIXEL_MEAN,
        "std": PIXEL_STD,
        "normalisation": "done by the caller" if normalised else "inside the graph",
        "part_weights": spec.weighting,
    }


@contextmanager
def _quiet() -> Iterator[None]:
    """The exporter warns of its own innards; what matters, it raises."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
