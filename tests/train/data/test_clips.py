from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from keyreid_stream.errors import InputError
from keyreid_stream.models.parts import soft_part_weights
from keyreid_stream.structures import CropSpec
from keyreid_train.augmentation.config import AugmentationConfig
from keyreid_train.data.clips import ClipDataset
from keyreid_train.data.structures import Tracklet, TrackletSet
from keyreid_train.feeding import TrainingData, servings
from keyreid_train.sampler import Appearance, BatchConfig, ClipRequest, IdentitySampler

SPEC = CropSpec(height=32, width=16, grid_rows=4, grid_columns=2, parts=6)
UNCHANGED = AugmentationConfig(
    flip=0,
    shift=0,
    box=0,
    brightness=0,
    contrast=0,
    tint=0,
    blur=0,
    erase=0,
    paste=0,
    hide_keypoint=0,
    keypoint_noise=0,
)


def painted(folder: Path, lengths: tuple[int, ...] = (5, 1, 3, 2), *, keypoints: bool = True) -> TrackletSet:
    """Image i of a tracklet is of grey level 10 · i; keypoint 0 is in the middle of the stored crop."""
    tracklets = []
    for number, length in enumerate(lengths):
        paths = tuple(folder / f"{number}_{place}.png" for place in range(length))
        for place, path in enumerate(paths):
            cv2.imwrite(str(path), np.full((64, 32, 3), 10 * place, np.uint8))
        points = np.zeros((length, 17, 3), np.float32)
        points[:, 0] = (16, 32, 1)
        camera = f"camera {number % 2}"
        tracklets.append(Tracklet(f"person {number // 2}", camera, f"{number}", paths, points if keypoints else None))
    return TrackletSet("painted", tuple(tracklets))


def test_frames_come_in_order_one_from_each_stretch(tmp_path: Path) -> None:
    clips = ClipDataset(painted(tmp_path), SPEC, UNCHANGED)
    for draw in range(20):
        levels = clips[ClipRequest(0, 0, draw, 2)].images[:, 0, 0, 0].tolist()
        assert levels[0] in (0, 10, 20)
        assert levels[1] in (20, 30, 40)
    assert clips[ClipRequest(0, 1, 0, 4)].images[:, 0, 0, 0].tolist() == [0, 0, 0, 0]
    assert clips[ClipRequest(0, 3, 0, 4)].images[:, 0, 0, 0].tolist() == [0, 0, 10, 10]


def test_a_row_says_who_and_where(tmp_path: Path) -> None:
    row = ClipDataset(painted(tmp_path), SPEC, UNCHANGED)[ClipRequest(0, 3, 0, 2)]
    assert (int(row.labels), int(row.cameras)) == (1, 1)
    assert row.images.shape == (2, 3, 32, 16)
    assert row.erased.tolist() == [0, 0]


def test_keypoints_are_scaled_with_the_crop(tmp_path: Path) -> None:
    expected = np.zeros((1, 17, 3), np.float32)
    expected[0, 0] = (8, 16, 1)
    row = ClipDataset(painted(tmp_path), SPEC, UNCHANGED)[ClipRequest(0, 0, 0, 1)]
    np.testing.assert_array_equal(row.part_weights, soft_part_weights(expected, SPEC))


def test_without_keypoints_every_part_is_everywhere(tmp_path: Path) -> None:
    row = ClipDataset(painted(tmp_path, keypoints=False), SPEC, AugmentationConfig())[ClipRequest(0, 0, 0, 2)]
    assert torch.equal(row.part_weights, torch.ones(2, 6, 8))


@pytest.mark.parametrize("keep", [True, False])
def test_a_clip_follows_from_its_request(tmp_path: Path, keep: bool) -> None:
    tracklets = painted(tmp_path)

    def clip(seed: int = 0, epoch: int = 0, draw: int = 0) -> torch.Tensor:
        clips = ClipDataset(tracklets, SPEC, AugmentationConfig(), seed=seed, keep_in_memory=keep)
        clips[ClipRequest(1, 0, 9, 4)]
        return clips[ClipRequest(epoch, 0, draw, 4)].images

    assert torch.equal(clip(), clip())
    for other in (clip(seed=1), clip(epoch=1), clip(draw=1)):
        assert not torch.equal(clip(), other)


def test_only_other_people_are_pasted(tmp_path: Path) -> None:
    # Tracklet 1 is one black image of person 0; all of person 1 is light.
    tracklets = painted(tmp_path)
    for place in range(3):
        cv2.imwrite(str(tmp_path / f"2_{place}.png"), np.full((64, 32, 3), 200, np.uint8))
    for place in range(2):
        cv2.imwrite(str(tmp_path / f"3_{place}.png"), np.full((64, 32, 3), 200, np.uint8))
    clips = ClipDataset(tracklets, SPEC, UNCHANGED.model_copy(update={"paste": 1.0, "smallest": 0.2}))
    rows = [clips[ClipRequest(0, 1, draw, 1)] for draw in range(60)]
    told = [bool(row.erased[0]) for row in rows]
    assert told == [sorted(row.images.unique().tolist()) == [0, 200] for row in rows]
    assert 15 < sum(told) < 45  # the other half of the draws found the same person


def test_workers_give_the_same_batches(tmp_path: Path) -> None:
    tracklets = painted(tmp_path)
    appearances = tuple(Appearance(number // 2, number % 2) for number in range(4))
    data = TrainingData(ClipDataset(tracklets, SPEC, AugmentationConfig()), appearances, ("a", "b"))
    sampler = IdentitySampler(appearances, BatchConfig(identities=2, clips=2, frames=(1, 2)), steps=3)
    alone, helped = (list(servings(data, sampler, 0, workers)) for workers in (0, 2))
    assert len(alone) == 3
    for left, right in zip(alone, helped, strict=True):
        assert all(torch.equal(one, other) for one, other in zip(left.batch, right.batch, strict=True))


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    tracklets = painted(tmp_path)
    tracklets.tracklets[1].images[0].write_bytes(b"no image")
    with pytest.raises(InputError, match=f"cannot read image {tmp_path}/1_0.png"):
        ClipDataset(tracklets, SPEC, UNCHANGED)[ClipRequest(0, 1, 0, 1)]
    with pytest.raises(InputError, match="tracklet 'none' is empty"):
        ClipDataset(TrackletSet("bad", (Tracklet("a", "b", "none", ()),)), SPEC, UNCHANGED)
