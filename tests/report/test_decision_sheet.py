"""The sheet as its reader's browser takes it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from keyreid_stream.association.decision_log import DecisionLog
from keyreid_stream.association.decisions import LogOdds
from keyreid_stream.errors import InputError
from keyreid_stream.report.decision_sheet import BAR_ENDS, MOST_DECISIONS, _bars, render_sheet, write_sheet
from keyreid_stream.report.explanation import Explanation, explanation
from keyreid_stream.structures import Tick
from tests.report.explained import MATCHED, NEW, candidate, write_run
from tests.report.pages import Page


def page_of(*decisions: object) -> Page:
    explained = Explanation(Path("runs/today"), 1, frozenset(), None, decisions)  # type: ignore[arg-type]
    return Page(render_sheet(explained))


def test_every_decision_candidate_part_term_and_veto_is_there(tmp_path: Path) -> None:
    page = Page(render_sheet(explanation(write_run(tmp_path), 1)))
    chips = [text for text in page.said("span") if text in {"P1", "P2", "P3", "P4", "P5"}]
    assert chips == ["P1", "P1", "P1", "P2", "P3", "P4", "P1", "P1", "P4", "P1", "P5", "P1"]
    assert page.said("h1") == ["Why P1?"]
    assert "with P4, merged into P1" in " ".join(page.said("p"))
    assert {"looks +4.0", "places on the floor +2.2", "0.5 m apart in 1 common sighting"} <= set(page.said("span"))
    assert "ruled out: this camera sees them now, beside it; nobody walks so fast" in page.said("span")
    assert {"hidden", "0.90"} <= set(page.said("b"))
    assert "Compared with 5 views, the most similar" in page.said("summary")
    assert any("threshold 0.62 for 4 people to choose from" in text for text in page.said("p"))


def test_the_sheet_loads_nothing_and_shows_the_crops_that_were_kept(tmp_path: Path) -> None:
    html = render_sheet(explanation(write_run(tmp_path, crops=True), 1))
    page = Page(html)
    pictures = [address for address in page.addresses if address.startswith("data:image/jpeg")]
    assert len(pictures) > len(set(pictures)) >= 3
    assert all(address.startswith("data:") for address in page.addresses)
    assert "default-src 'none'" in html
    assert "script" not in html
    assert not any("No crops were kept" in text for text in page.said("p"))


def test_without_crops_it_says_so_and_every_place_of_one_is_marked(tmp_path: Path) -> None:
    page = Page(render_sheet(explanation(write_run(tmp_path), 1)))
    assert any("No crops were kept" in text for text in page.said("p"))
    assert set(page.addresses) == {"data:,"}
    assert page.said("div").count("no crop") == 5 + 6  # decisions and candidates


def test_a_damaged_crop_is_as_good_as_none(tmp_path: Path) -> None:
    write_run(tmp_path, crops=True)
    for path in tmp_path.glob("crops/*/*.jpg"):
        path.write_bytes(b"not a picture")
    assert set(Page(render_sheet(explanation(tmp_path, 1))).addresses) == {"data:,"}


def test_what_users_named_is_text_and_never_markup() -> None:
    name = "<script>alert('x')</script>\"><img src=x>"
    view = dataclasses.replace(MATCHED.candidates[0].views[0], camera_id=name)
    part = dataclasses.replace(MATCHED.candidates[0].parts[0], name=name)
    evil = dataclasses.replace(MATCHED, camera_id=name, candidates=(candidate(1, 1.0, views=(view,), parts=(part,)),))
    page = page_of(evil)
    assert set(page.addresses) == {"data:,"}
    assert sum(name in text for text in page.said()) >= 3


def bars(log_odds: LogOdds) -> list[tuple[str, float, float]]:
    return [(bar["name"], bar["left"], bar["width"]) for bar in _bars(log_odds)]


def test_bars_of_terms_lie_end_to_end_on_either_side_and_within_the_picture() -> None:
    assert bars(LogOdds(appearance=4.0, continuity=2.0, travel=-1.0, places=-3.0)) == [
        ("appearance", 0.0, 4.0),
        ("continuity", 4.0, 2.0),
        ("travel", -1.0, 1.0),
        ("places", -4.0, 3.0),
    ]
    assert bars(LogOdds(appearance=-8.0, places=-10.0)) == [("appearance", -8.0, 8.0), ("places", -BAR_ENDS, 8.0)]


def test_of_very_many_decisions_the_first_are_shown_and_the_sheet_says_so() -> None:
    page = page_of(*[dataclasses.replace(NEW, timestamp_s=float(number)) for number in range(MOST_DECISIONS + 3)])
    assert page.said("h3", "span").count("new") == MOST_DECISIONS
    assert any(f"The first {MOST_DECISIONS} of {MOST_DECISIONS + 3} decisions" in text for text in page.said("p"))


def test_the_file_is_written_whole_and_a_bad_place_is_refused(tmp_path: Path) -> None:
    explained = explanation(write_run(tmp_path / "run"), 1)
    path = write_sheet(explained, tmp_path / "sheets" / "p1.html")
    assert [one.name for one in path.parent.iterdir()] == ["p1.html"]
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="choose another --out"):
        write_sheet(explained, tmp_path / "file" / "p1.html")


def test_a_log_that_is_still_being_written_is_explained_as_far_as_it_goes(tmp_path: Path) -> None:
    write_run(tmp_path)
    with DecisionLog(tmp_path / "decisions.jsonl") as log:
        log.note(NEW)
        log.write(Tick(0, 0.0, (), ()))
        assert explanation(tmp_path, 1).decisions == (NEW,)
