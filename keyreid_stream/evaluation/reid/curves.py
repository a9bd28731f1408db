"""CMC curves as a plot of a page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

SHOWN_RANKS = 20

WIDTH, HEIGHT = 560, 260
"""Of the curves' plane, in SVG units."""

COLOURS = ("#2563eb", "#d97706", "#059669", "#9333ea", "#dc2626", "#0891b2")


@dataclass(frozen=True, slots=True)
class Curve:
    """One line of the plot; `points` are SVG's."""

    name: str
    colour: str
    dashed: bool
    points: str


@dataclass(frozen=True, slots=True)
class CurvePlot:
    """All of it.

    Attributes:
        curves: in order.
        lines: places and labels of the share axis, in percent.
        ticks: the same of the rank axis.
        width, height: of the plane.
    """

    curves: tuple[Curve, ...]
    lines: tuple[tuple[float, str], ...]
    ticks: tuple[tuple[float, int], ...]
    width: int = WIDTH
    height: int = HEIGHT


def cmc_plot(cmcs: Sequence[tuple[str, Sequence[float], bool]]) -> CurvePlot:
    """Plot curves.

    Args:
        cmcs: of each its name, shares of queries with a right entry among the first 1, 2, …, and whether it is dashed.
    """
    # The share axis begins at a multiple of a tenth below every curve.
    least = int(10 * min(cmc[0] for _, cmc, _ in cmcs)) / 10
    shares = [step / 10 for step in range(round(10 * least), 11)]
    return CurvePlot(
        curves=tuple(
            Curve(name, COLOURS[place % len(COLOURS)], dashed, _points(cmc, least))
            for place, (name, cmc, dashed) in enumerate(cmcs)
        ),
        lines=tuple((_y(share, least), f"{100 * share:g}") for share in shares),
        ticks=tuple((_x(rank), rank) for rank in (1, 5, 10, 15, SHOWN_RANKS)),
    )


def _points(cmc: Sequence[float], least: float) -> str:
    return " ".join(f"{_x(rank)},{_y(share, least)}" for rank, share in enumerate(cmc[:SHOWN_RANKS], start=1))


def _x(rank: int) -> float:
    return round((rank - 1) / (SHOWN_RANKS - 1) * WIDTH, 1)


def _y(share: float, least: float) -> float:
    return round((1 - (share - least) / max(1 - least, 0.1)) * HEIGHT, 1)
