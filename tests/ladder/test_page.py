"""The ladder's page as its reader's browser takes it."""

from __future__ import annotations

import re

import pytest

from keyreid_stream.ladder import RUNGS, LadderRecord
from keyreid_stream.ladder.clock_file import ClockRecord, MarkRecord
from keyreid_stream.ladder.page import ladder_page
from keyreid_stream.ladder.record import FiguresRecord, Inputs, RungRecord, losses_of
from tests.report.pages import Page

HOSTILE = "world://<script>alert(1)</script>"


def figures(share: float, idsw: int) -> FiguresRecord:
    both = dict.fromkeys(("hota", "deta", "assa", "idf1", "mota"), share) | {"idsw": float(idsw)}
    return FiguresRecord(mean=both, together=both)


@pytest.fixture
def record() -> LadderRecord:
    clock = ClockRecord(
        visits=9,
        never_found=1,
        marks=(
            MarkRecord(after_s=0.0, visits=8, online=1, undecided=7, revised=6),
            MarkRecord(after_s=30.0, visits=0, online=0, undecided=0, revised=0),
            MarkRecord(after_s=None, visits=8, online=5, undecided=0, revised=6),
        ),
    )
    rungs = tuple(
        RungRecord(
            name=rung.name, oracle=rung.oracle, wall_s=12.4, frames={"a": 10, "b": 5}, figures=reached, clock=clock
        )
        for rung, reached in zip(
            RUNGS, (figures(0.5, 9), figures(0.75, 3), figures(0.7, 3), figures(0.95, 0)), strict=True
        )
    )
    return LadderRecord(
        status="finished",
        inputs=Inputs(sources=(HOSTILE,), truth=None, min_visibility=0.1, seed=4, digest="ab" * 32),
        command=f"keyreid eval ladder '{HOSTILE}'",
        model={"name": "tiny", "sha256": "cd" * 32},
        pose_weights={"path": "x.pt", "sha256": "ef" * 32},
        settings={"tracking": {"tracker": "botsort"}},
        versions={"torch": "2.15"},
        rungs=rungs,
        losses=losses_of(rungs, [rung.stage for rung in RUNGS[1:]]),
    )


def test_every_rung_and_loss_is_there(record: LadderRecord) -> None:
    page = Page(ladder_page(record))
    rows = page.said("th")
    assert page.said("a") == [rung.words for rung in RUNGS]
    assert page.links == [f"{rung.name}/report.html" for rung in RUNGS]
    assert {"lost by the detector", "lost by the tracker", "lost by the association"} <= set(rows)
    cells = page.said("td")
    assert {"50.0", "95.0", "+25.0", "−5.0", "+6", "12.5 (8)", "-"} <= set(cells)
    for text in ("15 frames of 2 cameras", "keyreid eval ladder", "abababababab", "cdcdcdcdcdcd", "botsort", "10 %"):
        assert text in " ".join(page.said()), text


def test_bars_fill_the_whole(record: LadderRecord) -> None:
    """50 reached, 25 and 25 lost, 5 missing to the whole; what the tracker loses is negative and takes no room."""
    html = ladder_page(record)
    for name in ("IDF1", "HOTA"):
        (bar,) = re.findall(rf'aria-label="{name}">(.*?)</svg>', html, re.DOTALL)
        widths = {kind: float(width) for kind, width in re.findall(r'rect class="(\w+)".*?width="([\d.]+)"', bar)}
        assert list(widths) == ["reached", "detector", "tracker", "association", "rest"]
        assert sum(widths.values()) == pytest.approx(1000, abs=0.5)
        assert widths["tracker"] == 0
        assert widths["reached"] / widths["detector"] == pytest.approx(2, abs=0.01)


def test_what_users_typed_is_text_and_nothing_is_loaded(record: LadderRecord) -> None:
    html = ladder_page(record)
    assert "<script" not in html
    assert not re.search(r"@import|url\(|https?://", html)
    assert all(address.startswith("data:") for address in Page(html).addresses)
    assert f"keyreid eval ladder '{HOSTILE}'" in Page(html).said("code")
