"""Similarities of one person's and of different people's pairs as plots of a page, with the thresholds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

from keyreid_stream.evaluation.reid.pair_record import Operating, Similarities
from keyreid_stream.evaluation.reid.record import Row

WIDTH, HEIGHT = 560, 170
"""Of a plot's plane, in SVG units."""

_MOST_TICKS = 8


@dataclass(frozen=True, slots=True)
class Mark:
    """A threshold as an upright line.

    Attributes:
        name: what it is called beside the line.
        kind: `equal` or `association`.
        x: where.
        anchor: on which side of the line its name is: `start` or `end`.
        words: what it gets wrong.
    """

    name: str
    kind: str
    x: float
    anchor: str
    words: str


@dataclass(frozen=True, slots=True)
class Histogram:
    """One plot.

    Attributes:
        title: how pairs were compared.
        same, different: outlines of both areas, SVG points; each area is one, whatever the counts.
        ticks: places and labels of the similarity axis.
        marks: thresholds.
        pairs: how many of each, in words.
    """

    title: str
    same: str
    different: str
    ticks: tuple[tuple[float, str], ...]
    marks: tuple[Mark, ...]
    pairs: str


def histograms(rows: Sequence[Row], titles: Sequence[str] | None = None) -> list[Histogram]:
    """A plot for each way of comparing of which pairs were counted.

    Args:
        rows: the figures.
        titles: of each; its similarity where not given.
    """
    named = zip(titles or [row.similarity for row in rows], rows, strict=True)
    return [_histogram(title, row.similarities) for title, row in named if row.similarities is not None]


def _histogram(title: str, of: Similarities) -> Histogram:
    same, different = (_shares(counts) for counts in (of.same, of.different))
    top = max(*same, *different)
    return Histogram(
        title=title,
        same=_outline(same, top),
        different=_outline(different, top),
        ticks=tuple((_x(value, of), f"{value:g}") for value in _ticks(of.low, of.high)),
        marks=tuple(_marks(of)),
        pairs=f"{sum(of.same):,} pairs of one person, {sum(of.different):,} of different people",
    )


def _marks(of: Similarities) -> list[Mark]:
    equal = of.equal_error
    rate = (equal.false_matches + equal.misses) / 2
    marks = [_mark(of, equal, "equal error", "equal", f"{_percent(rate)} of both wrong")]
    if of.association is not None:
        wrong = of.association
        words = (
            f"set for {_percent(wrong.false_merge_rate)} false merges among {wrong.candidates:,} people; "
            f"{_percent(wrong.false_matches)} of different people are above it, {_percent(wrong.misses)} of one "
            "person's pairs below"
        )
        marks.append(_mark(of, wrong, "association", "association", words))
    return marks


def _mark(of: Similarities, point: Operating, name: str, kind: str, words: str) -> Mark:
    x = _x(min(max(point.threshold, of.low), of.high), of)
    return Mark(f"{name} {point.threshold:.3g}", kind, x, "end" if x > WIDTH / 2 else "start", words)


def _percent(share: float) -> str:
    """With as many digits as rare things need."""
    percent = 100 * share
    return f"{percent:.1f} %" if percent >= 1 or percent == 0 else f"{percent:.2g} %"


def _shares(counts: Sequence[int]) -> list[float]:
    total = max(sum(counts), 1)
    return [count / total for count in counts]


def _outline(shares: Sequence[float], top: float) -> str:
    """Steps from the axis' left end to its right one."""
    step = WIDTH / len(shares)
    points = [(0.0, float(HEIGHT))]
    for place, share in enumerate(shares):
        y = (1 - share / top) * HEIGHT
        points += [(place * step, y), ((place + 1) * step, y)]
    points.append((float(WIDTH), float(HEIGHT)))
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


def _x(value: float, of: Similarities) -> float:
    return round((value - of.low) / (of.high - of.low) * WIDTH, 1)


def _ticks(low: float, high: float) -> list[float]:
    """Round numbers within the range: one, two or five times a power of ten apart."""
    least = (high - low) / _MOST_TICKS
    power = 10.0 ** floor(log10(least))
    step = next(times * power for times in (1, 2, 5, 10) if times * power >= least)
    first, last = ceil(low / step - 1e-6), floor(high / step + 1e-6)  # 0.5005 / 0.0001 is below 5005
    return [round(number * step, 9) + 0.0 for number in range(first, last + 1)]
