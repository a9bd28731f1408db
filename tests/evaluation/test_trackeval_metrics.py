"""Agreement with TrackEval as its users run it: its own reader, its own preprocessing, its own overlaps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from trackeval.datasets import MotChallenge2DBox
from trackeval.metrics import CLEAR, HOTA, Identity

from keyreid_stream.evaluation import TrackingScores, score_run
from tests.evaluation.scenes import Row, badly_tracked, wanderers, write_results, write_truth

FRAMES = 30
GAP = 1000
"""Between the first frames of two cameras when they are laid one after the other."""

Marks = list[tuple[int, int, float]]


def reference(folder: Path, lengths: Mapping[str, int]) -> dict[str, dict[str, Any]]:
    """What TrackEval says of `folder/mot/<camera>/gt/gt.txt` and `folder/tracks/<camera>.txt`, by camera."""
    dataset = MotChallenge2DBox(
        {
            "GT_FOLDER": str(folder / "mot"),
            "TRACKERS_FOLDER": str(folder),
            "TRACKERS_TO_EVAL": ["tracks"],
            "TRACKER_SUB_FOLDER": "",
            "SKIP_SPLIT_FOL": True,
            "SEQ_INFO": dict(lengths),
            "PRINT_CONFIG": False,
        }
    )
    metrics = (HOTA(), CLEAR({"PRINT_CONFIG": False}), Identity({"PRINT_CONFIG": False}))
    found: dict[str, dict[str, Any]] = {}
    for camera in lengths:
        data = dataset.get_preprocessed_seq_data(dataset.get_raw_seq_data("tracks", camera), "pedestrian")
        found[camera] = {key: data[key] for key in ("num_gt_dets", "num_tracker_dets", "num_gt_ids", "num_tracker_ids")}
        for metric in metrics:
            found[camera] |= metric.eval_sequence(data)
    return found


def assert_agrees(scores: TrackingScores, expected: dict[str, Any]) -> None:
    names = {"hota": "HOTA", "deta": "DetA", "assa": "AssA", "loca": "LocA", "idf1": "IDF1", "idp": "IDP", "idr": "IDR"}
    names |= {"mota": "MOTA", "idsw": "IDSW", "fp": "CLR_FP", "fn": "CLR_FN", "tp": "CLR_TP"}
    names |= {"truth_boxes": "num_gt_dets", "result_boxes": "num_tracker_dets"}
    names |= {"truth_ids": "num_gt_ids", "result_ids": "num_tracker_ids"}
    given = asdict(scores)
    assert names.keys() == given.keys()
    for name, theirs in names.items():
        assert given[name] == pytest.approx(np.mean(expected[theirs]), abs=1e-6), name


def write_cameras(folder: Path, cameras: Mapping[str, tuple[list[Row], list[Row], Marks]]) -> None:
    for name, (truth, results, marks) in cameras.items():
        write_truth(folder / "mot" / name / "gt" / "gt.txt", truth, marks)
        write_results(folder / "tracks" / f"{name}.txt", results)


def one_after_the_other(
    cameras: Mapping[str, tuple[list[Row], list[Row], Marks]],
) -> tuple[list[Row], list[Row], Marks]:
    """All cameras as one long sequence."""

    def later(rows: list[Row], number: int) -> list[Row]:
        return [(frame + number * GAP, id_, box) for frame, id_, box in rows]

    numbered = list(enumerate(cameras.values()))
    return (
        [row for number, (truth, _, _) in numbered for row in later(truth, number)],
        [row for number, (_, results, _) in numbered for row in later(results, number)],
        [mark for _, (_, _, marks) in numbered for mark in marks],
    )


def random_marks(rng: np.random.Generator, rows: list[Row]) -> Marks:
    """Mostly people who count, with some of every other class and some who are not to be considered."""
    others = rng.integers(2, 14, len(rows))
    return [
        (int(rng.random() < 0.9), 1 if rng.random() < 0.7 else int(other), round(float(rng.random()), 3))
        for other in others
    ]


@pytest.mark.parametrize("seed", range(6))
def test_agreement_on_random_cameras(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    cameras = {}
    for name in ("east", "north", "west"):
        truth = wanderers(rng, people=8)
        cameras[name] = (truth, badly_tracked(rng, truth), random_marks(rng, truth))
    write_cameras(tmp_path, cameras)
    scores = score_run(tmp_path / "tracks", tmp_path / "mot", min_visibility=0)
    expected = reference(tmp_path, dict.fromkeys(cameras, FRAMES))
    for name in cameras:
        assert_agrees(scores.cameras[name], expected[name])
    write_cameras(tmp_path / "joined", {"all": one_after_the_other(cameras)})
    together = reference(tmp_path / "joined", {"all": 3 * GAP})["all"]
    # CLEAR's numbers are the sum of the cameras', by TrackEval's own rule for several sequences.
    together |= CLEAR({"PRINT_CONFIG": False}).combine_sequences(expected)
    assert_agrees(scores.together, together)


@pytest.mark.data
def test_agreement_on_real_truth(data: Path, tmp_path: Path) -> None:
    """MOT17's truth, with all its classes, against shaken copies of it; the seven sequences as seven cameras."""
    rng = np.random.default_rng(17)
    (tmp_path / "mot").symlink_to(data / "mot17_mini" / "train")
    lengths = {}
    for folder in sorted((tmp_path / "mot").iterdir()):
        truth = np.loadtxt(folder / "gt" / "gt.txt", delimiter=",")
        lengths[folder.name] = int(truth[:, 0].max())
        rows: list[Row] = []
        for frame, id_, x, y, width, height in truth[:, :6].tolist():
            if rng.random() < 0.8:
                shift_x, shift_y = (rng.normal(0, 0.15, 2) * (width, height)).tolist()
                box = (x + shift_x, y + shift_y, x + shift_x + width, y + shift_y + height)
                rows.append((int(frame), int(id_) + 500 * int(rng.random() < 0.3), box))
        write_results(tmp_path / "tracks" / f"{folder.name}.txt", rows)
    scores = score_run(tmp_path / "tracks", tmp_path / "mot", min_visibility=0)
    expected = reference(tmp_path, lengths)
    assert len(expected) == 7
    for name in expected:
        assert_agrees(scores.cameras[name], expected[name])
