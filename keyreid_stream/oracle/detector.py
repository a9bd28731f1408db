"""A pose detector that is fed the truth: of people, of their keypoints, or of both."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from keyreid_stream.errors import ConfigError
from keyreid_stream.interfaces import PoseDetector
from keyreid_stream.oracle.config import OracleName
from keyreid_stream.oracle.matching import match_boxes
from keyreid_stream.oracle.people import true_people
from keyreid_stream.oracle.truth import Truth
from keyreid_stream.structures import COCO_KEYPOINTS, Detections, FloatArray, Frame, IntArray
from keyreid_stream.world.truth import MIN_VISIBLE_PIXELS, FrameTruth

_KNOWN: frozenset[OracleName] = frozenset({"detections", "keypoints"})


class OracleDetector:
    """A `PoseDetector` whose boxes, keypoints or both are the truth.

    True boxes hold the pixels that show a person; everyone of whom at least `MIN_VISIBLE_PIXELS` show is found, with
    confidence 1, by person id. True keypoints have confidence 1 where they are visible and 0 elsewhere. What is not
    taken from the truth comes from the real detector, by the best one-to-one overlap of at least 0.5 between its boxes
    and the true ones; whoever has no partner gets keypoints of zeros.

    Args:
        truth: about all cameras' frames.
        detector: the real one; not needed (and better not loaded) where both are the truth.
        what: `detections`, `keypoints` or both.

    Raises:
        ConfigError: `what` is empty or names something else, or the real detector is missing.
    """

    def __init__(
        self, truth: Truth, detector: PoseDetector | None = None, *, what: Collection[OracleName] = _KNOWN
    ) -> None:
        if not what or not _KNOWN.issuperset(what):
            raise ConfigError(f"a detector has no truth of {sorted(what)}; choose from: {', '.join(sorted(_KNOWN))}")
        if detector is None and not _KNOWN.issubset(what):
            raise ConfigError(f"with the truth of {', '.join(what)} only, the rest must come from a detector; give one")
        self._truth = truth
        self._detector = None if _KNOWN.issubset(what) else detector
        self._true_boxes = "detections" in what
        self._true_keypoints = "keypoints" in what

    @property
    def weights(self) -> Path | None:
        """The real detector's weights; None where there is none, or it has none."""
        return getattr(self._detector, "weights", None)

    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        """The people of each frame.

        Raises:
            InputError: a frame is of another camera than the truth knows, or too old.
        """
        truths = [self._truth.at(frame.camera_id, frame.frame_index) for frame in frames]
        if self._detector is None:
            return [_true_detections(truth) for truth in truths]
        found = self._detector.detect(frames)
        combine = _with_found_keypoints if self._true_boxes else _with_true_keypoints
        return [combine(truth, one) for truth, one in zip(truths, found, strict=True)]


def _true_detections(truth: FrameTruth) -> Detections:
    people = true_people(truth, min_visible_pixels=MIN_VISIBLE_PIXELS)
    return Detections(people.boxes_xyxy, np.ones(len(people.person_ids), np.float32), people.keypoints)


def _with_found_keypoints(truth: FrameTruth, found: Detections) -> Detections:
    """True boxes, the detector's keypoints: none at all if it finds none."""
    people = _true_detections(truth)
    if found.keypoints is None:
        return replace(people, keypoints=None)
    partners = match_boxes(people.boxes_xyxy, found.boxes_xyxy)
    return replace(people, keypoints=_keypoints_of(partners, found.keypoints))


def _with_true_keypoints(truth: FrameTruth, found: Detections) -> Detections:
    """The detector's boxes, true keypoints."""
    people = true_people(truth)
    partners = match_boxes(found.boxes_xyxy, people.boxes_xyxy)
    return replace(found, keypoints=_keypoints_of(partners, people.keypoints))


def _keypoints_of(partners: IntArray, keypoints: FloatArray) -> FloatArray:
    """(N, 17, 3): each partner's keypoints, zeros for -1."""
    result = np.zeros((len(partners), COCO_KEYPOINTS, 3), np.float32)
    result[partners >= 0] = keypoints[partners[partners >= 0]]
    return result
