"""`keyreid doctor`: what this machine is and can do. Whatever is broken is a line in a table, never a crash."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

PACKAGES = (
    *("keyreid-stream", "torch", "timm", "ultralytics", "boxmot", "av", "numpy", "opencv-python", "faiss-cpu"),
    *("onnx", "onnxscript", "onnxruntime", "openvino", "nncf", "tensorrt", "tensorrt-rtx", "torch-tensorrt"),
)


def doctor(
    device: Annotated[str, typer.Option(help="Device to choose a backend for: auto, cpu, cuda, cuda:1, mps.")] = "auto",
) -> None:
    """Show the machine, the versions, and which backends run here and why the others do not."""
    console = Console()
    console.print(_table("Machine", _machine()))
    console.print(_table("Versions", [(name, _answer(partial(version, name))) for name in PACKAGES]))
    console.print(_backends(device))
    console.print(_table("Folders", _folders()))


def _machine() -> list[tuple[str, str]]:
    return [
        ("system", _answer(platform.platform)),
        ("python", _answer(platform.python_version)),
        ("processor", _answer(_processor)),
        ("cores", _answer(lambda: f"{len(os.sched_getaffinity(0))} of {os.cpu_count()}")),
        ("torch threads", _answer(_torch_threads)),
        ("GPU", _answer(_gpu)),
    ]


def _processor() -> str:
    """Its name; Linux tells it in a file, other systems to Python."""
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines() if os.name == "posix" else ():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _torch_threads() -> str:
    import torch

    return str(torch.get_num_threads())


def _gpu() -> str:
    import torch

    if not torch.cuda.is_available():
        return "none that torch can use"
    count = torch.cuda.device_count()
    return ", ".join(torch.cuda.get_device_name(index) for index in range(count))


def _backends(device: str) -> Table:
    table = Table("backend", "version", "state", title=Text("Backends, best first"), title_justify="left")
    try:
        from keyreid_engines.choose import available, candidates
        from keyreid_stream.devices import torch_device

        found = candidates(torch_device(device))
        picked = available(found)[0].name
        for candidate in found:
            state = candidate.fault or ("auto takes this one" if candidate.name == picked else "available")
            precisions = f" ({', '.join(candidate.backend.precisions)})" if candidate.backend else ""
            note = f"; {candidate.note}" if candidate.note else ""
            table.add_row(candidate.name, candidate.version or "-", Text(state + precisions + note, overflow="fold"))
    except Exception as error:  # noqa: BLE001 - a doctor must not die of what it is to find
        table.add_row("?", "-", Text(_fault(error), overflow="fold"))
    return table


def _folders() -> list[tuple[str, str]]:
    return [("weights", _answer(_weights_folder)), ("engines", _answer(_engines_folder))]


def _weights_folder() -> str:
    from keyreid_stream.models.known_weights import weights_folder

    return str(weights_folder())


def _engines_folder() -> str:
    from keyreid_engines.cache import EngineCache

    cache = EngineCache()
    return f"{cache.folder} ({len(cache.entries())} engines)"


def _answer(question: Callable[[], str]) -> str:
    """The answer, or what went wrong with the question."""
    try:
        return question()
    except Exception as error:  # noqa: BLE001 - a doctor must not die of what it is to find
        return _fault(error)


def _fault(error: Exception) -> str:
    if type(error).__name__ == "PackageNotFoundError":
        return "not installed"
    reason = next(iter(str(error).strip().splitlines()), "")
    return f"cannot be told ({type(error).__name__}: {reason})"


def _table(title: str, rows: list[tuple[str, str]]) -> Table:
    table = Table("", "", title=Text(title), title_justify="left", show_header=False)
    for name, value in rows:
        table.add_row(name, Text(value, overflow="fold"))
    return table
