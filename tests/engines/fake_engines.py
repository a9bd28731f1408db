"""A backend that compiles nothing, so that the cache can be tested thousands of times faster than with real ones."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from keyreid_engines.backend import Arrays, EngineFiles
from keyreid_engines.cache import Contents, stored_files
from keyreid_engines.checks import CheckFigures
from keyreid_engines.graphs import Precision
from keyreid_engines.manifest import EngineFacts, Manifest
from keyreid_stream.models.config import named_model

CONTENTS: Contents = {"frame_encoder": {"onnx": b"encoder" * 9}, "clip_head": {"xml": b"<net/>", "bin": bytes(64)}}

EXACT = CheckFigures(crops=8, clips=8, tokens=1, appearance=1, global_part=1, parts=1, visibility=0, neighbours=1)


def facts(**changes: object) -> EngineFacts:
    given = {
        "weights_sha256": "a" * 64,
        "config": named_model("micro"),
        "export_format": 1,
        "exporters": {"torch": "2.15"},
        "backend": "openvino",
        "backend_version": "2026.4",
        "precision": "float32",
        "device": "CPU (some)",
    }
    return EngineFacts.model_validate(given | changes)


def manifest(of: EngineFacts, contents: Contents | None = None) -> Manifest:
    contents = CONTENTS if contents is None else contents
    return Manifest(
        facts=of,
        preprocessing={"colours": "RGB"},
        onnx_sha256={"frame_encoder": "b" * 64, "clip_head": "c" * 64},
        files=stored_files(contents),
        check=EXACT,
        build_s=1.5,
        created=datetime(2026, 11, 1, tzinfo=UTC),
    )


class FakeBackend:
    """Says that it is a backend of some name and version, and refuses to do anything."""

    def __init__(self, name: str = "openvino", precisions: tuple[Precision, ...] = ("float32",)) -> None:
        self.name = name
        self.version = "1.0"
        self.device = "CPU (fake)"
        self.precisions = precisions

    def graph_precision(self, precision: Precision) -> Precision:
        return precision

    def compile(self, content: bytes) -> EngineFiles:
        raise AssertionError("not asked to compile")

    def load(self, files: EngineFiles, precision: Precision, threads: int) -> FakeGraph:
        raise AssertionError("not asked to load")


class FakeGraph:
    """Answers with constant arrays of the right names, and remembers the sizes of its batches."""

    def __init__(self, rows: Mapping[str, NDArray[Any]]) -> None:
        self.rows = rows
        self.batches: list[int] = []

    def __call__(self, inputs: Mapping[str, NDArray[Any]]) -> Arrays:
        batch = len(next(iter(inputs.values())))
        self.batches.append(batch)
        return {name: np.repeat(row[None], batch, axis=0) for name, row in self.rows.items()}
