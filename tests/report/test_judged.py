"""A run against the truth: what is counted, and what its page shows of it."""

from __future__ import annotations

import re
from dataclasses import astuple
from pathlib import Path

import numpy as np
import pytest

from keyreid_stream.errors import InputError
from keyreid_stream.report.confusion import MOST_IDENTITIES, Confusion, confusion_figure, confusion_of
from keyreid_stream.report.judged import JudgedRun, judge_run
from keyreid_stream.report.judged_page import judged_page
from keyreid_stream.report.time_lines import Stretch, said_stretches, time_lines
from tests.report.judged_runs import write_run
from tests.report.pages import Page


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> JudgedRun:
    return judge_run(*write_run(tmp_path_factory.mktemp("judged")))


def test_scores_and_clock(judged: JudgedRun) -> None:
    """Right in the end: 13 boxes of 7, all 20 of 8. In the yard, 8 is named 5 for the first five frames."""
    assert dict(judged.clock.identity_of) == {7: 1, 8: 2}
    assert judged.clock.right_boxes == 33
    assert judged.scores.together.idf1 == pytest.approx(2 * 33 / (40 + 39))
    at_first, after_1_s, *_, at_the_end = judged.clock.marks
    # 8 is named at once at the door; 7 is not yet; 8 is called 5 in the yard.
    assert astuple(at_first) == (0.0, 3, 1, 1, 3)
    # Only 7 at the door stays for longer than a second after its first box: then, frame 13, it is called 2.
    assert astuple(after_1_s) == (1.0, 1, 0, 0, 0)
    assert astuple(at_the_end) == (None, 3, 3, 0, 3)


def test_confusion_counts_frames(judged: JudgedRun) -> None:
    table = confusion_of(judged)
    assert (table.people, table.identities) == ((7, 8), (1, 2, 3))
    assert dict(table.frames) == {(7, 1): 13, (7, 2): 5, (8, 2): 20}
    assert (dict(table.there), dict(table.missed)) == ({7: 20, 8: 20}, {7: 2, 8: 0})
    assert dict(table.on_nobody) == {3: 1}
    figure = confusion_figure(table)
    assert {(cell["title"], cell["kind"]) for cell in figure["cells"]} == {
        ("person 7 as P1: 13 of 20 frames", "right"),
        ("person 7 as P2: 5 of 20 frames", "wrong"),
        ("person 8 as P2: 20 of 20 frames", "right"),
        ("person 7 not found: 2 of 20 frames", "missed"),
        ("P3 on nobody: 1 boxes", "missed"),
    }
    assert {cell["share"] for cell in figure["cells"] if cell["kind"] == "right"} == {0.65, 1.0}
    assert (figure["more_people"], figure["more_identities"]) == (0, 0)


def test_a_large_confusion_shows_who_was_there_most() -> None:
    count = 90
    people = tuple(range(1, count + 1))
    table = Confusion(
        people=people,
        identities=people,
        frames={(one, one): one for one in people},
        there={one: one for one in people},
        missed=dict.fromkeys(people, 0),
        on_nobody={},
        identity_of={one: one for one in people},
    )
    figure = confusion_figure(table)
    assert figure["rows"][0]["text"] == "51"
    assert (figure["more_people"], figure["more_identities"]) == (50, 90 - MOST_IDENTITIES)


def test_stretches_of_one_identity() -> None:
    frames = np.array([1, 2, 3, 3, 4, 8, 20])
    said = np.array([5, 5, 6, 5, 6, 6, 6])
    # In frame 3 the right one, 5, goes first; frames 4 to 8 miss less than the gap, 8 to 20 more.
    assert said_stretches(frames, said, 5, 10) == [Stretch(5, 1, 3), Stretch(6, 4, 8), Stretch(6, 20, 20)]
    assert said_stretches(frames[:0], said[:0], None, 10) == []
    # A name goes before none.
    assert said_stretches(np.array([1, 1]), np.array([0, 9]), 5, 10) == [Stretch(9, 1, 1)]


def test_time_lines_are_to_scale(judged: JudgedRun) -> None:
    lines = time_lines(judged)
    door, yard = lines["cameras"]
    assert [lane["person"] for lane in door["lanes"]] == [7, 8]
    seven = door["lanes"][0]
    scale = 1000 / 4  # the last frame of all, 40, ends at 4 s
    assert seven["visits"] == [{"x": 0.0, "width": 2 * scale}]
    assert [(bar["who"], bar["is_right"], bar["x"], bar["width"]) for bar in seven["revised"]] == [
        ("P1", True, 0.2 * scale, 0.8 * scale),
        ("P2", False, 1.0 * scale, 0.5 * scale),
        ("P1", True, 1.5 * scale, 0.5 * scale),
    ]
    assert [(bar["who"], bar["x"]) for bar in seven["online"]] == [
        ("nobody yet", 0.2 * scale),
        ("P1", 0.4 * scale),
        ("P2", 1.0 * scale),
        ("P1", 1.5 * scale),
    ]
    assert [bar["who"] for bar in yard["lanes"][0]["online"]] == ["P5", "P2"]


def test_the_page_holds_everything_and_loads_nothing(judged: JudgedRun) -> None:
    html = judged_page(judged, "keyreid eval clock --run <run>")
    page = Page(html)
    assert all(address.startswith("data:") for address in page.addresses)
    assert not re.search(r"<script|@import|url\(|https?://", html)
    assert "<people>" not in html
    assert "<b>" not in html
    assert "Drawn <people>." in page.said("p")
    assert "keyreid eval clock --run <run>" in page.said("code")
    assert {"door", "yard"} <= set(page.said("h3"))
    assert {"person 7", "person 8", "P1", "P2", "missed", "nobody", "13", "20"} <= set(page.said("text"))
    assert {"in the first frame", "after 1 s", "at the end of the visit", "Reading every camera's pictures"} <= set(
        page.said("th")
    )
    assert "33.3" in page.said("td")  # one of three visits at first
    assert len(page.ids) == len(set(page.ids))


def test_a_camera_without_anybody_has_no_lanes(tmp_path: Path) -> None:
    run, truth = write_run(tmp_path)
    (truth / "yard" / "gt" / "gt.txt").write_text("")
    lines = time_lines(judge_run(run, truth))
    assert [camera["name"] for camera in lines["cameras"]] == ["door"]
    Page(judged_page(judge_run(run, truth)))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda run, truth: (run / "run.json").unlink(), "cannot be read"),
        (lambda run, truth: (run / "run.json").write_text("{}"), r"damaged or not keyreid\.run/1"),
        (lambda run, truth: (run / "run.json").write_text("no"), r"damaged or not keyreid\.run/1"),
        (lambda run, truth: (run / "events.jsonl").unlink(), r"events\.jsonl cannot be opened"),
        (lambda run, truth: (truth / "door" / "gt" / "gt.txt").unlink(), r"holds no gt/gt\.txt"),
        (lambda run, truth: write_run(run.parent, "failed"), "is 'failed'; give one that is finished"),
        (lambda run, truth: (truth / "hall.txt").write_text("1,1,1,1,9,9,1,1,1\n"), "the truth of hall, which the run"),
    ],
)
def test_what_cannot_be_judged(change: object, told: str, tmp_path: Path) -> None:
    run, truth = write_run(tmp_path)
    assert callable(change)
    change(run, truth)
    with pytest.raises(InputError, match=told):
        judge_run(run, truth)


def test_an_interrupted_run_is_judged_as_far_as_it_came(tmp_path: Path) -> None:
    page = Page(judged_page(judge_run(*write_run(tmp_path, "interrupted"))))
    assert "This run was interrupted." in page.said("strong")
