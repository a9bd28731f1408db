"""Quantisation in a process of its own: NNCF changes how a whole process logs, writes to its output and calls home.

The parent writes a folder with the graph, the pictures and the request; the child (`python -m
keyreid_engines.int8_process`) writes what it made beside them.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from keyreid_engines.errors import EngineError
from keyreid_engines.libraries import import_library

Images: TypeAlias = NDArray[np.uint8]
"""(N, H, W, 3) RGB. The child imports nothing that takes long beside NNCF."""

LIMIT_S = 1800.0

COMMAND = (sys.executable, "-P", "-m", "keyreid_engines.int8_process")

QUIET = {"NNCF_CI": "1"}
"""NNCF tells nobody that it was used."""

SMOOTHING = 0.5
"""How much of the activations' outliers is moved into the weights; measured in docs/decisions/0028-int8.md."""

GRAPH, IMAGES, REQUEST, FAULT = "graph.onnx", "images.npy", "request.json", "fault.txt"
MADE = {"openvino": ("xml", "bin"), "onnxruntime": ("onnx",)}
"""Suffixes of what is made, by backend."""


def quantise_in_child(
    backend: str, content: bytes, images: Images, kept: Sequence[str], *, limit_s: float = LIMIT_S
) -> Mapping[str, bytes]:
    """Quantise a frame encoder in a child process.

    Args:
        backend: openvino or onnxruntime, which says in what form it is wanted.
        content: the ONNX graph, in float32.
        images: (N, H, W, 3) uint8 RGB to calibrate on.
        kept: names of nodes that stay in floating point.
        limit_s: seconds after which the child is ended.

    Raises:
        EngineError: it cannot be quantised, takes too long, or the library dies of it.
    """
    with tempfile.TemporaryDirectory(prefix="keyreid-int8-") as name:
        folder = Path(name)
        (folder / GRAPH).write_bytes(content)
        np.save(folder / IMAGES, images)
        (folder / REQUEST).write_text(json.dumps({"backend": backend, "kept": list(kept)}), encoding="utf-8")
        fault = _run(folder, limit_s)
        if fault is not None:
            raise EngineError(f"the frame encoder cannot be quantised: {fault}; take another precision")
        return {suffix: (folder / f"made.{suffix}").read_bytes() for suffix in MADE[backend]}


def _run(folder: Path, limit_s: float) -> str | None:
    """Run the child to its end; what went wrong, if something did."""
    found = os.pathsep.join(str(Path(path).resolve()) for path in sys.path if path)
    environment = {**os.environ, "PYTHONPATH": found, **QUIET}
    try:
        ended = subprocess.run(
            COMMAND, cwd=folder, env=environment, capture_output=True, text=True, timeout=limit_s, check=False
        )
    except subprocess.TimeoutExpired:
        return f"it took more than {limit_s:.0f} s and was ended"
    if (folder / FAULT).exists():
        return (folder / FAULT).read_text(encoding="utf-8")
    if ended.returncode != 0:
        said = ended.stderr.strip().splitlines()
        return f"its process ended with status {ended.returncode}" + (f" ({said[-1].strip()})" if said else "")
    return None


def _child(folder: Path) -> None:
    given = json.loads((folder / REQUEST).read_text(encoding="utf-8"))
    images: Images = np.load(folder / IMAGES)
    try:
        library = import_library("nncf")
    except ImportError as error:
        (folder / FAULT).write_text(str(error), encoding="utf-8")
        return
    make = _openvino if given["backend"] == "openvino" else _onnx
    make(library, folder, images, given["kept"])


def _openvino(library: Any, folder: Path, images: Images, kept: Sequence[str]) -> None:
    openvino: Any = import_library("openvino")
    model = openvino.Core().read_model(str(folder / GRAPH))
    # A node's parts have names of their own there: linear_3/WithoutBiases.
    patterns = [f"^{re.escape(name)}(/.*)?$" for name in kept]
    made = _quantised(library, model, images, library.IgnoredScope(patterns=patterns, validate=False))
    openvino.save_model(made, str(folder / "made.xml"), compress_to_fp16=False)


def _onnx(library: Any, folder: Path, images: Images, kept: Sequence[str]) -> None:
    onnx: Any = import_library("onnx")
    model = onnx.load(folder / GRAPH)
    made = _quantised(library, model, images, library.IgnoredScope(names=list(kept)))
    onnx.save(made, folder / "made.onnx")


def _quantised(library: Any, model: Any, images: Images, ignored: Any) -> Any:
    """Symmetric weights per channel; a picture at a time, so that statistics are those of single crops."""
    items = [{"images": images[index : index + 1]} for index in range(len(images))]
    return library.quantize(
        model,
        library.Dataset(items),
        model_type=library.ModelType.TRANSFORMER,
        preset=library.QuantizationPreset.MIXED,
        subset_size=len(items),
        ignored_scope=ignored,
        advanced_parameters=library.AdvancedQuantizationParameters(
            smooth_quant_alphas=library.AdvancedSmoothQuantParameters(matmul=SMOOTHING)
        ),
    )


if __name__ == "__main__":
    _child(Path())
