"""How wrong are embeddings? The share of single clips whose most similar clip in other cameras is somebody else's."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from keyreid_stream.association.similarity import signatures, similarity
from keyreid_stream.errors import ConfigError
from keyreid_stream.simulation.baselines import GLOBAL_WEIGHT
from keyreid_stream.structures import ClipEmbedding, IntArray

NOISES = np.linspace(0.0, 2.5, 26)
"""Where error rates are measured; between, they are interpolated."""

_QUERIES = 400


def rank1_error(
    embeddings: Sequence[ClipEmbedding], person_ids: IntArray, cameras: IntArray, *, seed: int = 0
) -> float:
    """Rank-1 error of single clips across cameras, single-shot.

    A query is compared with one clip, drawn anew for each query, of every person whom another camera has seen. Queries
    of people whom no other camera has seen are left out.

    Args:
        embeddings: B clips.
        person_ids: (B,) int64, whom they show.
        cameras: (B,) int64, whose they are.
        seed: of which clips are drawn.

    Returns:
        0 to 1; 0 if nobody was seen by two cameras.
    """
    rng = np.random.default_rng(seed)
    queries = rng.permutation(len(embeddings))[:_QUERIES]
    if not len(queries):
        return 0.0
    rows = signatures(embeddings, GLOBAL_WEIGHT)
    chosen = signatures([embeddings[query] for query in queries], GLOBAL_WEIGHT)
    closeness = similarity(chosen, rows, GLOBAL_WEIGHT)
    errors = []
    for place, query in enumerate(queries.tolist()):
        elsewhere = np.flatnonzero(cameras != cameras[query])
        drawn = elsewhere[rng.permutation(len(elsewhere))]
        _, first = np.unique(person_ids[drawn], return_index=True)
        gallery = drawn[first]
        if (person_ids[gallery] == person_ids[query]).any():
            errors.append(person_ids[gallery[closeness[place, gallery].argmax()]] != person_ids[query])
    return float(np.mean(errors)) if errors else 0.0


def noise_for(error_rate: float, measured: Callable[[float], float]) -> float:
    """The least noise that gives an error rate, by measurement.

    Args:
        error_rate: wanted, 0 to 1.
        measured: error rate of a noise.

    Raises:
        ConfigError: no noise up to the largest of `NOISES` gives so many errors.
    """
    before = 0.0
    for lower, upper in zip(NOISES[:-1].tolist(), NOISES[1:].tolist(), strict=True):
        after = max(before, measured(upper))
        if after >= error_rate:
            return lower + (upper - lower) * (error_rate - before) / max(after - before, 1e-9) if error_rate else 0.0
        before = after
    raise ConfigError(
        f"no noise up to {NOISES[-1]:g} gives an error rate of {error_rate:g}, the most is {before:.2f}; ask for less"
    )
