"""An evaluation as one self-contained page: figures, CMC curves, and rankings with right and wrong framed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from keyreid_stream.evaluation.reid.curves import cmc_plot
from keyreid_stream.evaluation.reid.histograms import HEIGHT, WIDTH, histograms
from keyreid_stream.evaluation.reid.record import CORRECT_RULE, ReidRecord, Row


@dataclass(frozen=True, slots=True)
class Picture:
    """An image of a tracklet, as data URIs.

    Attributes:
        plain: as it is.
        attention: with what the network attends to drawn over it; None where that is unknown.
        parts: with the network's body parts drawn over it; None where it has none, or they are everywhere.
    """

    plain: str
    attention: str | None = None
    parts: str | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """A tracklet in a ranking.

    Attributes:
        picture: one of its images.
        label: its name.
        right: whether it shows the query's person.
    """

    picture: Picture
    label: str
    right: bool


@dataclass(frozen=True, slots=True)
class RankingSheet:
    """One query and what is closest to it.

    Attributes:
        heading: under which it stands; sheets of one heading follow each other.
        picture: one of the query's images.
        label: its name.
        average_precision: a fraction.
        first_rank: place of the first right entry, from 1.
        found: closest first.
    """

    heading: str
    picture: Picture
    label: str
    average_precision: float
    first_rank: int
    found: tuple[Shown, ...]


def page_text(record: ReidRecord, sheets: Sequence[RankingSheet], part_colours: Sequence[tuple[str, str]] = ()) -> str:
    """The page's HTML; it loads nothing from anywhere.

    Args:
        record: the evaluation.
        sheets: rankings to show, in order.
        part_colours: names of the body parts that are drawn, each with its colour, such as `#dc2626`.
    """
    return rendered(
        "reid.html",
        record=record,
        correct=CORRECT_RULE,
        curves=cmc_plot([_named(row) for row in record.rows]),
        histograms=histograms(record.rows),
        plot=(WIDTH, HEIGHT),
        views=_views(sheets),
        part_colours=part_colours,
        groups=[(heading, list(own)) for heading, own in groupby(sheets, lambda sheet: sheet.heading)],
    )


def rendered(template: str, **values: Any) -> str:
    """The text of one of the package's pages.

    Args:
        template: its file.
        values: by the names that it knows them by.
    """
    environment = Environment(
        loader=PackageLoader("keyreid_stream.evaluation.reid", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    text: str = environment.get_template(template).render(values)
    return text


def _named(row: Row) -> tuple[str, Sequence[float], bool]:
    right = row.rule == CORRECT_RULE
    return (row.similarity if right else f"{row.similarity} ({row.rule})", row.cmc, not right)


def _views(sheets: Sequence[RankingSheet]) -> list[tuple[str, str]]:
    """Which pictures can be chosen, and their names; none where all are plain."""
    pictures = [sheet.picture for sheet in sheets] + [one.picture for sheet in sheets for one in sheet.found]
    views = [("plain", "pictures")]
    if any(picture.parts is not None for picture in pictures):
        views.append(("parts", "body parts"))
    if any(picture.attention is not None for picture in pictures):
        views.append(("attention", "attention"))
    return views if len(views) > 1 else []
