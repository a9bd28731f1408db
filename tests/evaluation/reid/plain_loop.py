"""The oracle: a plain double loop over queries and gallery entries, and re-ranking by the paper's definitions."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from keyreid_stream.evaluation.reid import Entries


class Found(NamedTuple):
    query: int
    precision: float
    first: int


def plain_search(similarities: NDArray[np.float32], queries: Entries, gallery: Entries) -> list[Found]:
    """Average precision and first right rank of each query that has something to find; equals go worst first."""
    found = []
    for query in range(len(queries)):
        ranked = []
        for entry in range(len(gallery)):
            if gallery.people[entry] == -1:
                continue
            right = gallery.people[entry] == queries.people[query]
            if right and gallery.cameras[entry] == queries.cameras[query]:
                continue
            ranked.append((-similarities[query, entry], bool(right)))
        ranked.sort()
        places = [place for place, (_, right) in enumerate(ranked, start=1) if right]
        if places and queries.people[query] > 0:
            precision = sum(number / place for number, place in enumerate(places, start=1)) / len(places)
            found.append(Found(query, precision, places[0] - 1))
    return found


def plain_reranking(
    distances: NDArray[np.float64], queries: int, k1: int, k2: int, share: float
) -> NDArray[np.float64]:
    """Final distances (Q, G) out of those of all pairs (N, N), step by step as the paper tells it."""
    count = len(distances)
    scaled = distances / distances.max(axis=1, keepdims=True)
    order = [
        sorted(range(count), key=lambda other, one=one: (other != one, scaled[one, other])) for one in range(count)
    ]

    def reciprocal(one: int, k: int) -> set[int]:
        return {other for other in order[one][: k + 1] if one in order[other][: k + 1]}

    encodings = np.zeros((count, count))
    for one in range(count):
        core = reciprocal(one, k1)
        members = set(core)
        for candidate in core:
            others = reciprocal(candidate, round(k1 / 2))
            if len(core & others) > 2 / 3 * len(others):
                members |= others
        for member in members:
            encodings[one, member] = np.exp(-scaled[one, member])
        encodings[one] /= encodings[one].sum()
    if k2 > 1:
        encodings = np.stack([encodings[order[one][:k2]].mean(axis=0) for one in range(count)])
    final = np.zeros((queries, count - queries))
    for query in range(queries):
        for entry in range(queries, count):
            least = np.minimum(encodings[query], encodings[entry]).sum()
            most = np.maximum(encodings[query], encodings[entry]).sum()
            final[query, entry - queries] = (1 - share) * (1 - least / most) + share * scaled[query, entry]
    return final
