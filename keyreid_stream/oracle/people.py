"""People of a frame's truth as the pipeline's stages would have found them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from keyreid_stream.structures import FloatArray, IntArray
from keyreid_stream.world.truth import VISIBLE, FrameTruth


@dataclass(frozen=True, slots=True, eq=False)
class TruePeople:
    """K people of one frame, by person id.

    Attributes:
        person_ids: (K,) int64, rising.
        boxes_xyxy: (K, 4) float32, around the pixels that show them.
        keypoints: (K, 17, 3) float32, x, y and confidence, as `Detections` have them.
    """

    person_ids: IntArray
    boxes_xyxy: FloatArray
    keypoints: FloatArray


def true_people(truth: FrameTruth, *, min_visible_pixels: int = 1) -> TruePeople:
    """Everyone of whom at least so many pixels show.

    Keypoints have confidence 1 where they are visible and 0 where they are not. Zero also for occluded ones: what hides
    a joint covers its patch of the crop, and the model would take the cover for the body part. Their places are kept.
    """
    rows = np.flatnonzero(truth.visible_pixels >= min_visible_pixels)
    keypoints = truth.keypoints[rows]  # a copy, as rows are indices
    # A world counts a keypoint from the centre of the first pixel, the pipeline from the picture's edge.
    keypoints[..., :2] += 0.5
    keypoints[..., 2] = keypoints[..., 2] == VISIBLE
    return TruePeople(truth.person_ids[rows], truth.visible_boxes_xyxy[rows], keypoints)
