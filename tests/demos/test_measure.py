"""Figures of a run as the page shows them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from keyreid_demos.open_run import OpenRun
from keyreid_demos.tab_measure import measured
from keyreid_stream.errors import InputError
from tests.demos.runs import make_run
from tests.demos.test_people_page import EVIL, Tags


def run_with(folder: Path, **facts: Any) -> OpenRun:
    make_run(folder)
    report = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps(report | facts))
    return OpenRun(folder)


def test_scores_are_percent_by_camera_and_together(tmp_path: Path) -> None:
    run = run_with(tmp_path / "run")
    scores = {"cameras": {EVIL: {"idf1": 0.5, "hota": 0.25, "mota": 1.0}}, "together": {"idf1": 0.123, "hota": None}}
    (run.folder / "scores.json").write_text(json.dumps(scores))
    tags = Tags(measured(run))
    assert not tags.of("script")
    for figure in ("50.0", "25.0", "100.0", "12.3"):
        assert figure in tags.text


def test_stages_add_up_to_the_whole(tmp_path: Path) -> None:
    run = run_with(
        tmp_path / "run",
        wall_s=10.0,
        counts={"frames": 100, "identities": 2},
        stages={"pose": {"total_s": 6.0}, "tracker": {"total_s": 1.0}},
        notice=EVIL,
    )
    text = Tags(measured(run)).text
    assert "Finding people and their keypoints" in text
    assert "60.0" in text  # milliseconds a frame
    assert "3.0" in text  # everything else
    assert "Nobody knows the truth" in text


def test_a_run_that_told_nothing_is_shown_all_the_same_and_damaged_scores_are_told(tmp_path: Path) -> None:
    run = run_with(tmp_path / "run")
    assert "told no times" in measured(run)
    (run.folder / "scores.json").write_text("{}")
    with pytest.raises(InputError, match=r"scores\.json is damaged"):
        measured(run)
