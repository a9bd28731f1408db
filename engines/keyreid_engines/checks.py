"""An engine against float32 on PyTorch, on crops that are always the same: what differs too much is never used."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from keyreid_engines.errors import EngineError
from keyreid_engines.fixed_crops import fixed_crops
from keyreid_engines.graphs import Precision
from keyreid_stream.encoders import TorchClipHead, TorchFrameEncoder
from keyreid_stream.interfaces import ClipHead, FrameEncoder
from keyreid_stream.models.keyreid import KeyReID
from keyreid_stream.structures import Clip, ClipEmbeddings, Crops, Encodings, FloatArray

MINIMUM_COSINE: dict[Precision, float] = {"float32": 0.99999, "bfloat16": 0.999, "float16": 0.999, "int8": 0.98}
"""int8 is calibrated on photographs, which the drawn people of the check are unlike; on photographs it comes closer."""

BATCHES = (1, 3, 8)
"""Largest batches that are tried: one crop a call, calls of unequal size, one call for all."""

CROPS = 8


class CheckFigures(BaseModel):
    """How close an engine comes to float32 on PyTorch; cosines are the least of all that were compared.

    Attributes:
        crops, clips: how many were compared.
        tokens: cosine of a crop's patch tokens.
        appearance: cosine of a crop's appearance.
        global_part: cosine of an embedding's global part.
        parts: cosine of an embedding's body part.
        visibility: largest difference of a part's visibility.
        neighbours: share of clips whose nearest other clip is the same.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    crops: int
    clips: int
    tokens: float
    appearance: float
    global_part: float
    parts: float
    visibility: float
    neighbours: float

    @property
    def minimum_cosine(self) -> float:
        """The least of all."""
        return min(self.tokens, self.appearance, self.global_part, self.parts)


def check_engine(
    encoders: Callable[[int], tuple[FrameEncoder, ClipHead]],
    model: KeyReID,
    precision: Precision,
    crops: Crops | None = None,
) -> CheckFigures:
    """Compare both halves of an engine, one after the other, with the model that it was made of.

    Args:
        encoders: gives both halves of the engine for a largest batch.
        model: in float32 on the CPU.
        precision: of the engine, which says how close it must come.
        crops: what to compare them on; by default people that are drawn.

    Raises:
        EngineError: a number is not finite, all are zero, or a cosine is too small.
    """
    crops = fixed_crops(model.crop_spec, CROPS) if crops is None else crops
    wanted = _results((TorchFrameEncoder(model), TorchClipHead(model)), crops)
    compared = []
    for batch in BATCHES:
        given = _results(encoders(batch), crops)
        _refuse_nonsense(given)
        compared.append(_compare(given, wanted))
    worst = _worst(compared)
    least = MINIMUM_COSINE[precision]
    if worst.minimum_cosine < least:
        raise EngineError(
            f"the engine differs from float32 on PyTorch: least cosine {worst.minimum_cosine:.6f}, {precision} needs "
            f"{least}; it is not used, choose another precision or backend"
        )
    return worst


def _results(encoders: tuple[FrameEncoder, ClipHead], crops: Crops) -> tuple[Encodings, ClipEmbeddings]:
    """Encodings of all crops, and embeddings of clips of every length that a clip may have."""
    encoder, head = encoders
    encodings = encoder.encode(crops)
    clips = []
    for start in range(len(crops)):
        length = 1 + start % head.frames_per_clip
        rows = [(start + step) % len(crops) for step in range(length)]
        clips.append(Clip(encodings.tokens[rows], encodings.class_rows[rows], encodings.part_weights[rows]))
    return encodings, head.embed(clips)


def _refuse_nonsense(given: tuple[Encodings, ClipEmbeddings]) -> None:
    encodings, embeddings = given
    arrays = {
        "tokens": _on_host(encodings.tokens),
        "class rows": _on_host(encodings.class_rows),
        "appearance": encodings.appearance,
        "embeddings": embeddings.vectors,
        "visibility": embeddings.visibility,
    }
    for name, array in arrays.items():
        fault = "not finite" if not np.isfinite(array).all() else None if array.any() else "all zero"
        if fault:
            raise EngineError(f"the engine gives {name} that are {fault}; it is not used, choose another backend")


def _compare(given: tuple[Encodings, ClipEmbeddings], wanted: tuple[Encodings, ClipEmbeddings]) -> CheckFigures:
    (crops, clips), (true_crops, true_clips) = given, wanted
    layout = clips.layout
    split, parts = layout.global_dim, (len(clips), layout.parts, layout.part_dim)
    vectors, true_vectors = clips.vectors, true_clips.vectors
    return CheckFigures(
        crops=len(crops),
        clips=len(clips),
        tokens=_least_cosine(_on_host(crops.tokens.flatten(1)), _on_host(true_crops.tokens.flatten(1))),
        appearance=_least_cosine(crops.appearance, true_crops.appearance),
        global_part=_least_cosine(vectors[:, :split], true_vectors[:, :split]),
        parts=_least_cosine(vectors[:, split:].reshape(parts), true_vectors[:, split:].reshape(parts)),
        visibility=float(np.abs(clips.visibility - true_clips.visibility).max()),
        neighbours=float((_nearest(vectors) == _nearest(true_vectors)).mean()),
    )


def _on_host(tensor: torch.Tensor) -> FloatArray:
    """Tokens may be on a device and of half precision."""
    array: FloatArray = tensor.float().cpu().numpy()
    return array


def _worst(compared: Sequence[CheckFigures]) -> CheckFigures:
    least = {name: min(getattr(one, name) for one in compared) for name in ("tokens", "appearance", "neighbours")}
    least |= {name: min(getattr(one, name) for one in compared) for name in ("global_part", "parts")}
    return compared[0].model_copy(update=least | {"visibility": max(one.visibility for one in compared)})


def _least_cosine(given: FloatArray, wanted: FloatArray) -> float:
    """Of vectors along the last axis; a vector of zeros is like another one of zeros, and unlike anything else."""
    products = (given.astype(np.float64) * wanted).sum(axis=-1)
    lengths = np.linalg.norm(given.astype(np.float64), axis=-1), np.linalg.norm(wanted.astype(np.float64), axis=-1)
    scale = lengths[0] * lengths[1]
    both_zero = (lengths[0] == 0) & (lengths[1] == 0)
    return float(np.where(scale > 0, products / np.where(scale > 0, scale, 1), both_zero).min())


def _nearest(vectors: FloatArray) -> NDArray[np.int64]:
    """The other row that is most alike, for each row."""
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    similarity = unit @ unit.T
    np.fill_diagonal(similarity, -np.inf)
    nearest: NDArray[np.int64] = similarity.argmax(axis=1)
    return nearest
