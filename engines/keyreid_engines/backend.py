"""What a backend is: something that turns ONNX graphs into files, and such files into something that runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Literal, Protocol, TypeAlias, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray

from keyreid_engines.graphs import GraphKind, Precision, TracedGraph
from keyreid_engines.libraries import import_library as import_library

Arrays: TypeAlias = dict[str, NDArray[Any]]
"""Arrays by the name of a graph's input or output, batch first."""

EngineFiles: TypeAlias = Mapping[str, bytes]
"""Contents of an engine's files by their suffix, as a backend wants them stored."""


Provider: TypeAlias = Literal["auto", "cpu", "cuda", "tensorrt"]
"""What computes inside ONNX Runtime; `auto` is `cpu` or `cuda`, as the device says."""


class Graph(Protocol):
    """A compiled graph."""

    def __call__(self, inputs: Mapping[str, NDArray[Any]]) -> Arrays:
        """Outputs for one batch of at least one row; safe to call from one thread at a time."""
        ...


class Backend(Protocol):
    """One way to run graphs. It holds no state beyond its own module."""

    @property
    def name(self) -> str:
        """What users type."""
        ...

    @property
    def version(self) -> str:
        """Of the library."""
        ...

    @property
    def device(self) -> str:
        """What engines are compiled for, in words: they run on no other."""
        ...

    @property
    def precisions(self) -> tuple[Precision, ...]:
        """Those that this machine runs, the one to take by default first."""
        ...

    def graph_precision(self, precision: Precision) -> Precision:
        """How the ONNX graph must be typed for engines of this precision."""
        ...

    def compile(self, content: bytes) -> EngineFiles:
        """Turn an ONNX file into what is stored."""
        ...

    def load(self, files: EngineFiles, precision: Precision, threads: int) -> Graph:
        """Turn what was stored into something that runs."""
        ...


@runtime_checkable
class HasFlags(Protocol):
    """A backend that can compile in more than one way."""

    @property
    def flags(self) -> Mapping[str, str]:
        """How it compiles; part of what an engine depends on."""
        ...


@runtime_checkable
class CompilesNetworks(Protocol):
    """A backend that compiles PyTorch's networks instead of ONNX graphs."""

    def compile_traced(self, graph: TracedGraph, kind: GraphKind) -> EngineFiles:
        """Turn a network into what is stored."""
        ...


@runtime_checkable
class TakesLong(Protocol):
    """A backend whose builds take minutes."""

    def telling(self, say: Callable[[str], None]) -> Backend:
        """The same backend, which says what a build is at."""
        ...


@runtime_checkable
class TakesHint(Protocol):
    """A backend that runs the same engine for the shortest wait, or for the most work."""

    def hinted(self, hint: Literal["latency", "throughput"]) -> Backend:
        """The same backend, which runs its engines in this way."""
        ...


@runtime_checkable
class ServesDevices(Protocol):
    """A backend whose library computes on several types of device, by what it calls providers."""

    @property
    def providers(self) -> str:
        """In words: which there are, and what the others want."""
        ...

    def for_device(self, device: torch.device, provider: Provider = "auto") -> Backend:
        """The same backend for one device.

        Raises:
            ImportError: the library that is installed does not have the provider; the message says what to install.
            ConfigError: the provider does not compute on the device.
        """
        ...


@runtime_checkable
class FinishesLater(Protocol):
    """A backend whose engines serve several kinds of device, and are finished and checked on each."""

    @property
    def finished_on(self) -> str:
        """The device at hand, in words."""
        ...


@runtime_checkable
class KeepsKernels(Protocol):
    """A graph that finishes itself when it runs first, and can keep what it finished."""

    def kernels(self) -> bytes:
        """What was finished so far, to load faster next time; may be empty."""
        ...


def installed_version(distribution: str) -> str:
    """The version of an installed distribution; `unknown` where it does not say."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "unknown"


def as_contiguous(inputs: Mapping[str, NDArray[Any]]) -> Arrays:
    """The inputs, row-major as libraries want them; copied only where they are not."""
    return {name: np.ascontiguousarray(array) for name, array in inputs.items()}
