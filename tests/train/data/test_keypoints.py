from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from keyreid_stream.errors import InputError
from keyreid_stream.structures import Detections, Frame
from keyreid_train.data.keypoints import find_keypoints, with_keypoints
from keyreid_train.data.structures import Tracklet, TrackletSet

SHA256 = "0" * 64


class WhitePixel:
    """Finds a person around the brightest pixel, with all keypoints on it, and a smaller one in the corner."""

    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        return [self._people(frame) for frame in frames]

    def _people(self, frame: Frame) -> Detections:
        brightest = frame.image.sum(axis=2)
        if brightest.max() < 700:
            return Detections(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros((0, 17, 3), np.float32))
        rows, columns = np.nonzero(brightest == brightest.max())
        keypoints = np.zeros((2, 17, 3), np.float32)
        keypoints[1] = (columns.mean() + 0.5, rows.mean() + 0.5, 0.8)
        boxes = np.array([[0, 0, 30, 60], [20, 20, 110, 240]], np.float32)
        return Detections(boxes, np.array([0.9, 0.5], np.float32), keypoints)


def painted(folder: Path) -> TrackletSet:
    """Two crops of 120x60 with a white patch around x = 30.5, y = 90.5, and a black one."""
    picture = np.full((120, 60, 3), 90, np.uint8)
    picture[88:93, 28:33] = 255
    paths = [folder / name for name in ("a.png", "b.png", "c.png")]
    for path, image in zip(paths, (picture, picture, np.zeros_like(picture)), strict=True):
        cv2.imwrite(str(path), image)
    return TrackletSet("painted", (Tracklet("p", "c", "one", tuple(paths[:2])), Tracklet("p", "d", "two", (paths[2],))))


def test_keypoints_come_back_in_pixels_of_the_stored_crop(tmp_path: Path) -> None:
    tracklets, target = painted(tmp_path), tmp_path / "out/painted.npz"
    told: list[tuple[int, int]] = []
    find_keypoints(WhitePixel(), SHA256, tracklets, target, progress=lambda *counts: told.append(counts))
    first, second = with_keypoints(tracklets, target).tracklets
    assert first.keypoints is not None
    assert second.keypoints is not None
    assert first.keypoints.shape == (2, 17, 3)
    np.testing.assert_allclose(first.keypoints[:, 0], [[30.5, 90.5, 0.8]] * 2, atol=0.4)
    assert not second.keypoints.any()
    assert told[-1] == (3, 3)


def test_files_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    tracklets, target = painted(tmp_path), tmp_path / "painted.npz"
    with pytest.raises(InputError, match="keyreid train prepare painted"):
        with_keypoints(tracklets, target)
    find_keypoints(WhitePixel(), SHA256, TrackletSet("painted", tracklets.tracklets[:1]), target)
    with pytest.raises(InputError, match=r"does not know image 'two/c\.png'"):
        with_keypoints(tracklets, target)
    target.write_bytes(b"nothing")
    with pytest.raises(InputError, match="holds no keypoints"):
        with_keypoints(tracklets, target)
    target.write_bytes(b"PK\x03\x04 cut off")
    with pytest.raises(InputError, match="holds no keypoints"):
        with_keypoints(tracklets, target)


class KilledError(Exception):
    pass


class KilledAfter(WhitePixel):
    """Dies when it is asked once more than so many times."""

    def __init__(self, calls: int) -> None:
        self.calls = calls

    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        if not self.calls:
            raise KilledError
        self.calls -= 1
        return super().detect(frames)


def test_a_killed_search_goes_on_where_it_was(tmp_path: Path) -> None:
    tracklets, target, whole = painted(tmp_path), tmp_path / "cut/set.npz", tmp_path / "whole/set.npz"
    with pytest.raises(KilledError):
        find_keypoints(KilledAfter(2), SHA256, tracklets, target, kept_every=1)
    assert not target.exists()
    rest = KilledAfter(1)
    find_keypoints(rest, SHA256, tracklets, target, kept_every=1)
    assert rest.calls == 0
    find_keypoints(WhitePixel(), SHA256, tracklets, whole, kept_every=1)
    for one, other in zip(
        with_keypoints(tracklets, target).tracklets, with_keypoints(tracklets, whole).tracklets, strict=True
    ):
        np.testing.assert_array_equal(one.keypoints, other.keypoints)
    assert [path.name for path in target.parent.iterdir()] == ["set.npz"]


def test_what_other_weights_or_images_gave_is_not_gone_on_with(tmp_path: Path) -> None:
    tracklets, target = painted(tmp_path), tmp_path / "set.npz"
    with pytest.raises(KilledError):
        find_keypoints(KilledAfter(2), SHA256, tracklets, target, kept_every=1)
    with pytest.raises(KilledError):
        find_keypoints(KilledAfter(2), "1" * 64, tracklets, target, kept_every=1)
    (tmp_path / ".set.npz.pieces/000000000.npz").write_bytes(b"damaged")
    with pytest.raises(KilledError):
        find_keypoints(KilledAfter(1), "1" * 64, tracklets, target, kept_every=1)
    find_keypoints(KilledAfter(1), "1" * 64, tracklets, target, kept_every=1)
    assert str(np.load(target)["pose"]) == "1" * 64
