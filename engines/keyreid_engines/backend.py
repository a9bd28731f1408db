"""What a backend is: something that turns ONNX graphs into files, and such files into something that runs."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from types import ModuleType
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from keyreid_engines.graphs import Precision

Arrays: TypeAlias = dict[str, NDArray[Any]]
"""Arrays by the name of a graph's input or output, batch first."""

EngineFiles: TypeAlias = Mapping[str, bytes]
"""Contents of an engine's files by their suffix, as a backend wants them stored."""


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


def import_library(name: str) -> ModuleType:
    """Import an optional library.

    Raises:
        ImportError: it is not installed, or half installed, whatever it raises then; in one line.
    """
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name == name:
            raise ImportError(f"{name} is not installed") from None
        raise ImportError(f"{name} is installed but does not import ({error})") from error
    except Exception as error:
        reason = next(iter(str(error).strip().splitlines()), "")
        raise ImportError(f"{name} is installed but does not import ({type(error).__name__}: {reason})") from error


def installed_version(distribution: str) -> str:
    """The version of an installed distribution; `unknown` where it does not say."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "unknown"


def as_contiguous(inputs: Mapping[str, NDArray[Any]]) -> Arrays:
    """The inputs, row-major as libraries want them; copied only where they are not."""
    return {name: np.ascontiguousarray(array) for name, array in inputs.items()}
