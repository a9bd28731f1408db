from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from keyreid_stream.errors import InputError
from keyreid_stream.evaluation import score_cameras
from keyreid_stream.evaluation.scores_comparison import (
    SHARES,
    compare_runs,
    is_scored_run,
    read_scored_run,
    scores_comparison_text,
)
from keyreid_stream.evaluation.scores_file import scores_text
from tests.evaluation.scenes import results_of, track, truth_of


def scored(folder: Path, name: str, found: dict[str, range], **options: Any) -> Path:
    """Someone who stands in several cameras for ten frames each, found in some; nobody in the hall."""
    cameras = ("door", "yard", "roof")
    truth = truth_of({**{camera: track(7, range(1, 11)) for camera in cameras}, "hall": []})
    results = results_of({camera: track(1, frames) for camera, frames in found.items()})
    path = folder / f"{name}.json"
    given: dict[str, Any] = {"min_visibility": 0.1, **options}
    path.write_text(scores_text(score_cameras(truth, results), results=Path(name), truth=Path("mot"), **given))
    return path


WHOLE = {"door": range(1, 11), "yard": range(1, 11), "roof": range(1, 11)}
HALF = {"door": range(1, 6), "yard": range(1, 6), "roof": range(1, 6)}
MIXED = {"door": range(1, 11), "yard": range(1, 6), "roof": range(0)}


def test_a_difference_that_every_camera_shows_has_no_spread(tmp_path: Path) -> None:
    """Half of all frames found: DetA 1/2, IDF1 2/3, MOTA 1/2 in each camera; the empty hall is in no mean."""
    runs = [read_scored_run(scored(tmp_path, *one)) for one in (("half", HALF), ("whole", WHOLE))]
    first, second = compare_runs(runs)
    assert first.differences == {}
    assert first.means["deta"] == pytest.approx(0.5)
    assert second.means == {share: pytest.approx(1) for share in SHARES}
    expected = {"deta": 1 / 2, "idf1": 1 / 3, "mota": 1 / 2}
    for share, value in expected.items():
        one = second.differences[share]
        assert (one.difference, one.low, one.high) == (pytest.approx(value),) * 3


def test_cameras_are_drawn_in_pairs(tmp_path: Path) -> None:
    """Recalls of 1, 1/2 and 0 against 1: every resample's mean lies between the extremes, and all are drawn."""
    runs = [read_scored_run(scored(tmp_path, *one)) for one in (("whole", WHOLE), ("mixed", MIXED))]
    one = compare_runs(runs, seed=2)[1].differences["mota"]
    assert one.difference == pytest.approx(-0.5)
    assert (one.low, one.high) == (pytest.approx(-1), pytest.approx(0))
    draws = np.random.default_rng(2).integers(0, 3, (100, 3))
    few = compare_runs(runs, resamples=100, seed=2)[1].differences["mota"]
    means = np.array([0, -0.5, -1])[draws].mean(axis=1)
    assert (few.low, few.high) == pytest.approx(tuple(np.quantile(means, [0.025, 0.975])))
    assert compare_runs(runs, seed=2)[1] == compare_runs(runs, seed=2)[1]


def test_one_camera_has_no_interval(tmp_path: Path) -> None:
    runs = [read_scored_run(scored(tmp_path, *one)) for one in (("whole", WHOLE), ("half", HALF))]
    for run in runs:
        for name in ("yard", "roof"):
            run.content["cameras"][name]["truth_boxes"] = 0
    compared = compare_runs(runs)
    assert math.isnan(compared[1].differences["idf1"].low)
    written = json.loads(scores_comparison_text(compared, runs, seed=0))
    assert written["runs"][1]["differences"]["idf1"] == {"difference": pytest.approx(-1 / 3), "low": None, "high": None}
    assert written["cameras"] == ["door"]


def test_a_file_for_machines(tmp_path: Path) -> None:
    run = {"model": {"name": "tiny", "sha256": "ab"}}
    paths = [
        scored(tmp_path, "half", HALF, command="keyreid eval track", run=run),
        scored(tmp_path, "whole", WHOLE),
    ]
    runs = [read_scored_run(path) for path in paths]
    content = json.loads(scores_comparison_text(compare_runs(runs, seed=5), runs, seed=5))
    assert content["schema"] == "keyreid.scores-comparison/1"
    assert (content["seed"], content["min_visibility"], content["benchmark"]) == (5, 0.1, None)
    first, second = content["runs"]
    assert (first["file"], first["command"], first["run"]) == (str(paths[0]), "keyreid eval track", run)
    assert first["differences"] == {}
    assert second["together"]["idf1"] == 1
    assert second["differences"]["idf1"]["low"] == pytest.approx(1 / 3)


def test_what_is_not_the_same_truth_is_refused(tmp_path: Path) -> None:
    first = read_scored_run(scored(tmp_path, "a", WHOLE))
    other = read_scored_run(scored(tmp_path, "b", WHOLE, min_visibility=0.5))
    with pytest.raises(InputError, match=r"has min_visibility 0\.1 and .* has 0\.5: such scores are not comparable"):
        compare_runs([first, other])
    other = read_scored_run(scored(tmp_path, "c", WHOLE))
    other.content["cameras"]["door"]["truth_boxes"] = 11
    with pytest.raises(InputError, match=r"c\.json was scored against other truth than .*a\.json"):
        compare_runs([first, other])
    other = read_scored_run(scored(tmp_path, "d", WHOLE))
    del other.content["cameras"]["hall"]
    with pytest.raises(InputError, match="or other cameras"):
        compare_runs([first, other])
    with pytest.raises(InputError, match="at least two runs"):
        compare_runs([first])


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda content: content.update(schema="keyreid.reid/1"), "is no --json file of keyreid eval track"),
        (lambda content: content.pop("together"), "is damaged"),
        (lambda content: content["cameras"]["door"].pop("hota"), "is damaged"),
        (lambda content: content["cameras"]["door"].update(hota=math.nan), "shares that are none"),
        (lambda content: content["together"].update(idf1=1.5), "shares that are none"),
        (lambda content: content.update(cameras={}), "no camera"),
        (lambda content: content.update(cameras=[]), "is damaged"),
    ],
)
def test_damaged_files_are_refused(change: Any, told: str, tmp_path: Path) -> None:
    path = scored(tmp_path, "a", WHOLE)
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))
    with pytest.raises(InputError, match=told):
        read_scored_run(path)


def test_what_holds_scores(tmp_path: Path) -> None:
    assert is_scored_run(scored(tmp_path, "a", WHOLE))
    assert not is_scored_run(tmp_path / "nowhere.json")
    for text in ("[]", "{", "{}"):
        (tmp_path / "b.json").write_text(text)
        assert not is_scored_run(tmp_path / "b.json")
