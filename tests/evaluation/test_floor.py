"""Places on the floor: agreement with TrackEval, cases worked by hand, projected tracks."""

from __future__ import annotations

from dataclasses import astuple
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from trackeval.datasets import MotChallenge2DBox
from trackeval.metrics import CLEAR, HOTA, Identity

from keyreid_stream.errors import InputError
from keyreid_stream.evaluation import ResultBoxes
from keyreid_stream.evaluation.floor import FloorPoints, FloorTruth, floor_points, score_floor
from keyreid_stream.geometry.calibration import CameraCalibration
from tests.evaluation.test_trackeval_metrics import assert_agrees

Place = tuple[int, int, float, float]
"""Frame, id, x and y."""

FRAMES = 26


def points(rows: list[Place]) -> FloorPoints:
    frames, ids = np.array([row[0] for row in rows], np.int64), np.array([row[1] for row in rows], np.int64)
    return FloorPoints(frames, ids, np.array([row[2:] for row in rows], np.float64).reshape(-1, 2))


def truth(rows: list[Place]) -> FloorTruth:
    return FloorTruth.all_counted(points(rows))


def standing(id_: int, frames: range, x: float = 0.0, y: float = 0.0) -> list[Place]:
    return [(frame, id_, x, y) for frame in frames]


def crowd(rng: np.random.Generator) -> tuple[list[Place], list[Place]]:
    """People who walk among each other, and bad tracks of them: shaken, missed, changed and shared ids, ghosts."""
    true: list[Place] = []
    found: list[Place] = []
    taken: set[tuple[int, int]] = set()
    for person in range(7):
        at, speed = rng.uniform(0, 5, 2), rng.uniform(-0.2, 0.2, 2)
        first, last = np.sort(rng.integers(0, FRAMES, 2))
        for frame in range(first, last + 1):
            x, y = (at + speed * frame).tolist()
            true.append((frame, person, x, y))
            id_ = person // 2 if rng.random() < 0.3 else person + 20 * int(frame > 12)
            if rng.random() < 0.85 and (frame, id_) not in taken:
                taken.add((frame, id_))
                dx, dy = rng.normal(0, 0.6, 2).tolist()
                found.append((frame, id_, x + dx, y + dy))
    found += [(int(frame), 90 + number, 2.0, 2.0) for number, frame in enumerate(rng.integers(0, FRAMES, 5))]
    return true, [found[place] for place in rng.permutation(len(found))]


class OnGround(MotChallenge2DBox):  # type: ignore[misc]
    """TrackEval's own reading and counting, with its own Euclidean similarity."""

    zero_distance = 2.0

    def _calculate_similarities(self, gt_dets_t: Any, tracker_dets_t: Any) -> Any:
        return self._calculate_euclidean_similarity(gt_dets_t[:, :2], tracker_dets_t[:, :2], self.zero_distance)


def reference(folder: Path, true: list[Place], found: list[Place], radius_m: float) -> dict[str, Any]:
    (folder / "truth" / "site" / "gt").mkdir(parents=True)
    (folder / "tracks").mkdir()
    rows = ["".join(f"{f + 1},{i},{x!r},{y!r},1,1,1,1,1\n" for f, i, x, y in part) for part in (true, found)]
    (folder / "truth" / "site" / "gt" / "gt.txt").write_text(rows[0])
    (folder / "tracks" / "site.txt").write_text(rows[1])
    dataset = OnGround(
        {
            "GT_FOLDER": str(folder / "truth"),
            "TRACKERS_FOLDER": str(folder),
            "TRACKERS_TO_EVAL": ["tracks"],
            "TRACKER_SUB_FOLDER": "",
            "SKIP_SPLIT_FOL": True,
            "SEQ_INFO": {"site": FRAMES},
            "DO_PREPROC": False,
            "PRINT_CONFIG": False,
        }
    )
    dataset.zero_distance = 2 * radius_m
    data = dataset.get_preprocessed_seq_data(dataset.get_raw_seq_data("tracks", "site"), "pedestrian")
    scores: dict[str, Any] = dict(data)
    for metric in (HOTA(), CLEAR({"PRINT_CONFIG": False}), Identity({"PRINT_CONFIG": False})):
        scores |= metric.eval_sequence(data)
    return scores


@pytest.mark.parametrize("radius_m", [1.0, 0.5])
@pytest.mark.parametrize("seed", range(6))
def test_agreement_with_trackeval(tmp_path: Path, seed: int, radius_m: float) -> None:
    true, found = crowd(np.random.default_rng(seed))
    scores = score_floor(truth(true), points(found), radius_m=radius_m)
    assert 0.05 < scores.hota < 0.95
    assert_agrees(scores, reference(tmp_path, true, found, radius_m))


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 10_000))
def test_where_the_floor_s_origin_is_and_how_it_is_turned_does_not_matter(seed: int) -> None:
    rng = np.random.default_rng(seed)
    true, found = crowd(rng)
    angle = rng.uniform(0, 6)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])

    def moved(rows: list[Place]) -> FloorPoints:
        still = points(rows)
        order = rng.permutation(len(still))
        return FloorPoints(still.frames[order], still.ids[order], (still.xy_m @ turn + 30)[order])

    one = score_floor(truth(true), points(found))
    other = score_floor(FloorTruth.all_counted(moved(true)), moved(found))
    assert astuple(one) == pytest.approx(astuple(other), abs=1e-9)


def test_half_a_metre_away() -> None:
    """Similarity 0.75: a match at the 15 thresholds from 0.05 to 0.75 of 19; LocA is 1 where nothing matches."""
    scores = score_floor(truth(standing(1, range(10))), points(standing(8, range(10), 0.3, 0.4)))
    assert scores.hota == scores.deta == pytest.approx(15 / 19)
    assert scores.loca == pytest.approx((15 * 0.75 + 4) / 19)
    assert (scores.idf1, scores.mota, scores.tp) == (1, 1, 10)


@pytest.mark.parametrize(("distance", "radius_m", "matches"), [(0.99, 1, 5), (1, 1, 5), (1.01, 1, 0), (1.01, 1.5, 5)])
def test_the_radius(distance: float, radius_m: float, matches: int) -> None:
    scores = score_floor(truth(standing(1, range(5))), points(standing(1, range(5), distance)), radius_m=radius_m)
    assert (scores.tp, scores.fn, scores.fp) == (matches, 5 - matches, 5 - matches)


def test_ids_exchanged_halfway() -> None:
    true = standing(1, range(10)) + standing(2, range(10), 9)
    found = standing(1, range(5)) + standing(2, range(5), 9) + standing(2, range(5, 10)) + standing(1, range(5, 10), 9)
    scores = score_floor(truth(true), points(found))
    assert (scores.idf1, scores.idsw, scores.deta) == (0.5, 2, 1)
    assert scores.assa == pytest.approx(1 / 3)


def test_nothing_found() -> None:
    scores = score_floor(truth(standing(1, range(5))), points([]))
    assert (scores.hota, scores.idf1, scores.mota, scores.fn) == (0, 0, 0, 5)


def test_who_does_not_count_is_neither_missed_nor_false() -> None:
    known = points(standing(1, range(5)) + standing(2, range(5), 9))
    given_truth = FloorTruth(known, known.ids == 1)
    found = standing(4, range(5)) + standing(5, range(5), 9.4)
    assert score_floor(given_truth, points(standing(4, range(5)))) == score_floor(given_truth, points(found))
    assert score_floor(given_truth, points(found)).fp == 0
    beyond = standing(4, range(5)) + standing(5, range(5), 10.1)
    assert score_floor(given_truth, points(beyond)).fp == 5


def test_several_cameras_places_are_averaged() -> None:
    frames, ids = np.array([0, 0, 0, 1]), np.array([3, 3, 4, 3])
    mean = FloorPoints.averaged(frames, ids, np.array([[0.0, 0], [1, 2], [5, 5], [7, 7]]))
    assert (mean.frames.tolist(), mean.ids.tolist()) == ([0, 0, 1], [3, 4, 3])
    assert mean.xy_m.tolist() == [[0.5, 1], [5, 5], [7, 7]]


def looking_down(name: str, x: float) -> CameraCalibration:
    """A camera 10 m above (x, 0): 100 pixels are a metre, its picture's middle is below it."""
    return CameraCalibration(
        camera_id=name,
        width=801,
        height=801,
        K=np.array([[1000.0, 0, 400], [0, 1000, 400], [0, 0, 1]]),
        distortion=np.zeros(5),
        R=np.array([[1.0, 0, 0], [0, -1, 0], [0, 0, -1]]),
        t=np.array([-x, 0.0, 10.0]),
    )


def test_tracks_of_two_cameras_meet_on_the_floor() -> None:
    """Feet in the middle of `a` are at (0, 0); the same person 100 px left of the middle of `b`, which hangs at 1.2 m,
    is at (0.2, 0). A box that ends at the picture's edge stands nowhere."""
    middle, left = [380.5, 300, 420.5, 400.5], [280.5, 300, 320.5, 400.5]
    tracks = {
        "a": ResultBoxes(np.array([1, 2]), np.array([7, 7]), np.array([middle, [380.0, 700, 420, 801]])),
        "b": ResultBoxes(np.array([1]), np.array([7]), np.array([left])),
        "empty": ResultBoxes.empty(),
    }
    found = floor_points(tracks, {"a": looking_down("a", 0), "b": looking_down("b", 1.2)})
    assert (found.frames.tolist(), found.ids.tolist()) == ([0], [7])
    assert found.xy_m == pytest.approx(np.array([[0.1, 0.0]]), abs=1e-6)
    with pytest.raises(InputError, match=r"no calibration of b, only of a; name cameras alike"):
        floor_points(tracks, {"a": looking_down("a", 0)})


def test_what_is_refused() -> None:
    with pytest.raises(InputError, match="id 1 is twice in frame 0"):
        points([(0, 1, 0, 0), (0, 1, 3, 3)])
    with pytest.raises(InputError, match="NaN or infinity"):
        points([(0, 1, float("nan"), 0)])
    with pytest.raises(InputError, match="nobody in the truth"):
        truth([])
    with pytest.raises(InputError, match="places in frame 4, after its 4 frames"):
        FloorTruth.all_counted(points(standing(1, range(5))), 4)
    for radius_m in (0, -1, float("nan"), float("inf")):
        with pytest.raises(InputError, match="radius_m is"):
            score_floor(truth(standing(1, range(5))), points([]), radius_m=radius_m)
    short = FloorTruth.all_counted(points(standing(1, range(5))), 5)
    with pytest.raises(InputError, match="results have frame 5; allowed: 0 to 4"):
        score_floor(short, points(standing(1, range(6))))
    with pytest.raises(InputError, match="results have frame -1; allowed: from 0"):
        score_floor(truth(standing(1, range(5))), points(standing(1, range(-1, 3))))
