"""Cases worked by hand, what must not matter, and files that cannot be scored."""

from __future__ import annotations

import os
from dataclasses import astuple
from math import sqrt
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keyreid_stream.errors import InputError
from keyreid_stream.evaluation import ResultBoxes, RunScores, TruthBoxes, score_cameras, score_run
from keyreid_stream.evaluation.trackeval_metrics import MOST_IDS
from tests.evaluation.scenes import (
    HERE,
    THERE,
    Row,
    badly_tracked,
    columns,
    results_of,
    track,
    truth_of,
    wanderers,
    write_results,
    write_truth,
)


def score(truth: dict[str, list[Row]], results: dict[str, list[Row]]) -> RunScores:
    return score_cameras(truth_of(truth), results_of(results))


def assert_same(one: RunScores, other: RunScores) -> None:
    assert one.cameras.keys() == other.cameras.keys()
    for name in one.cameras:
        assert astuple(one.cameras[name]) == pytest.approx(astuple(other.cameras[name]), abs=1e-12)
    assert astuple(one.together) == pytest.approx(astuple(other.together), abs=1e-12)


def test_perfect_tracks() -> None:
    truth = {"a": track(1, range(1, 11), HERE) + track(2, range(3, 9), THERE)}
    scores = score(truth, {"a": track(71, range(1, 11), HERE) + track(5, range(3, 9), THERE)})
    alone = scores.cameras["a"]
    assert astuple(alone) == (1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 16, 16, 16, 2, 2)
    assert scores.together == alone


def test_two_people_swap_their_ids_halfway() -> None:
    """Each pair of ids shares 5 boxes of 15; the best mapping keeps half of the boxes; two switches."""
    truth = {"a": track(1, range(1, 11), HERE) + track(2, range(1, 11), THERE)}
    early = track(1, range(1, 6), HERE) + track(2, range(1, 6), THERE)
    late = track(2, range(6, 11), HERE) + track(1, range(6, 11), THERE)
    scores = score(truth, {"a": early + late}).cameras["a"]
    assert scores.deta == scores.loca == 1
    assert scores.assa == pytest.approx(1 / 3)
    assert scores.hota == pytest.approx(sqrt(1 / 3))
    assert (scores.idf1, scores.idp, scores.idr) == (0.5, 0.5, 0.5)
    assert scores.idsw == 2
    assert scores.mota == pytest.approx(1 - 2 / 20)


def test_half_is_missed() -> None:
    scores = score({"a": track(1, range(1, 11))}, {"a": track(1, range(1, 6))}).cameras["a"]
    assert (scores.tp, scores.fn, scores.fp) == (5, 5, 0)
    assert (scores.hota, scores.deta, scores.assa) == (0.5, 0.5, 0.5)
    assert (scores.idp, scores.idr, scores.mota) == (1, 0.5, 0.5)
    assert scores.idf1 == pytest.approx(2 / 3)


def test_overlap_of_two_thirds() -> None:
    """20 wide, 4 beside the mark: 16 of 24 shared. It is a match at 13 of 19 thresholds; LocA is 1 where none is."""
    beside = (HERE[0] + 4, HERE[1], HERE[2] + 4, HERE[3])
    scores = score({"a": track(1, range(1, 4))}, {"a": track(1, range(1, 4), beside)}).cameras["a"]
    assert scores.deta == scores.assa == scores.hota == pytest.approx(13 / 19)
    assert scores.loca == pytest.approx((13 * 2 / 3 + 6) / 19)
    assert scores.idf1 == scores.mota == 1


def test_overlap_of_less_than_half_is_an_error_twice() -> None:
    beside = (HERE[0] + 8, HERE[1], HERE[2] + 8, HERE[3])
    scores = score({"a": track(1, range(1, 4))}, {"a": track(1, range(1, 4), beside)}).cameras["a"]
    assert (scores.tp, scores.fp, scores.fn, scores.mota, scores.idf1) == (0, 3, 3, -1, 0)


def test_someone_who_is_two_people_in_two_cameras() -> None:
    """Each camera is perfect; together half of the person's 20 boxes have the right identity."""
    truth = {"a": track(1, range(1, 11)), "b": track(1, range(1, 11))}
    scores = score(truth, {"a": track(1, range(1, 11)), "b": track(2, range(1, 11))})
    for name in "ab":
        assert scores.cameras[name].hota == scores.cameras[name].idf1 == 1
    assert scores.together.deta == scores.together.mota == 1
    assert scores.together.assa == 0.5
    assert scores.together.hota == pytest.approx(sqrt(0.5))
    assert scores.together.idf1 == 0.5
    assert (scores.together.truth_ids, scores.together.result_ids) == (1, 2)
    assert scores.together.idsw == 0


def test_two_people_who_are_one_in_two_cameras() -> None:
    truth = {"a": track(1, range(1, 11)), "b": track(2, range(1, 31))}
    scores = score(truth, {"a": track(1, range(1, 11)), "b": track(1, range(1, 31))})
    assert scores.cameras["a"].hota == scores.cameras["b"].hota == 1
    # The id is person 2 in 30 of its 40 boxes; 10 boxes have AssA 10 / 40, 30 have 30 / 40.
    assert scores.together.idf1 == pytest.approx(0.75)
    assert scores.together.assa == pytest.approx((10 * 0.25 + 30 * 0.75) / 40)


def test_cameras_number_their_frames_each_for_itself() -> None:
    """The same frame numbers of two cameras are two pictures: nothing there is matched across."""
    truth = {"a": track(1, range(1, 11), HERE), "b": track(2, range(1, 11), THERE)}
    scores = score(truth, {"a": track(2, range(1, 11), THERE), "b": track(1, range(1, 11), HERE)})
    assert scores.together.tp == 0
    assert scores.together.fp == scores.together.fn == 20


def test_a_camera_without_results_has_found_nobody() -> None:
    truth = {"a": track(1, range(1, 11)), "b": track(1, range(1, 11))}
    scores = score(truth, {"a": track(1, range(1, 11))})
    lost = scores.cameras["b"]
    assert (lost.hota, lost.deta, lost.assa, lost.idf1, lost.mota, lost.fn, lost.tp) == (0, 0, 0, 0, 0, 10, 0)
    assert scores.together.idr == 0.5


def test_empty_results_are_no_success() -> None:
    scores = score({"a": track(1, range(1, 11))}, {"a": []})
    assert (scores.together.hota, scores.together.idf1, scores.together.mota, scores.together.fn) == (0, 0, 0, 10)


def test_a_camera_in_which_there_is_nobody() -> None:
    scores = score({"a": [], "b": track(1, range(1, 5))}, {"a": track(3, range(1, 3)), "b": track(1, range(1, 5))})
    empty = scores.cameras["a"]
    assert (empty.hota, empty.idf1, empty.fp, empty.truth_boxes, empty.result_boxes) == (0, 0, 2, 0, 2)
    assert scores.together.fp == 2
    assert scores.together.mota == 0.5


def test_ignored_truth_is_neither_missed_nor_false() -> None:
    frames, ids, boxes = columns(track(1, range(1, 5), HERE) + track(2, range(1, 5), THERE))
    truth = {"a": TruthBoxes(frames, ids, boxes, counted=ids == 1, ignored=ids == 2)}
    missed = score_cameras(truth, results_of({"a": track(1, range(1, 5), HERE)})).together
    found = score_cameras(truth, results_of({"a": track(1, range(1, 5), HERE) + track(9, range(1, 5), THERE)})).together
    assert missed == found
    assert astuple(found) == (1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 4, 4, 4, 1, 1)


def test_a_result_beside_ignored_truth_is_false() -> None:
    frames, ids, boxes = columns(track(1, [1], HERE) + track(2, [1], THERE))
    truth = {"a": TruthBoxes(frames, ids, boxes, counted=ids == 1, ignored=ids == 2)}
    beside = (THERE[0] + 8, THERE[1], THERE[2] + 8, THERE[3])
    scores = score_cameras(truth, results_of({"a": track(1, [1], HERE) + track(9, [1], beside)})).together
    assert (scores.tp, scores.fp) == (1, 1)


def test_who_stands_before_an_ignored_one_is_still_found() -> None:
    """Of two truths on one spot the better fitting takes the result, so that ignoring costs nobody a match."""
    behind = (HERE[0] + 2, HERE[1], HERE[2] + 2, HERE[3])
    frames, ids, boxes = columns(track(1, [1], HERE) + track(2, [1], behind))
    truth = {"a": TruthBoxes(frames, ids, boxes, counted=ids == 1, ignored=ids == 2)}
    scores = score_cameras(truth, results_of({"a": track(1, [1], HERE)})).together
    assert (scores.tp, scores.fp, scores.fn) == (1, 0, 0)


def test_other_objects_must_not_be_found() -> None:
    frames, ids, boxes = columns(track(1, [1], HERE) + track(2, [1], THERE))
    nothing = np.zeros(2, np.bool_)
    truth = {"a": TruthBoxes(frames, ids, boxes, counted=ids == 1, ignored=nothing)}
    scores = score_cameras(truth, results_of({"a": track(1, [1], HERE) + track(9, [1], THERE)})).together
    assert (scores.tp, scores.fp, scores.truth_boxes) == (1, 1, 1)


def random_run(seed: int) -> tuple[dict[str, list[Row]], dict[str, list[Row]]]:
    rng = np.random.default_rng(seed)
    truth = {name: wanderers(rng) for name in ("a", "b", "c")}
    return truth, {name: badly_tracked(rng, rows) for name, rows in truth.items()}


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 10_000))
def test_names_and_orders_do_not_matter(seed: int) -> None:
    truth, results = random_run(seed)
    rng = np.random.default_rng(seed)
    renamed = dict(enumerate(rng.permutation(2000).tolist()))

    def disguised(cameras: dict[str, list[Row]]) -> dict[str, list[Row]]:
        """Other ids, rows and cameras in another order, frames counted from elsewhere."""
        return {
            name: [
                (rows[place][0] + 7, renamed[rows[place][1]], rows[place][2]) for place in rng.permutation(len(rows))
            ]
            for name, rows in reversed(cameras.items())
        }

    assert_same(score(truth, results), score(disguised(truth), disguised(results)))


def test_ties_are_not_decided_by_the_order_of_rows_or_ids() -> None:
    """A result halfway between two people; it depends on who gets it whether the other id in frame 2 is a switch."""
    left, middle, right = ((float(x), 0.0, x + 20.0, 50.0) for x in (0, 4, 8))
    results = {"a": [(1, 5, middle), (2, 6, right)]}
    switches = set()
    for one, other in ((1, 2), (2, 1)):
        rows = [(1, one, left), (1, other, right), (2, other, right)]
        switches |= {score({"a": rows}, results).together.idsw, score({"a": rows[::-1]}, results).together.idsw}
    assert len(switches) == 1


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 10_000))
def test_camera_names_do_not_matter_together(seed: int) -> None:
    """Also not for IDSW and MOTA, which depend on the order of frames."""
    truth, results = random_run(seed)
    names = {"a": "z", "b": "b", "c": "a"}
    one = score(truth, results).together
    other = score({names[k]: v for k, v in truth.items()}, {names[k]: v for k, v in results.items()}).together
    assert astuple(one) == pytest.approx(astuple(other), abs=1e-12)


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 10_000))
def test_scores_are_in_range_and_add_up(seed: int) -> None:
    truth, results = random_run(seed)
    scores = score(truth, results)
    for one in (*scores.cameras.values(), scores.together):
        shares = (one.hota, one.deta, one.assa, one.loca, one.idf1, one.idp, one.idr)
        assert all(0 <= share <= 1 for share in shares)
        assert one.mota <= 1
        assert one.tp + one.fn == one.truth_boxes
        assert one.tp + one.fp == one.result_boxes
        assert one.mota == pytest.approx(1 - (one.fn + one.fp + one.idsw) / one.truth_boxes)
        assert all(type(count) is int for count in astuple(one)[8:])
    for name in ("tp", "fp", "fn", "idsw", "truth_boxes", "result_boxes"):
        parts = [getattr(one, name) for one in scores.cameras.values()]
        assert getattr(scores.together, name) == sum(parts)


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 10_000))
def test_truth_scores_full_marks_against_itself(seed: int) -> None:
    rows = wanderers(np.random.default_rng(seed))
    scores = score({"a": rows, "b": rows}, {"a": rows, "b": rows})
    assert astuple(scores.together)[:8] == pytest.approx((1,) * 8)


def test_more_ids_than_can_be_compared() -> None:
    rows = [(1, id_, HERE) for id_ in range(MOST_IDS)]
    with pytest.raises(InputError, match=f"{MOST_IDS + 1} ids together"):
        score({"a": track(1, [1])}, {"a": rows})


def test_no_camera_and_unknown_cameras() -> None:
    with pytest.raises(InputError, match="no camera"):
        score_cameras({}, {})
    with pytest.raises(InputError, match="results of b, c but no truth"):
        score_cameras(truth_of({"a": []}), {"c": ResultBoxes.empty(), "b": ResultBoxes.empty()})


def test_nothing_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    score({"a": track(1, range(1, 5))}, {"a": track(1, range(1, 5))})
    assert capfd.readouterr() == ("", "")


def write_run(folder: Path, seed: int = 3) -> tuple[Path, Path]:
    truth, results = random_run(seed)
    for name, rows in truth.items():
        write_truth(folder / "mot" / name / "gt" / "gt.txt", rows)
        write_results(folder / "tracks" / f"{name}.txt", results[name])
    return folder / "tracks", folder / "mot"


def test_files_score_like_arrays(tmp_path: Path) -> None:
    assert_same(score_run(*write_run(tmp_path)), score(*random_run(3)))


def test_truth_in_plain_files(tmp_path: Path) -> None:
    results, truth = write_run(tmp_path)
    plain = tmp_path / "plain"
    plain.mkdir()
    for name in "abc":
        (truth / name / "gt" / "gt.txt").rename(plain / f"{name}.txt")
    assert_same(score_run(results, plain), score(*random_run(3)))


def test_a_run_against_itself_is_perfect(tmp_path: Path) -> None:
    """The rows of a run are truth, too: its three last columns are a place in the world that is not known."""
    results, _ = write_run(tmp_path)
    assert score_run(results, results).together.hota == pytest.approx(1)


def test_people_who_are_hardly_seen(tmp_path: Path) -> None:
    rows = track(1, range(1, 5), HERE) + track(2, range(1, 5), THERE)
    write_truth(tmp_path / "mot" / "a.txt", rows, [(1, 1, 1.0)] * 4 + [(1, 1, 0.0625)] * 4)
    write_results(tmp_path / "tracks" / "a.txt", track(1, range(1, 5), HERE))
    run = (tmp_path / "tracks", tmp_path / "mot")
    assert score_run(*run).together.fn == 0
    assert score_run(*run, min_visibility=0.0625).together.fn == 4
    assert score_run(*run, min_visibility=0).together.fn == 4


def test_results_of_unknown_cameras(tmp_path: Path) -> None:
    results, truth = write_run(tmp_path)
    write_results(results / "yard.txt", [])
    write_results(results / "attic.txt", [])
    with pytest.raises(InputError, match=r"results of attic, yard, of which .*mot has no truth \(only of a, b, c\)"):
        score_run(results, truth)


def test_truth_of_nobody(tmp_path: Path) -> None:
    write_truth(tmp_path / "mot" / "a.txt", track(1, range(1, 5)), [(1, 3, 1.0)] * 4)
    write_results(tmp_path / "tracks" / "a.txt", [])
    with pytest.raises(InputError, match="nobody in the truth"):
        score_run(tmp_path / "tracks", tmp_path / "mot")


@pytest.mark.parametrize("visibility", [-0.1, 1.5, float("nan")])
def test_impossible_visibility(tmp_path: Path, visibility: float) -> None:
    with pytest.raises(InputError, match="min_visibility"):
        score_run(*write_run(tmp_path), min_visibility=visibility)


def test_frames_after_the_end(tmp_path: Path) -> None:
    """A run of another length than the truth is not the same video."""
    results, truth = write_run(tmp_path)
    (truth / "a" / "seqinfo.ini").write_text("[Sequence]\nname=a\nseqLength=20\n")
    path = truth / "a" / "gt" / "gt.txt"
    path.write_text("".join(line for line in path.open() if int(line.split(",")[0]) <= 20))
    late = min(line for line, row in enumerate(random_run(3)[1]["a"], 1) if row[0] > 20)
    with pytest.raises(InputError, match=rf"{os.sep}a\.txt, line {late} has frame 2\d; allowed: 1 to 20"):
        score_run(results, truth)
