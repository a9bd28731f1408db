"""Evaluations side by side, with intervals of their differences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from keyreid_stream.errors import InputError
from keyreid_stream.evaluation.intervals import LEVEL, RESAMPLES, Interval
from keyreid_stream.evaluation.reid.record import Figures, ReidRecord, Row

_DRAWS_AT_ONCE = 2_000_000


@dataclass(frozen=True, slots=True)
class Compared:
    """One evaluation beside the first.

    Attributes:
        name: of its embedder.
        figures: its own.
        rank1, mean_average_precision: how much better than the first; None for the first itself.
    """

    name: str
    figures: Figures
    rank1: Interval | None
    mean_average_precision: Interval | None


def compare_records(
    records: Sequence[ReidRecord], similarities: Sequence[str], *, resamples: int = RESAMPLES, seed: int = 0
) -> list[Compared]:
    """Put evaluations of the same test side by side.

    Queries are drawn anew with replacement, within each direction of each split, the same ones for both sides (a paired
    bootstrap): the interval says how far the difference hangs on which people happened to be asked for.

    Args:
        records: at least two, of the same data and protocol.
        similarities: of each, by name, in `ReidRecord.rows`.
        resamples: how many.
        seed: of the draws.

    Raises:
        InputError: they are of different data, protocols or queries, or were not scored by such a similarity.
    """
    if len(records) < 2:
        raise InputError("a comparison needs at least two evaluations; give several --out files of keyreid eval reid")
    rows = [record.row(similarity) for record, similarity in zip(records, similarities, strict=True)]
    for record, row in zip(records[1:], rows[1:], strict=True):
        _check_same(records[0], record)
        _check_queries(rows[0], row, record.embedder.name)
    compared = [Compared(records[0].embedder.name, rows[0].figures, None, None)]
    for record, row in zip(records[1:], rows[1:], strict=True):
        rank1 = _interval(_right(rows[0]), _right(row), resamples, seed)
        precision = _interval(_precisions(rows[0]), _precisions(row), resamples, seed)
        compared.append(Compared(record.embedder.name, row.figures, rank1, precision))
    return compared


_Strata = list[list[NDArray[np.float64]]]
"""Of each split and part, a number for each query."""


def _precisions(row: Row) -> _Strata:
    return [[np.array(part.average_precisions) for part in split.parts] for split in row.splits]


def _right(row: Row) -> _Strata:
    return [[(np.array(part.first_ranks) == 0).astype(np.float64) for part in split.parts] for split in row.splits]


def _interval(left: _Strata, right: _Strata, resamples: int, seed: int) -> Interval:
    """Mean over splits of the mean over parts of the mean over queries, of the difference."""
    generator = np.random.default_rng(seed)
    drawn = np.zeros(resamples)
    whole = 0.0
    for split_left, split_right in zip(left, right, strict=True):
        share = 1 / (len(left) * len(split_left))
        for one, other in zip(split_left, split_right, strict=True):
            differences = other - one
            whole += share * float(differences.mean())
            drawn += share * _resampled_means(differences, resamples, generator)
    low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(whole, float(low), float(high))


def _resampled_means(
    values: NDArray[np.float64], resamples: int, generator: np.random.Generator
) -> NDArray[np.float64]:
    rows = max(1, _DRAWS_AT_ONCE // len(values))
    means = [
        values[generator.integers(0, len(values), (min(rows, resamples - start), len(values)))].mean(axis=1)
        for start in range(0, resamples, rows)
    ]
    return np.concatenate(means)


def _check_same(first: ReidRecord, other: ReidRecord) -> None:
    for what in ("data", "protocol", "hidden"):
        one, two = getattr(first, what), getattr(other, what)
        if one != two:
            raise InputError(
                f"{first.embedder.name} has {what} {one!r} and {other.embedder.name} has {two!r}: such figures are not "
                "comparable; evaluate both in the same way"
            )


def _check_queries(first: Row, other: Row, name: str) -> None:
    def asked(row: Row) -> list[tuple[str, str, tuple[str, ...]]]:
        return [(split.name, part.name, part.queries) for split in row.splits for part in split.parts]

    if asked(first) != asked(other):
        raise InputError(
            f"{name} was asked for other queries than the first evaluation; evaluate both on the same data"
        )
