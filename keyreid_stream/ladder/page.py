"""A whole ladder as one page that loads nothing."""

from __future__ import annotations

from typing import Any

from keyreid_stream.ladder.record import FiguresRecord, LadderRecord
from keyreid_stream.ladder.rungs import COUNTS, RUNGS, SHARES
from keyreid_stream.report.environment import rendered
from keyreid_stream.report.judged_page import JUDGED_PAGE
from keyreid_stream.report.sections import percent

_ACROSS = ("hota", "deta", "assa", "idf1")
_BAR_WIDTH = 1000.0


def ladder_page(record: LadderRecord) -> str:
    """The page's HTML; rungs link to the pages of their runs, in their folders beside it."""
    words = {rung.name: rung.words for rung in RUNGS}
    return rendered(
        "ladder.html",
        {
            "record": record,
            "rungs": [
                {
                    "words": words[rung.name],
                    "link": f"{rung.name}/{JUDGED_PAGE}",
                    "cells": _cells(rung.figures, signed=False),
                    "wall_s": f"{rung.wall_s:.0f}",
                }
                for rung in record.rungs
            ],
            "losses": [
                {"stage": stage, "cells": _cells(figures, signed=True)} for stage, figures in record.losses.items()
            ],
            "bars": [_bar(record, name, title) for name, title in (("idf1", "IDF1"), ("hota", "HOTA"))],
            "clocks": [
                {"words": words[rung.name], "marks": rung.clock.marks, "clock": rung.clock} for rung in record.rungs
            ],
            "frames": sum(record.rungs[0].frames.values()) if record.rungs else 0,
            "cameras": list(record.rungs[0].frames) if record.rungs else [],
        },
    )


def _cells(figures: FiguresRecord, *, signed: bool) -> list[str]:
    def share(value: float) -> str:
        return _signed(100 * value, 1) if signed else percent(value)

    def count(value: float) -> str:
        return _signed(value, 0) if signed else f"{value:.0f}"

    return [
        *(share(figures.mean[name]) for name in SHARES),
        *(count(figures.mean[name]) for name in COUNTS),
        *(share(figures.together[name]) for name in _ACROSS),
    ]


def _signed(value: float, decimals: int) -> str:
    """Rounded, with a real minus; zero has none."""
    return f"{round(value, decimals) + 0.0:+.{decimals}f}".replace("-", "−")


def _bar(record: LadderRecord, name: str, title: str) -> dict[str, Any]:
    """A figure across all cameras as one bar of 100 %: what the run reaches, and who loses the rest.

    Stages that gain by losing (a negative loss) take no room; the page's table has their numbers.
    """
    reached = [rung.figures.together[name] for rung in record.rungs]
    pieces: list[dict[str, Any]] = [{"kind": "reached", "words": "reached", "share": reached[0]}] if reached else []
    pieces += [
        {"kind": stage, "words": f"lost by the {stage}", "share": figures.together[name]}
        for stage, figures in record.losses.items()
    ]
    top = max(reached, default=0.0)
    pieces.append({"kind": "rest", "words": "not reached with the truth either", "share": 1 - top})
    figures, x = [], 0.0
    whole = sum(max(0.0, piece["share"]) for piece in pieces) or 1.0
    for piece in pieces:
        width = _BAR_WIDTH * max(0.0, piece["share"]) / whole
        figures.append({**piece, "x": round(x, 1), "width": round(width, 1), "text": percent(piece["share"])})
        x += width
    return {"title": title, "pieces": figures}
