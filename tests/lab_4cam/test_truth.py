"""Whether the lab's truth is what docs/decisions/0016-lab-truth.md says; the pictures themselves are not here."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from keyreid_stream.evaluation.boxes import TruthBoxes
from keyreid_stream.evaluation.mot_files import read_truth, sequence_length, truth_files
from keyreid_stream.geometry.calibrations import read_calibrations
from keyreid_stream.geometry.floor import floor_positions

TRUTH = Path(__file__).parent / "truth"
FRAMES = 268
CAMERAS = ("0", "1", "2", "3")


def truth(camera_id: str) -> TruthBoxes:
    return read_truth(TRUTH / camera_id / "gt" / "gt.txt", 0.0)


def test_every_camera_has_the_whole_length() -> None:
    files = truth_files(TRUTH)

    assert tuple(sorted(files)) == CAMERAS
    assert {sequence_length(path) for path in files.values()} == {FRAMES}


@pytest.mark.parametrize("camera_id", CAMERAS)
def test_two_people_are_counted_and_nobody_twice_in_a_frame(camera_id: str) -> None:
    boxes = truth(camera_id)
    counted = boxes.ids[boxes.counted]
    pairs = np.stack([boxes.frames[boxes.counted], counted], axis=1)

    assert set(counted.tolist()) == {1, 2}
    assert len(np.unique(pairs, axis=0)) == len(pairs)
    assert (np.bincount(counted)[1:] >= 0.85 * FRAMES).all()
    assert boxes.frames.min() == 1
    assert boxes.frames.max() == FRAMES


@pytest.mark.data
def test_by_calibration_every_camera_s_person_1_stands_where_the_others_have_person_1(data: Path) -> None:
    calibrations = read_calibrations(data / "lab_4cam" / "calibration")
    places = {camera_id: np.full((3, FRAMES + 1, 2), np.nan) for camera_id in CAMERAS}
    for camera_id in CAMERAS:
        boxes = truth(camera_id)
        ids, frames = boxes.ids[boxes.counted], boxes.frames[boxes.counted]
        places[camera_id][ids, frames] = floor_positions(calibrations[camera_id], boxes.boxes_xyxy[boxes.counted])
    for one, other in combinations(CAMERAS, 2):
        own = np.linalg.norm(places[one][1:] - places[other][1:], axis=2)
        crossed = np.linalg.norm(places[one][1:] - places[other][:0:-1], axis=2)
        known = np.isfinite(own) & np.isfinite(crossed)

        assert known.sum() > 150
        # The lower edge of a box is at the toes nearest to its camera: from opposite sides, a shoe and a step apart.
        assert np.median(own[known]) < 0.45
        assert (own < crossed)[known].mean() > 0.97
