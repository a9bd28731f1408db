"""What an engine is: `manifest.json` beside its files, and the facts that must agree before it is used."""

from __future__ import annotations

import datetime
import hashlib
import json
from typing import Literal, Self

import torch
from pydantic import BaseModel, ConfigDict, Field

from keyreid_engines.backend import Backend, HasFlags, installed_version
from keyreid_engines.checks import CheckFigures
from keyreid_engines.export import EXPORT_FORMAT
from keyreid_engines.graphs import GraphKind, Precision
from keyreid_stream.models.config import ModelConfig
from keyreid_stream.models.load import LoadedModel
from keyreid_stream.models.weights import PlainText, Sha256

KEY_DIGITS = 16

EXPORTERS = ("torch", "onnx", "onnxscript")
"""Distributions that decide on the bytes of a graph."""


class EngineFacts(BaseModel):
    """Everything that an engine depends on. Where one of these differs, it is another engine.

    Attributes:
        weights_sha256: of the weights file, or of random parameters.
        config: of the model.
        export_format: see `EXPORT_FORMAT`.
        exporters: versions of the libraries that made the graphs.
        backend: its name.
        backend_version: of its library.
        precision: of the arithmetic.
        device: what it was compiled for.
        flags: how it was compiled, where a backend leaves a choice; profiles, for example.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    weights_sha256: Sha256
    config: ModelConfig
    export_format: int
    exporters: dict[PlainText, PlainText]
    backend: PlainText
    backend_version: PlainText
    precision: Precision
    device: PlainText
    flags: dict[PlainText, PlainText] = Field(default_factory=dict)

    @classmethod
    def of(cls, loaded: LoadedModel, backend: Backend, precision: Precision) -> Self:
        """The facts of an engine that this process would build."""
        return cls(
            weights_sha256=loaded.card.sha256,
            config=loaded.model.config,
            export_format=EXPORT_FORMAT,
            exporters={name: _exporter_version(name) for name in EXPORTERS},
            backend=backend.name,
            backend_version=backend.version,
            precision=precision,
            device=backend.device,
            flags=dict(backend.flags) if isinstance(backend, HasFlags) else {},
        )

    @property
    def key(self) -> str:
        """A hash of all facts, 64 hexadecimal digits."""
        dumped = self.model_dump(mode="json")
        if not self.flags:
            del dumped["flags"]
        canonical = json.dumps(dumped, sort_keys=True)
        return hashlib.sha256(canonical.encode()).hexdigest()

    @property
    def name(self) -> str:
        """The engine's folder: readable, and different for every key."""
        return f"{self.config.name}-{self.backend}-{self.precision}-{self.key[:KEY_DIGITS]}"

    def differences(self, other: EngineFacts) -> list[str]:
        """What differs, as `name: other's value, then ours`."""
        ours, theirs = self.model_dump(mode="json"), other.model_dump(mode="json")
        return [
            f"{name}: {_short(theirs[name])}, now {_short(ours[name])}" for name in ours if ours[name] != theirs[name]
        ]


class StoredFile(BaseModel):
    """One file of an engine; its name is `<graph>.<suffix>`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    graph: GraphKind
    suffix: Literal["onnx", "xml", "bin", "plan", "json", "kernels", "pt2"]
    size_bytes: int = Field(ge=0)
    sha256: Sha256

    @property
    def name(self) -> str:
        """In the engine's folder."""
        return f"{self.graph}.{self.suffix}"


class Manifest(BaseModel):
    """What `manifest.json` holds.

    Attributes:
        facts: what the engine depends on.
        preprocessing: what the graph wants, as noted in the ONNX graph itself.
        onnx_sha256: of the graphs that it was compiled from; none where a backend compiles PyTorch's networks.
        files: everything beside the manifest.
        check: how close it comes to float32 on PyTorch; None where it was refused, and where it was built without the
            device it is for: it is checked when it is used first.
        checked_on: the device that it was checked on, where one engine serves several; it is checked again on another.
        refused: why it must not be used; kept so that nobody builds it in vain at every start.
        build_s: seconds that exporting, compiling and checking took.
        created: when, UTC.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal["keyreid-engine-1"] = "keyreid-engine-1"
    facts: EngineFacts
    preprocessing: dict[str, str | int | float]
    onnx_sha256: dict[GraphKind, Sha256]
    files: tuple[StoredFile, ...]
    check: CheckFigures | None
    checked_on: PlainText | None = None
    refused: PlainText | None = None
    build_s: float = Field(ge=0)
    created: datetime.datetime


def _exporter_version(name: str) -> str:
    return str(torch.__version__) if name == "torch" else installed_version(name)


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 100 else f"{text[:97]}..."
