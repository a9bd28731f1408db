"""ONNX Runtime's provider for TensorRT: the batches it builds for, and the engines that it keeps.

The provider reads and writes engines in a folder by itself and asks nobody whose they are. Engines are code: so the
folder is one that nobody else writes to, filled from a file whose hash the manifest holds.
"""

from __future__ import annotations

import io
import tempfile
import zipfile
from pathlib import Path, PurePosixPath
from typing import Any

from keyreid_engines.errors import EngineError
from keyreid_engines.export import graph_metadata, require_onnx
from keyreid_engines.profiles import BATCHES

SAME_TIME = (1980, 1, 1, 0, 0, 0)
"""Of all files in an archive: the same engines give the same bytes."""


class KeptEngines:
    """A folder of the provider's own, and an archive to fill it from.

    Attributes:
        folder: removed together with this object.
    """

    def __init__(self, archive: bytes = b"") -> None:
        """Unpack an archive that `packed` made, checked against its manifest; may be empty.

        Raises:
            EngineError: it is none.
        """
        self._held = tempfile.TemporaryDirectory(prefix="keyreid-tensorrt-")
        self.folder = Path(self._held.name)
        if archive:
            self._unpack(archive)

    def packed(self) -> bytes:
        """What the provider built so far, as an archive; empty where it built nothing."""
        files = sorted(path for path in self.folder.iterdir() if path.is_file())
        if not files:
            return b""
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            for path in files:
                archive.writestr(zipfile.ZipInfo(path.name, SAME_TIME), path.read_bytes())
        return buffer.getvalue()

    def _unpack(self, content: bytes) -> None:
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                for name in archive.namelist():
                    if PurePosixPath(name).name != name or "\\" in name or name in ("", ".", ".."):
                        raise EngineError(f"the archive of TensorRT's engines names {name!r}; build the engine again")
                    (self.folder / name).write_bytes(archive.read(name))
        except zipfile.BadZipFile as error:
            raise EngineError(f"the archive of TensorRT's engines is damaged ({error}); build it again") from error


def tensorrt_options(content: bytes, folder: Path) -> tuple[dict[str, str], int]:
    """The provider's settings for one of our graphs, and the largest batch that they allow.

    Args:
        content: the ONNX graph.
        folder: for its engines and how fast their kernels were.

    Raises:
        EngineError: the graph is none of the two that a pipeline runs.
    """
    kind = graph_metadata(content).get("kind", "")
    if kind not in BATCHES:
        raise EngineError(f"there are no batches for a graph of kind {kind!r}; known: {', '.join(BATCHES)}")
    ranges = BATCHES[kind]
    largest = ranges[-1].most
    sizes = {"min": ranges[0].least, "opt": ranges[0].usual, "max": largest}
    inputs = require_onnx().load_model_from_string(content).graph.input
    shapes = {
        f"trt_profile_{name}_shapes": ",".join(f"{value.name}:{_shape(value, size)}" for value in inputs)
        for name, size in sizes.items()
    }
    where = str(folder)
    kept = {
        "trt_engine_cache_enable": "1",
        "trt_engine_cache_path": where,
        "trt_timing_cache_enable": "1",
        "trt_timing_cache_path": where,
    }
    return shapes | kept, largest


def _shape(value: Any, rows: int) -> str:
    axes = value.type.tensor_type.shape.dim
    return "x".join(str(size) for size in (rows, *(axis.dim_value for axis in axes[1:])))
