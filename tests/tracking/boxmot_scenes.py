"""Scenes in BoxMOT's own types: coloured people on a grey picture, and a detector that finds them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from boxmot.detectors.protocols import DetectorCapabilities
from boxmot.structures import Boxes, Detections, Frame

from keyreid_stream.structures import ImageArray

RED, GREEN, BLUE = (220, 20, 20), (20, 200, 20), (20, 20, 220)
PLACES = ((40, 60, 80, 160), (160, 60, 200, 160), (240, 60, 280, 160))


def picture(*people: tuple[tuple[int, int, int, int], tuple[int, int, int]]) -> ImageArray:
    """RGB, 240 x 320."""
    image = np.full((240, 320, 3), 128, np.uint8)
    for (x1, y1, x2, y2), colour in people:
        image[y1:y2, x1:x2] = colour
    return image


def bgr(image: ImageArray) -> ImageArray:
    return np.ascontiguousarray(image[:, :, ::-1])


def frame(image: ImageArray, sample_id: str = "0", frame_index: int | None = None) -> Any:
    return Frame(torch.from_numpy(image.transpose(2, 0, 1).copy()), sample_id=sample_id, frame_index=frame_index)


def detections(boxes: Sequence[Sequence[float]], sample_id: str = "0", names: tuple[str, ...] | None = None) -> Any:
    return Detections(
        geometry=Boxes(torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4)),
        scores=torch.full((len(boxes),), 0.9),
        class_ids=torch.zeros(len(boxes), dtype=torch.int64),
        sample_id=sample_id,
        instance_ids=names,
    )


def packed(boxes: Sequence[Sequence[float]]) -> np.ndarray:
    """BoxMOT's detection rows."""
    return np.array([[*one, 0.9, 0] for one in boxes], np.float64).reshape(-1, 6)


class ColourfulDetector:
    """Finds whatever stands at `PLACES` in another colour than the background's grey."""

    capabilities = DetectorCapabilities()

    def predict(self, frames: Sequence[Any]) -> list[Any]:
        return [detections(self._places(one), one.sample_id) for one in frames]

    def _places(self, one: Any) -> list[tuple[int, int, int, int]]:
        return [place for place in PLACES if one.image[:, place[1] + 5, place[0] + 5].tolist() != [128] * 3]
