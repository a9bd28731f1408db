"""Embeddings of many people, and noisy views of some of them: what a candidate search is judged on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from keyreid_stream.association.similarity import Signatures, prepared
from keyreid_stream.structures import EmbeddingLayout, FloatArray

GLOBAL_WEIGHT = 0.5
_ROWS_AT_ONCE = 10_000


@dataclass(frozen=True)
class Spread:
    """How people's embeddings lie in space.

    Attributes:
        decay: variance falls with the direction's rank to this power; 0: the same in all directions (no structure
            that a search could use), 1: few directions carry most of it, as in trained networks.
        shared: length of what all embeddings have in common, against 1 for what sets people apart.
    """

    decay: float
    shared: float


EVEN = Spread(decay=0.0, shared=0.0)
CLUSTERED = Spread(decay=1.0, shared=0.5)


@dataclass(frozen=True, eq=False)
class Population:
    """`people` of n identities, and `views` of some of them: view i shows person `shown[i]`."""

    people: Signatures
    views: Signatures
    shown: NDArray[np.int64]


def population(
    people: int, layout: EmbeddingLayout, spread: Spread, noise: float, views: int, hidden: float = 0.0, seed: int = 0
) -> Population:
    """Draw people, and views that differ from them by `noise` times what people differ by.

    Each part of a view is hidden with probability `hidden`.
    """
    rng = np.random.default_rng(seed)
    deviations = np.arange(1, layout.size + 1, dtype=np.float32) ** np.float32(-spread.decay / 2)
    deviations = rng.permutation(deviations / np.linalg.norm(deviations)).astype(np.float32)
    common = rng.standard_normal(layout.size, dtype=np.float32)
    common *= np.float32(spread.shared) / np.linalg.norm(common)
    own = rng.standard_normal((people, layout.size), dtype=np.float32)
    own *= deviations
    shown = rng.choice(people, views, replace=False)
    change = rng.standard_normal((views, layout.size), dtype=np.float32) * deviations
    seen = own[shown] + np.float32(noise) * change + common
    own += common
    visible = (rng.random((views, layout.parts)) >= hidden).astype(np.float32)
    return Population(_signatures(own, layout), prepared(seen, visible, layout, GLOBAL_WEIGHT), shown)


def _signatures(rows: FloatArray, layout: EmbeddingLayout) -> Signatures:
    """Prepared in place, some at a time: 1e5 rows of the base model are a gigabyte."""
    visibility = np.ones((len(rows), layout.parts), np.float32)
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        some = slice(start, start + _ROWS_AT_ONCE)
        rows[some] = prepared(rows[some], visibility[some], layout, GLOBAL_WEIGHT).vectors
    return Signatures(rows, visibility)
