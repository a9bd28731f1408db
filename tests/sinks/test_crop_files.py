"""Crops on disk: when they are written, what is in them, and whose they are."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import cv2
import numpy as np
import pytest

from keyreid_stream.sinks import CropFilesSink, crop_files, crops_by_identity
from keyreid_stream.structures import CameraTick, Event, TrackKey
from tests.sinks.conftest import CameraTickMaker, TickMaker

BOX = (100.0, 60.0, 140.0, 140.0)
BESIDE = (126.0, 80.0, 166.0, 160.0)


def picture() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (240, 320, 3), np.uint8)


def ending(seen: CameraTick, *track_ids: int) -> CameraTick:
    return dataclasses.replace(seen, tracks=dataclasses.replace(seen.tracks, ended=track_ids))


def new(identity_id: int, track_id: int) -> Event:
    return Event("new", identity_id, 0.0, "cam", track_id)


def test_a_crop_is_written_when_its_track_ends_and_the_others_at_the_end(
    tmp_path: Path, camera_tick: CameraTickMaker, tick: TickMaker
) -> None:
    rows = [(1, 1, BOX, 0.9), (2, 2, (200.0, 60.0, 240.0, 140.0), 0.9)]
    with CropFilesSink(tmp_path / "crops") as sink:
        sink.write(tick(camera_tick("cam", 3, rows, image=picture()), events=[new(1, 1), new(2, 2)]))
        assert not (tmp_path / "crops").exists()
        sink.write(tick(ending(camera_tick("cam", 4, rows[1:], image=picture()), 1)))
        assert [path.name for path in (tmp_path / "crops" / "cam").iterdir()] == ["1_3.jpg"]
    assert [(one.key, one.frame_index) for one in crop_files(tmp_path / "crops")] == [
        (TrackKey("cam", 1), 3),
        (TrackKey("cam", 2), 3),
    ]


def test_nobody_known_leaves_no_crop_and_a_run_of_nobody_no_folder(
    tmp_path: Path, camera_tick: CameraTickMaker, tick: TickMaker
) -> None:
    with CropFilesSink(tmp_path / "crops") as sink:
        sink.write(tick(camera_tick("cam", 0, [(1, 0, BOX, 0.9)], image=picture())))
        sink.write(tick(ending(camera_tick("cam", 1), 1)))
    assert not (tmp_path / "crops").exists()
    assert crop_files(tmp_path / "crops") == []


def head_detail(path: Path, rows: slice, columns: slice) -> float:
    """How much neighbouring pixels of a saved crop differ, on average."""
    image = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    assert image is not None
    return float(np.abs(np.diff(image[rows, columns].astype(float), axis=1)).mean())


@pytest.mark.parametrize("heads", ["blurred", "whole"])
def test_heads_in_a_crop_also_those_of_others_are_unrecognisable_unless_asked_otherwise(
    heads: str, tmp_path: Path, camera_tick: CameraTickMaker, tick: TickMaker
) -> None:
    rows = [(1, 1, BOX, 0.9), (2, 2, BESIDE, 0.9)]
    with CropFilesSink(tmp_path, "blurred" if heads == "blurred" else "whole") as sink:
        sink.write(tick(camera_tick("cam", 0, rows, image=picture()), events=[new(1, 1), new(2, 2)]))
    path = tmp_path / "cam" / "1_0.jpg"
    top, left = 55, 98  # a margin of 0.06 of 80 rows, and half as wide as high
    own = head_detail(path, slice(60 - top, 76 - top), slice(104 - left, 136 - left))
    other = head_detail(path, slice(82 - top, 98 - top), slice(128 - left, 140 - left))
    body = head_detail(path, slice(104 - top, 138 - top), slice(104 - left, 136 - left))
    assert body > 30
    assert (own < 10, other < 10) == ((True, True) if heads == "blurred" else (False, False))


def test_whose_a_crop_is_follows_from_the_events_and_their_revisions(
    tmp_path: Path, camera_tick: CameraTickMaker, tick: TickMaker
) -> None:
    events = [new(1, 1), new(2, 2), new(3, 3)]
    rows = [(track_id, track_id, (60.0 * track_id, 60.0, 60.0 * track_id + 40, 140.0), 0.9) for track_id in (1, 2, 3)]
    with CropFilesSink(tmp_path) as sink:
        sink.write(tick(camera_tick("cam", 0, rows, image=picture()), events=events))
    events += [Event("merged", 1, 1.0, other_identity_id=2), Event("forgotten", 3, 2.0)]
    found = crops_by_identity(tmp_path, events)
    assert {identity_id: [one.key.track_id for one in crops] for identity_id, crops in found.items()} == {1: [1, 2]}


def test_files_of_others_are_no_crops(tmp_path: Path) -> None:
    (tmp_path / "cam").mkdir()
    for name in ("1_2.jpg.part", "portrait.jpg", "1_2.png"):
        (tmp_path / "cam" / name).touch()
    assert crop_files(tmp_path) == []
