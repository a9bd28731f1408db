"""Synthetic clip embeddings: who somebody is, and all that keeps two views of them from looking alike."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from keyreid_stream.models.parts import PART_NAMES
from keyreid_stream.simulation.sightings import Sightings
from keyreid_stream.structures import ClipEmbedding, EmbeddingLayout, FloatArray, IntArray

LAYOUT = EmbeddingLayout(global_dim=64, parts=len(PART_NAMES), part_dim=16)

_SIZES = np.array([LAYOUT.global_dim, *[LAYOUT.part_dim] * LAYOUT.parts])
_HEAD = PART_NAMES.index("head")


class EmbeddingModel(BaseModel):
    """What synthetic embeddings consist of; all lengths relative to a person's own direction.

    Attributes:
        common: what everyone's embeddings share, in every camera: the reason why different people's similarity is
            above 0.
        camera: a camera's own bias, times `noise`.
        stretch: what stays while a person is in one camera's view (side, light, pose), times `noise`. No averaging
            over a track takes it away, which makes it the worst.
        clip: what is new in every clip, times `noise`; more for clips of people who are mostly hidden.
        uniform: share of a look-alike's direction, except their head's, that all look-alikes have.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    common: float = Field(default=0.7, ge=0)
    camera: float = Field(default=0.5, ge=0)
    stretch: float = Field(default=1.0, ge=0)
    clip: float = Field(default=0.8, ge=0)
    uniform: float = Field(default=0.6, ge=0, lt=1)


@dataclass(frozen=True, slots=True, eq=False)
class ClipRows:
    """Which sightings B clips are of.

    Attributes:
        last: (B,) int64, the row of a clip's newest sighting; at it the clip is due.
        rows: (B, T) int64, the rows of its sightings, oldest first; -1 where a clip is shorter.
    """

    last: IntArray
    rows: IntArray

    def __len__(self) -> int:
        return len(self.last)


def synthetic_embeddings(
    sightings: Sightings,
    stretch: IntArray,
    clips: ClipRows,
    noise: float,
    *,
    seed: int,
    look_alikes: bool = False,
    model: EmbeddingModel | None = None,
) -> list[ClipEmbedding]:
    """One embedding per clip. A clip that shows two people is between them.

    A part is visible to the share of the clip's sightings that show it; what no sighting shows is garbage of visibility
    0. The same seed with more noise gives the same errors, larger.

    Args:
        sightings: the table.
        stretch: (N,) of `SimulatedTracks`.
        clips: which sightings they are of.
        noise: how large all errors are, from 0.
        seed: of everything random.
        look_alikes: whether everyone wears the same.
        model: of what kinds the errors are.
    """
    model = model or EmbeddingModel()
    rng = np.random.default_rng(seed)
    people, person = np.unique(sightings.person_id, return_inverse=True)
    # Drawn in this order whatever the noise, so that a seed's errors only grow with it.
    common = _directions(rng, 1)
    looks = _looks(rng, len(people), model.uniform if look_alikes else 0.0)
    bias = _directions(rng, len(sightings.camera_ids))
    kept = _directions(rng, int(stretch.max(initial=-1)) + 1)
    fresh = _directions(rng, len(clips))
    garbage = _directions(rng, len(clips))
    steady = model.common * common + looks[person]
    steady += noise * (model.camera * bias[sightings.camera] + model.stretch * kept[stretch])
    vectors, visibility = _clip_means(steady, sightings.parts, clips.rows)
    vectors += noise * model.clip * _hardness(sightings.share, clips.rows)[:, None] * fresh
    is_seen = np.concatenate([np.ones((len(clips), 1), np.bool_), visibility > 0], axis=1)
    vectors = np.where(np.repeat(is_seen, _SIZES, axis=1), vectors, garbage).astype(np.float32)
    return [ClipEmbedding(vector, parts, LAYOUT) for vector, parts in zip(vectors, visibility, strict=True)]


def _directions(rng: np.random.Generator, count: int) -> NDArray[np.float64]:
    """(count, E): random global parts and body parts, each of length 1 on average."""
    directions: NDArray[np.float64] = rng.standard_normal((count, LAYOUT.size)) / np.sqrt(np.repeat(_SIZES, _SIZES))
    return directions


def _looks(rng: np.random.Generator, count: int, uniform: float) -> NDArray[np.float64]:
    """(count, E): one direction per person, of which everyone has the same share."""
    same, own = _directions(rng, 1), _directions(rng, count)
    shares = np.repeat([uniform, *(0.0 if part == _HEAD else uniform for part in range(LAYOUT.parts))], _SIZES)
    looks: NDArray[np.float64] = np.sqrt(shares) * same + np.sqrt(1 - shares) * own
    return looks


def _clip_means(
    steady: NDArray[np.float64], parts: NDArray[np.bool_], rows: IntArray
) -> tuple[NDArray[np.float64], FloatArray]:
    """Means (B, E) of what clips' sightings show, and the share (B, P) of them that shows each part."""
    used = rows >= 0
    shown = np.concatenate([used[:, :, None], parts[rows] & used[:, :, None]], axis=2)
    counts = shown.sum(axis=1)
    weights = np.repeat(shown / np.maximum(counts, 1)[:, None], _SIZES, axis=2)
    visibility: FloatArray = (counts[:, 1:] / used.sum(axis=1)[:, None]).astype(np.float32)
    return (weights * steady[rows]).sum(axis=1), visibility


def _hardness(share: FloatArray, rows: IntArray) -> NDArray[np.float64]:
    """(B,) from 1 for clips of whole people to 3 for clips of people who are hidden."""
    used = rows >= 0
    hardness: NDArray[np.float64] = 3 - 2 * (share[rows] * used).sum(axis=1) / used.sum(axis=1)
    return hardness
