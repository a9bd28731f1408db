"""BoxMOT's re-ID models as an embedder; nothing is downloaded or installed here."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from keyreid_stream.devices import torch_device
from keyreid_stream.errors import InputError
from keyreid_stream.models.weights import file_sha256
from keyreid_stream.structures import ClipEmbeddings, EmbeddingLayout
from keyreid_stream.tracking.version import require_boxmot
from keyreid_train.embedders.interface import ClipImages, Half, half_black

_NEEDS_NOTHING = ("pytorch", "torchscript")
"""Formats that run on PyTorch itself; for the others BoxMOT would install what is missing."""


class BoxmotEmbedder:
    """A re-ID model that BoxMOT runs; a clip is one image."""

    frames = 1

    def __init__(self, model: str, device: str = "auto") -> None:
        """Load it.

        Args:
            model: a weights file, or the name of one in BoxMOT's folder of weights, such as `osnet_x0_25_msmt17.pt`.
            device: as `devices.torch_device` names it.

        Raises:
            InputError: the file is missing, or BoxMOT cannot run it as things are.
            KeyReIDError: BoxMOT is missing or of another version.
        """
        require_boxmot()
        path = _found(model)
        _check_runtime(path)
        from boxmot.reid.core.runtime import ReID

        try:
            self._model: Any = ReID(path, device=torch_device(device))
        except (RuntimeError, KeyError, ValueError, OSError) as error:
            reason = " ".join(str(error).split())[:200]
            raise InputError(
                f"BoxMOT cannot load {path} ({reason}); its name must begin with the architecture"
            ) from error
        self.name, self.sha256 = f"boxmot:{model}", file_sha256(path) if path.is_file() else "folder"

    def embed(self, clips: Sequence[ClipImages], hidden: Half | None = None) -> ClipEmbeddings:
        """Embed images to vectors of unit length, with BoxMOT's preprocessing; see `ClipEmbedder.embed`."""
        images = [half_black(clip.images[0], hidden) if hidden else clip.images[0] for clip in clips]
        # BoxMOT's pictures are BGR.
        vectors = np.asarray(self._model([np.ascontiguousarray(one[..., ::-1]) for one in images]), np.float32)
        return ClipEmbeddings(vectors, np.zeros((len(vectors), 0), np.float32), EmbeddingLayout(vectors.shape[1], 0, 0))


def _found(model: str) -> Path:
    """The file; BoxMOT would download a missing one."""
    from boxmot.resources.paths import resolve_model_path

    path = Path(resolve_model_path(model))
    if path.exists():
        return path
    from boxmot.reid.core.catalog import TRAINED_URLS

    where = TRAINED_URLS.get(Path(model).name)
    known = f"get it from {where} and give its path" if where else f"BoxMOT knows: {', '.join(sorted(TRAINED_URLS))}"
    raise InputError(f"no re-ID model {model!r} here or in BoxMOT's folder of weights; {known}")


def _check_runtime(path: Path) -> None:
    """Refuse what BoxMOT would answer with a pip install."""
    from boxmot.reid.backends.dependencies import reid_backend_requirements, requirement_satisfied
    from boxmot.reid.core.formats import resolve_reid_format

    try:
        kind = resolve_reid_format(path).id
    except ValueError as error:
        raise InputError(f"{path} is of no format that BoxMOT knows ({error}); give a .pt file") from error
    if kind in _NEEDS_NOTHING:
        return
    wanted = reid_backend_requirements(kind)
    if not any(requirement_satisfied(one) for one in wanted):
        other = f", or give onnx:{path}" if kind == "onnx" else ""
        raise InputError(f"BoxMOT runs {path} with {wanted[0]} alone; install that with pip{other}")
