"""An evaluation as one self-contained page: figures, CMC curves, and rankings with right and wrong framed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from jinja2 import Environment, PackageLoader, StrictUndefined

from keyreid_stream.evaluation.reid.record import CORRECT_RULE, ReidRecord, Row

SHOWN_RANKS = 20

_WIDTH, _HEIGHT = 560, 260
"""Of the curves' plane, in SVG units."""

_COLOURS = ("#2563eb", "#d97706", "#059669", "#9333ea", "#dc2626", "#0891b2")


@dataclass(frozen=True, slots=True)
class Shown:
    """A tracklet in a ranking.

    Attributes:
        picture: data URI of one of its images.
        label: its name.
        right: whether it shows the query's person.
    """

    picture: str
    label: str
    right: bool


@dataclass(frozen=True, slots=True)
class RankingSheet:
    """One query and what is closest to it.

    Attributes:
        heading: under which it stands; sheets of one heading follow each other.
        picture: data URI of one of the query's images.
        label: its name.
        average_precision: a fraction.
        first_rank: place of the first right entry, from 1.
        found: closest first.
    """

    heading: str
    picture: str
    label: str
    average_precision: float
    first_rank: int
    found: tuple[Shown, ...]


@dataclass(frozen=True, slots=True)
class _Curve:
    name: str
    colour: str
    dashed: bool
    points: str


def page_text(record: ReidRecord, sheets: Sequence[RankingSheet]) -> str:
    """The page's HTML; it loads nothing from anywhere.

    Args:
        record: the evaluation.
        sheets: rankings to show, in order.
    """
    environment = Environment(
        loader=PackageLoader("keyreid_stream.evaluation.reid", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    least = _least(record)
    text: str = environment.get_template("reid.html").render(
        record=record,
        correct=CORRECT_RULE,
        curves=[_curve(row, place, least) for place, row in enumerate(record.rows)],
        lines=[(_y(share, least), f"{100 * share:g}") for share in _grid(least)],
        ticks=[(_x(rank), rank) for rank in (1, 5, 10, 15, SHOWN_RANKS)],
        width=_WIDTH,
        height=_HEIGHT,
        groups=[(heading, list(own)) for heading, own in groupby(sheets, lambda sheet: sheet.heading)],
    )
    return text


def _least(record: ReidRecord) -> float:
    """Where the share axis begins: a multiple of a tenth below every curve."""
    return int(10 * min(row.cmc[0] for row in record.rows)) / 10


def _grid(least: float) -> list[float]:
    return [step / 10 for step in range(round(10 * least), 11)]


def _x(rank: int) -> float:
    return round((rank - 1) / (SHOWN_RANKS - 1) * _WIDTH, 1)


def _y(share: float, least: float) -> float:
    return round((1 - (share - least) / max(1 - least, 0.1)) * _HEIGHT, 1)


def _curve(row: Row, place: int, least: float) -> _Curve:
    ranks = row.cmc[:SHOWN_RANKS]
    points = " ".join(f"{_x(rank)},{_y(share, least)}" for rank, share in enumerate(ranks, start=1))
    right = row.rule == CORRECT_RULE
    name = row.similarity if right else f"{row.similarity} ({row.rule})"
    return _Curve(name, _COLOURS[place % len(_COLOURS)], not right, points)
