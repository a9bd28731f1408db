"""Frames and truth as a data set for Ultralytics' YOLO-pose trainer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Literal, Self, TypeAlias

import numpy as np

from keyreid_stream.structures import FloatArray
from keyreid_stream.world.truth import MIN_VISIBLE_PIXELS, OUTSIDE, FrameTruth, Shot
from keyreid_stream.world.writers.camera_path import camera_path
from keyreid_stream.world.writers.whole_file import write_jpeg, write_text

Split: TypeAlias = Literal["train", "val"]

_PERSON = 0

_MIRRORED = (0, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 16, 15)
"""Which keypoint each becomes in a mirrored picture: left and right change places."""

_SETTINGS = f"""\
train: images/train
val: images/val
kpt_shape: [17, 3]
flip_idx: {list(_MIRRORED)}
names:
  {_PERSON}: person
"""


def all_training(_: Shot) -> Split:
    """Put every shot into the training split."""
    return "train"


class YoloPoseWriter:
    """Writes `images/<split>/<camera>_<frame>.jpg`, `labels/<split>/<camera>_<frame>.txt` and `data.yaml`.

    A label is a line per person: class 0, the visible box as centre and size, then x, y and visibility of the 17
    keypoints; places are shares of the picture's width and height. Keypoints outside the picture are 0 0 0, occluded
    ones have visibility 1. A frame without people has an empty label file. An image comes before its label, so
    every label has its image.

    Args:
        folder: where the data set goes.
        split: which split a shot belongs to; by default all train. Ultralytics wants images in both.
        min_visible_pixels: people who show fewer get no label.
        quality: of the JPEG images, 1 to 100.
    """

    def __init__(
        self,
        folder: Path,
        *,
        split: Callable[[Shot], Split] = all_training,
        min_visible_pixels: int = MIN_VISIBLE_PIXELS,
        quality: int = 92,
    ) -> None:
        self._folder = folder
        self._split = split
        self._min_visible_pixels = min_visible_pixels
        self._quality = quality

    def __enter__(self) -> Self:
        for kind in ("images", "labels"):
            for split in ("train", "val"):
                (self._folder / kind / split).mkdir(parents=True, exist_ok=True)
        # No `path`: Ultralytics then takes the folder that data.yaml lies in, wherever it is moved.
        write_text(self._folder / "data.yaml", _SETTINGS)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        """Nothing is left to write: every frame was whole when it was written."""

    def write(self, shot: Shot) -> None:
        """Write the frame and its label."""
        split = self._split(shot)
        camera_id, number = shot.frame.camera_id, f"_{shot.frame.frame_index:06d}"
        image = camera_path(self._folder / "images" / split, camera_id, f"{number}.jpg")
        height, width = shot.frame.image.shape[:2]
        write_jpeg(image, shot.frame.image, self._quality)
        label = _label(shot.truth, width, height, self._min_visible_pixels)
        write_text(camera_path(self._folder / "labels" / split, camera_id, f"{number}.txt"), label)


def _label(truth: FrameTruth, width: int, height: int, min_visible_pixels: int) -> str:
    size = np.array([width, height], np.float32)
    labelled = np.flatnonzero(truth.visible_pixels >= max(1, min_visible_pixels))
    return "".join(_line(truth.visible_boxes_xyxy[row], truth.keypoints[row], size) for row in labelled)


def _line(box: FloatArray, keypoints: FloatArray, size: FloatArray) -> str:
    upper_left, lower_right = box[:2] / size, box[2:] / size
    numbers = [*((upper_left + lower_right) / 2), *(lower_right - upper_left)]
    words = [str(_PERSON), *(f"{number:.6f}" for number in numbers)]
    for x, y, visibility in keypoints:
        if visibility == OUTSIDE:
            words.append("0 0 0")
        else:
            # Half a pixel: a keypoint counts from a pixel's centre, a share of the picture from its edge.
            words.append(f"{(x + 0.5) / size[0]:.6f} {(y + 0.5) / size[1]:.6f} {visibility:.0f}")
    return " ".join(words) + "\n"
