"""What one camera saw, drawn on its picture: boxes, identities, skeletons. Pure functions on arrays."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from keyreid_stream.models.parts import PART_KEYPOINTS
from keyreid_stream.sinks.letterbox import resized
from keyreid_stream.sinks.palette import DARK, NOTICE, PART_COLOURS, Colour, identity_colour
from keyreid_stream.sinks.text import Chip, Words
from keyreid_stream.structures import CameraTick, FloatArray, ImageArray

_MIN_KEYPOINT_CONFIDENCE = 0.3
"""More than the model asks for (0.1): a doubtful keypoint still tells the model a little, among many others, but a limb
drawn to it looks like a mistake."""

_NOTICE_SIZE = 0.65
"""Of a label's letters: small enough to fit into one cell of a mosaic beside its title."""

_PART_OF_KEYPOINT = {keypoint: part for part, members in enumerate(PART_KEYPOINTS) for keypoint in members}

_LIMBS = (
    *((5, 6), (5, 11), (6, 12), (11, 12)),
    *((5, 7), (7, 9)),
    *((6, 8), (8, 10)),
    *((11, 13), (13, 15)),
    *((12, 14), (14, 16)),
    *((0, 1), (0, 2), (1, 3), (2, 4)),
)
"""Pairs of COCO keypoints, the inner first: a limb belongs to its outer keypoint's part."""


@dataclass(frozen=True, slots=True)
class Pen:
    """Sizes that look alike on a picture of any height, in pixels; `rim` is the dark edge of lines, both sides."""

    box_line: int
    limb_line: int
    joint_radius: int
    rim: int
    letter_height: float

    @classmethod
    def for_height(cls, height: int) -> Pen:
        """The pen for a picture of this height; never too small to be read."""
        unit = height / 720
        return cls(
            box_line=max(2, round(3 * unit)),
            limb_line=max(1, round(2.5 * unit)),
            joint_radius=max(1, round(3 * unit)),
            rim=2 * int(unit + 0.25),
            letter_height=max(9.0, 14 * unit),
        )


def annotate(camera: CameraTick, *, scale: float = 1.0) -> ImageArray:
    """The camera's picture, scaled, with every track's box, identity and skeleton.

    Lines and letters fit the scaled picture, so a small one stays readable. A track is grey while its identity is
    undecided, and its box thin where the tracker only predicts it.

    Returns:
        A new (round(H · scale), round(W · scale), 3) RGB image.
    """
    image = _scaled(camera.frame.image, scale)
    pen = Pen.for_height(image.shape[0])
    boxes = _finite(camera.tracks.boxes_xyxy * np.float32(scale))
    for row in camera.tracks.detection_indices:
        if row >= 0 and camera.detections.keypoints is not None:
            _draw_skeleton(image, camera.detections.keypoints[row], scale, pen)
    identity_ids = camera.identity_ids.tolist()
    for box, identity_id, row in zip(boxes, identity_ids, camera.tracks.detection_indices.tolist(), strict=True):
        _draw_box(image, box, identity_colour(identity_id), pen.box_line if row >= 0 else 1, pen.rim)
    for box, identity_id, track_id in zip(boxes, identity_ids, camera.tracks.track_ids.tolist(), strict=True):
        _draw_label(image, box, identity_id, track_id, pen)
    return image


def write_notice(image: ImageArray, text: str) -> None:
    """Write a line into the lower right corner of the image, where neither labels nor a mosaic's titles are."""
    letters = max(8.0, _NOTICE_SIZE * Pen.for_height(image.shape[0]).letter_height)
    chip = Chip([Words(text, letters)], DARK, NOTICE)
    margin = chip.height // 4
    chip.draw(image, image.shape[1] - chip.width - margin, image.shape[0] - chip.height - margin)


def _scaled(image: ImageArray, scale: float) -> ImageArray:
    if scale == 1:
        return image.copy()
    return resized(image, *(max(1, round(length * scale)) for length in image.shape[:2]))


def _draw_skeleton(image: ImageArray, keypoints: FloatArray, scale: float, pen: Pen) -> None:
    """Limbs in their parts' colours on a dark rim, joints on top; `keypoints` (17, 3) in pixels of the whole frame."""
    points = _finite(keypoints[:, :2] * np.float32(scale))
    shown = np.isfinite(keypoints).all(axis=1) & (keypoints[:, 2] >= _MIN_KEYPOINT_CONFIDENCE)
    limbs = [
        (tuple(points[inner]), tuple(points[outer]), _PART_OF_KEYPOINT[outer])
        for inner, outer in _LIMBS
        if shown[inner] and shown[outer]
    ]
    for start, end, _ in limbs:
        cv2.line(image, start, end, DARK, pen.limb_line + pen.rim, cv2.LINE_AA)
    for start, end, part in limbs:
        cv2.line(image, start, end, PART_COLOURS[part], pen.limb_line, cv2.LINE_AA)
        for joint in (start, end):
            cv2.circle(image, joint, pen.joint_radius, PART_COLOURS[part], cv2.FILLED, cv2.LINE_AA)


def _draw_box(image: ImageArray, box: np.ndarray, colour: Colour, line: int, rim: int) -> None:
    upper_left, lower_right = (int(box[0]), int(box[1])), (int(box[2]), int(box[3]))
    cv2.rectangle(image, upper_left, lower_right, DARK, line + rim)
    cv2.rectangle(image, upper_left, lower_right, colour, line)


def _draw_label(image: ImageArray, box: np.ndarray, identity_id: int, track_id: int, pen: Pen) -> None:
    """The identity, large, and the track, small, above the box, or inside it where there is no room above."""
    words = [Words(f"#{track_id}", max(7.0, 0.7 * pen.letter_height))]
    if identity_id > 0:
        words.insert(0, Words(f"P{identity_id}", pen.letter_height))
    chip = Chip(words, DARK, identity_colour(identity_id))
    above = int(box[1]) - chip.height
    chip.draw(image, int(box[0]), above if above >= 0 else int(box[1]))


def _finite(pixels: FloatArray) -> np.ndarray:
    """Whole pixels that OpenCV can take, whatever a tracker or detector made up."""
    limit = 1 << 14
    return (
        np.clip(np.nan_to_num(pixels, nan=-limit, posinf=limit, neginf=-limit), -limit, limit).round().astype(np.int32)
    )
