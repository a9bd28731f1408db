"""Revision: everything in the window is clustered anew, and what the clusters say replaces what was decided.

Average linkage on the pairs' log odds: two groups become one while their members speak, on average, for being one
person; a single forbidden pair keeps them apart (Day and Edelsbrunner 1984 for the algorithm, SciPy's `linkage`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import squareform

from keyreid_stream.structures import FloatArray, IntArray

_MOST = 50.0
"""More log odds than any pair has."""


def clusters(weights: FloatArray, least: float = 0.0) -> IntArray:
    """Group nodes so that members of a group are linked, on average, by `least` log odds or more.

    Args:
        weights: (n, n), symmetric; the diagonal is not looked at.
        least: mean log odds at which groups still become one.

    Returns:
        (n,) int64: the group of each node, numbered from 0 by first member.
    """
    if len(weights) < 2:
        return np.zeros(len(weights), np.int64)
    distances = (_MOST - np.minimum(weights, _MOST)).astype(np.float64)
    np.fill_diagonal(distances, 0)
    tree = linkage(squareform(distances, checks=False), method="average")
    groups = fcluster(tree, t=_MOST - least, criterion="distance")
    _, first, inverse = np.unique(groups, return_index=True, return_inverse=True)
    order = np.argsort(np.argsort(first))
    result: IntArray = order[inverse].astype(np.int64)
    return result


@dataclass(frozen=True, slots=True)
class Relabelling:
    """What becomes of identities.

    Attributes:
        identities: (n,) int64, the identity of each node; negative for new ones, -1, -2, … by first member.
        merged: (gone, kept) pairs of identities, in order.
    """

    identities: IntArray
    merged: tuple[tuple[int, int], ...]


def relabelled(groups: IntArray, identities: IntArray, mass: FloatArray) -> Relabelling:
    """Give groups the identities that most of them had, one each.

    Identities that no group keeps are merged into the group that most of them went to.

    Args:
        groups: (n,) of `clusters`.
        identities: (n,) int64, positive: what was decided.
        mass: (n,) how much each node counts.
    """
    known, columns = np.unique(identities, return_inverse=True)
    table = np.zeros((int(groups.max()) + 1, len(known)))
    np.add.at(table, (groups, columns), mass)
    # Among equals the older identity is kept.
    preference = np.where(table > 0, table + np.linspace(1e-6, 0, len(known)), 0)
    rows, kept_columns = linear_sum_assignment(preference, maximize=True)
    identity_of_group = np.zeros(len(table), np.int64)
    for row, column in zip(rows, kept_columns, strict=True):
        if table[row, column] > 0:
            identity_of_group[row] = known[column]
    for number, row in enumerate(np.flatnonzero(identity_of_group == 0), start=1):
        identity_of_group[row] = -number
    merged = tuple(
        (int(known[column]), int(identity_of_group[int(np.argmax(table[:, column]))]))
        for column in np.flatnonzero(~np.isin(known, identity_of_group))
    )
    return Relabelling(identity_of_group[groups], merged)
