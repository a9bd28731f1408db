"""A comparison of evaluations as one self-contained page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from keyreid_stream.evaluation.intervals import RESAMPLES, Interval
from keyreid_stream.evaluation.reid.bootstrap import Compared
from keyreid_stream.evaluation.reid.curves import cmc_plot
from keyreid_stream.evaluation.reid.histograms import HEIGHT, WIDTH, histograms
from keyreid_stream.evaluation.reid.page import rendered
from keyreid_stream.evaluation.reid.record import ReidRecord

_BAR_WIDTH = 150
"""Of an interval's picture, in SVG units."""


@dataclass(frozen=True, slots=True)
class _Bar:
    """An interval as a line with a dot, beside zero; places in SVG units.

    Attributes:
        words: the same in words.
        low, middle, high, zero: where.
        clear: whether all of it is on one side of zero.
    """

    words: str
    low: float
    middle: float
    high: float
    zero: float
    clear: bool


def comparison_page(
    compared: Sequence[Compared],
    records: Sequence[ReidRecord],
    similarities: Sequence[str],
    *,
    files: Sequence[Path],
    seed: int,
    command: str,
) -> str:
    """The page's HTML; it loads nothing from anywhere.

    Args:
        compared: what `compare_records` gave.
        records: what it was given.
        similarities: what it was given.
        files: where the records were read.
        seed: of the resamples.
        command: that compares.
    """
    rows = [record.row(name) for record, name in zip(records, similarities, strict=True)]
    names = [
        f"{place}. {_short(record.embedder.name)}, {row.similarity}"
        for place, (record, row) in enumerate(zip(records, rows, strict=True), start=1)
    ]
    reach = max((abs(end) for one in compared for each in _intervals(one) for end in (each.low, each.high)), default=0)
    return rendered(
        "comparison.html",
        first=records[0],
        entries=[
            {
                "name": name,
                "record": record,
                "row": row,
                "file": str(file),
                "rank1": _bar(one.rank1, reach),
                "precision": _bar(one.mean_average_precision, reach),
            }
            for name, record, row, file, one in zip(names, records, rows, files, compared, strict=True)
        ],
        curves=cmc_plot([(name, row.cmc, False) for name, row in zip(names, rows, strict=True)]),
        histograms=histograms(rows, names),
        plot=(WIDTH, HEIGHT),
        bar_width=_BAR_WIDTH,
        resamples=RESAMPLES,
        seed=seed,
        command=command,
    )


def _short(embedder: str) -> str:
    kind, _, what = embedder.partition(":")
    return f"{kind}:{Path(what).name}" if what else embedder


def _intervals(one: Compared) -> list[Interval]:
    return [each for each in (one.rank1, one.mean_average_precision) if each is not None]


def _bar(interval: Interval | None, reach: float) -> _Bar | None:
    """All bars of a page have one scale, with zero in the middle."""
    if interval is None:
        return None
    scale = 0.46 * _BAR_WIDTH / max(reach, 1e-9)
    low, middle, high = (
        round(_BAR_WIDTH / 2 + scale * value, 1) for value in (interval.low, interval.difference, interval.high)
    )
    numbers = [f"{100 * value:+.1f}" for value in (interval.difference, interval.low, interval.high)]
    words = f"{numbers[0]} ({numbers[1]} to {numbers[2]})"
    return _Bar(words, low, middle, high, _BAR_WIDTH / 2, interval.clear)
