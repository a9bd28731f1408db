"""How alike pairs are, with the thresholds that matter, for an evaluation's file and page."""

from __future__ import annotations

import numpy as np

from keyreid_stream.association.config import AssociationConfig
from keyreid_stream.association.thresholds import Thresholds
from keyreid_stream.errors import InputError
from keyreid_stream.evaluation.reid import Similarity
from keyreid_stream.evaluation.reid.pair_record import Operating, SetThreshold, Similarities
from keyreid_stream.evaluation.reid.pairs import PairCounts
from keyreid_stream.structures import IntArray

SHOWN_BINS = 50


def pair_similarities(pairs: PairCounts, how: Similarity, config: AssociationConfig | None = None) -> Similarities:
    """The counts in fewer bins, without empty ends, and what thresholds would get wrong.

    Args:
        pairs: of all directions and splits.
        how: how they were compared.
        config: settings of the association; the defaults where not given.

    Raises:
        InputError: there are no pairs of different people, so that every embedder would be perfect.
    """
    if not pairs.different.any():
        raise InputError("all that is searched shows the query's own person: nobody can be confused; give more people")
    occupied = np.flatnonzero(pairs.same + pairs.different)
    first, wide = int(occupied[0]), -(-(int(occupied[-1]) + 1 - int(occupied[0])) // SHOWN_BINS)
    step = (pairs.high - pairs.low) / len(pairs.same)
    same, different = (_in_wider(counts[first:], wide) for counts in (pairs.same, pairs.different))
    count = -(-(int(occupied[-1]) + 1 - first) // wide)
    return Similarities(
        low=pairs.low + first * step,
        high=pairs.low + (first + count * wide) * step,
        same=same[:count],
        different=different[:count],
        equal_error=Operating(**_at(pairs, pairs.equal_error())),
        association=None if how.kind == "euclidean" else _association(pairs, config or AssociationConfig()),
    )


def _association(pairs: PairCounts, config: AssociationConfig) -> SetThreshold:
    """As if all pairs of cameras were one, with the prior that the association starts from."""
    thresholds = Thresholds(config)
    here, there = thresholds.camera("here"), thresholds.camera("there")
    thresholds.different_moments(here, there, *pairs.different_moments())
    threshold = float(thresholds.matrices(pairs.candidates)[0][here, there])
    return SetThreshold(**_at(pairs, threshold), false_merge_rate=config.false_merge_rate, candidates=pairs.candidates)


def _at(pairs: PairCounts, threshold: float) -> dict[str, float]:
    false, missed = pairs.shares_at(threshold)
    return {"threshold": threshold, "false_matches": false, "misses": missed}


def _in_wider(counts: IntArray, wide: int) -> tuple[int, ...]:
    padded = np.pad(counts, (0, -len(counts) % wide))
    return tuple(padded.reshape(-1, wide).sum(axis=1).tolist())
