"""KeyRe-ID as the appearance model of plain BoxMOT code.

    BotSort(reid_model=appearance)                       # BoxMOT hands boxes and a BGR image
    TrackingPipeline(detector, tracker, reid=appearance)  # BoxMOT hands frames and detections

Either way an appearance is the embedding's global part for a clip of one crop, scaled to length 1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
import torch

from keyreid_stream.errors import InputError
from keyreid_stream.interfaces import FrameEncoder
from keyreid_stream.models.crops import join_crops, make_crops
from keyreid_stream.structures import Crops, CropSpec, Encodings, FloatArray, ImageArray
from keyreid_stream.tracking.keypoint_store import KeypointStore
from keyreid_stream.tracking.unit_vectors import unit_vector
from keyreid_stream.tracking.version import require_boxmot

CropFunction: TypeAlias = Callable[[ImageArray, FloatArray, FloatArray | None, CropSpec], Crops]
"""(image (H, W, 3) RGB, boxes (N, 4), keypoints (N, 17, 3) or None, spec) -> N crops"""


class KeyReIDAppearance:
    """BoxMOT's `AppearanceEncoder` protocol and its `get_features` interface, on any of our frame encoders.

    Without keypoints every patch of a crop counts for every body part. Keypoints come from a `KeypointStore` that the
    detector fills; a frame of which it misses anyone is taken without keypoints.
    """

    def __init__(
        self,
        encoder: FrameEncoder,
        *,
        keypoints: KeypointStore | None = None,
        make_crops: CropFunction = make_crops,
    ) -> None:
        """Wrap an encoder.

        Args:
            encoder: the model's first half.
            keypoints: where the detector leaves its keypoints, if it finds any.
            make_crops: cuts people out of a frame.

        Raises:
            KeyReIDError: the installed BoxMOT is not one we support.
        """
        require_boxmot()
        self._encoder = encoder
        self._keypoints = keypoints
        self._make_crops = make_crops
        self._embedding_dim = int(encoder.encode(join_crops([], encoder.crop_spec)).appearance.shape[1])

    @property
    def embedding_dim(self) -> int:
        """D, the length of every appearance."""
        return self._embedding_dim

    @property
    def requirements(self) -> Any:
        """BoxMOT's `EncoderRequirements`: frames and boxes are enough, masks are not looked at."""
        from boxmot.reid.protocols import EncoderRequirements

        return EncoderRequirements()

    def encode(self, frames: Sequence[Any], detections: Sequence[Any]) -> list[torch.Tensor]:
        """Appearance of the people in some frames, all in one call of the model.

        Args:
            frames: BoxMOT `Frame`s.
            detections: BoxMOT `Detections` with upright boxes, one per frame, of the same `sample_id`.

        Returns:
            Per frame a contiguous (N, D) float32 tensor on the CPU, rows in the order of the detections.

        Raises:
            ValueError: frames and detections do not belong together.
            InputError: the model gave an appearance that is zero or not finite.
        """
        if len(frames) != len(detections):
            raise ValueError(f"{len(frames)} frames need as many detections, got {len(detections)}")
        crops = [self._crops(frame, found) for frame, found in zip(frames, detections, strict=True)]
        rows = torch.from_numpy(_checked_rows(self._encoder.encode(join_crops(crops, self._encoder.crop_spec))))
        return [part.contiguous() for part in torch.split(rows, [len(part) for part in crops])]

    def get_features(self, boxes_xyxy: FloatArray, image_bgr: ImageArray) -> FloatArray:
        """Appearance of the people in one image, without keypoints.

        Args:
            boxes_xyxy: (N, 4) pixels of the image.
            image_bgr: (H, W, 3) uint8, BGR.

        Returns:
            (N, D) float32, rows of length 1 in the order of the boxes.

        Raises:
            InputError: the model gave an appearance that is zero or not finite.
        """
        image = np.ascontiguousarray(image_bgr[..., ::-1])
        boxes = np.asarray(boxes_xyxy, np.float32).reshape(-1, 4)
        return _checked_rows(self._encoder.encode(self._make_crops(image, boxes, None, self._encoder.crop_spec)))

    def encode_frame(self, frame: Any, detections: Any) -> Encodings:
        """Everything the model knows of one frame's people; appearance in rows of length 1.

        Args:
            frame: a BoxMOT `Frame`.
            detections: BoxMOT `Detections` with upright boxes, of the same `sample_id`.

        Raises:
            ValueError: frame and detections do not belong together.
            InputError: the model gave an appearance that is zero or not finite.
        """
        encodings = self._encoder.encode(self._crops(frame, detections))
        return Encodings(encodings.tokens, encodings.class_rows, encodings.part_weights, _checked_rows(encodings))

    def _crops(self, frame: Any, detections: Any) -> Crops:
        if frame.sample_id != detections.sample_id:
            raise ValueError(f"frame {frame.sample_id!r} got the detections of {detections.sample_id!r}")
        if detections.is_obb:
            raise ValueError("oriented boxes have no person crops; give detections with upright boxes")
        keypoints = None
        if self._keypoints is not None:
            keypoints = self._keypoints.get(detections.sample_id, detections.instance_ids)
        image = np.ascontiguousarray(frame.image.permute(1, 2, 0).numpy())
        return self._make_crops(image, detections.geometry.values.numpy(), keypoints, self._encoder.crop_spec)


def _checked_rows(encodings: Encodings) -> FloatArray:
    """The appearance with rows of length 1. BoxMOT refuses rows without direction too, but does not say which."""
    rows = np.empty_like(encodings.appearance)
    for row, vector in enumerate(encodings.appearance):
        scaled = unit_vector(vector)
        if scaled is None:
            raise InputError(
                f"the model gave detection {row} an appearance that is zero or not finite; check its weights"
            )
        rows[row] = scaled
    return rows
