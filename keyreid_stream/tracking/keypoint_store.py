"""Keypoints on a side path: BoxMOT's detections have no place for them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

import numpy as np

from keyreid_stream.structures import COCO_KEYPOINTS, FloatArray


class KeypointStore:
    """Keypoints of the newest frames, by BoxMOT's `sample_id` and `instance_ids`.

    A detector that finds keypoints puts them in; `KeyReIDAppearance` looks them up. Holds a bounded number of frames.
    """

    def __init__(self, frames: int = 256) -> None:
        """Start empty; the oldest frame is forgotten beyond `frames`."""
        if frames < 1:
            raise ValueError(f"a keypoint store needs room for at least one frame, got {frames}")
        self._frames = frames
        self._by_sample: OrderedDict[str, dict[str, FloatArray]] = OrderedDict()

    def put(self, sample_id: str, instance_ids: Sequence[str], keypoints: FloatArray) -> None:
        """Remember the keypoints of one frame's people.

        Args:
            sample_id: the frame, as in BoxMOT's `Frame` and `Detections`.
            instance_ids: N names of people, unique in the frame, as in `Detections.instance_ids`.
            keypoints: (N, 17, 3) float32, x and y in pixels of the frame, confidence.

        Raises:
            ValueError: the keypoints do not fit the names.
        """
        if keypoints.shape != (len(instance_ids), COCO_KEYPOINTS, 3):
            raise ValueError(
                f"keypoints must have shape ({len(instance_ids)}, {COCO_KEYPOINTS}, 3), got {keypoints.shape}"
            )
        self._by_sample[sample_id] = dict(zip(instance_ids, keypoints.astype(np.float32), strict=True))
        self._by_sample.move_to_end(sample_id)
        while len(self._by_sample) > self._frames:
            self._by_sample.popitem(last=False)

    def get(self, sample_id: str, instance_ids: Sequence[str] | None) -> FloatArray | None:
        """(N, 17, 3) keypoints of these people in this order; None unless all of them are known."""
        people = self._by_sample.get(sample_id)
        if people is None or instance_ids is None or any(name not in people for name in instance_ids):
            return None
        rows = [people[name] for name in instance_ids]
        return np.stack(rows) if rows else np.zeros((0, COCO_KEYPOINTS, 3), np.float32)
