"""One camera's BoxMOT tracker behind our `Tracker` seam."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from keyreid_stream.errors import ConfigError
from keyreid_stream.structures import Detections, FloatArray, Frame, ImageArray, IntArray, Tracks
from keyreid_stream.tracking.config import TrackingConfig
from keyreid_stream.tracking.options import build_tracker
from keyreid_stream.tracking.trackers import TRACKERS
from keyreid_stream.tracking.unit_vectors import unit_rows, unit_vector
from keyreid_stream.tracking.write_back import fits_appearance

logger = logging.getLogger("keyreid_stream.tracking")


class BoxmotTracker:
    """Follows people through one camera's frames with any tracker that `TrackingConfig` names.

    Track ids are our own: 1, 2, 3, … per tracker in order of first appearance, never reused. Detections that no
    tracker can use (boxes without area, numbers that are not finite) are passed over. Appearance is scaled to length
    1; a zero or non-finite row counts as looking like nobody (`unit_vectors.neutral_vector`).

    With a tracker that matches by motion only, `write_back` does nothing; this is logged once, at INFO.
    """

    def __init__(self, config: TrackingConfig, *, camera_id: str, fps: float) -> None:
        """Build the tracker.

        Args:
            config: which tracker, and its settings.
            camera_id: the camera it follows people in.
            fps: the camera's nominal frames per second.

        Raises:
            ConfigError: the frame rate is not positive, or the tracker refuses an option.
            KeyReIDError: the installed BoxMOT is not one we support.
        """
        if not (math.isfinite(fps) and fps > 0):
            raise ConfigError(f"camera {camera_id!r} has {fps} frames per second; give a positive number")
        self.camera_id = camera_id
        self._traits = TRACKERS[config.tracker]
        self._tracker: Any = build_tracker(
            config.tracker, config.options, compensating=config.camera_motion_compensation, fps=fps
        )
        self._ids = _TrackIds()
        self._blank: ImageArray | None = None
        matches_appearance = self._traits.write is not None and bool(self._tracker.use_embeddings)
        self._writes = config.write_back and matches_appearance
        if config.write_back and not matches_appearance:
            logger.info("camera %s: %s matches by motion only, clips are not written back", camera_id, config.tracker)

    def update(self, frame: Frame, detections: Detections, appearance: FloatArray) -> Tracks:
        """Advance by one frame; call it for frames without people too.

        Args:
            frame: the camera's next frame. Its pixels are looked at only to compensate camera motion.
            detections: the N people found in it.
            appearance: (N, D) float32, one row per detection, D the same in every frame.

        Returns:
            The tracks shown in this frame, by track id.

        Raises:
            ValueError: a frame of another camera, or rows that do not fit the detections.
        """
        if frame.camera_id != self.camera_id:
            raise ValueError(f"the tracker of camera {self.camera_id!r} got a frame of camera {frame.camera_id!r}")
        if len(appearance) != len(detections):
            raise ValueError(f"{len(detections)} detections need as many appearance rows, got {len(appearance)}")
        rows = _usable_rows(detections)
        shown = self._tracker.update(
            self._boxmot_detections(frame, detections.select(rows), appearance[rows]),
            self._boxmot_image(frame),
            timestamp_s=frame.timestamp_s,
        )
        self._traits.tidy(self._tracker)
        return self._our_tracks(shown, rows)

    def write_back(self, embeddings: Mapping[int, FloatArray]) -> None:
        """Let live tracks match the next frame by these embeddings instead of by what the tracker has learnt.

        The next match blends the frame's appearance in, so call it after every `update`, with the newest embedding
        of each track. Tracks that ended, and vectors that are zero or not finite, are passed over.

        Args:
            embeddings: (D,) global parts of clips, by track id, of any length; D as in `update`.

        Raises:
            ValueError: an embedding is not as wide as the appearance.
        """
        if not self._writes:
            return
        live = self._traits.live_tracks(self._tracker)
        for boxmot_id, track_id in self._ids.known():
            if track_id in embeddings and boxmot_id in live:
                self._write(live[boxmot_id], track_id, embeddings[track_id])

    def _write(self, track: Any, track_id: int, embedding: FloatArray) -> None:
        if not fits_appearance(self._tracker, embedding):
            width = self._tracker.last_emb_size
            raise ValueError(f"track {track_id} is matched by {width} numbers, got an embedding of {embedding.shape}")
        vector = unit_vector(embedding)
        if vector is not None and self._traits.write is not None:
            self._traits.write(self._tracker, track, vector)

    def _boxmot_detections(self, frame: Frame, detections: Detections, appearance: FloatArray) -> Any:
        from boxmot.structures import Boxes
        from boxmot.structures import Detections as BoxmotDetections

        found = BoxmotDetections(
            geometry=Boxes(torch.from_numpy(np.ascontiguousarray(detections.boxes_xyxy))),
            scores=torch.from_numpy(np.clip(detections.confidence, 0.0, 1.0)),
            class_ids=torch.zeros(len(detections), dtype=torch.int64),
            sample_id=f"{frame.camera_id}:{frame.frame_index}",
        )
        if len(detections) and self._tracker.use_embeddings:
            return found.with_embeddings(torch.from_numpy(unit_rows(appearance)))
        return found

    def _boxmot_image(self, frame: Frame) -> ImageArray | None:
        """The picture in BGR for a tracker that looks at pixels, a blank one where only its size matters, else None."""
        if getattr(self._tracker, "cmc", None) is not None:
            return np.ascontiguousarray(frame.image[..., ::-1])
        if not self._tracker.requirements.frame:
            return None
        if self._blank is None or self._blank.shape != frame.image.shape:
            self._blank = np.zeros(frame.image.shape, np.uint8)
        return self._blank

    def _our_tracks(self, shown: Any, rows: IntArray) -> Tracks:
        boxmot_ids = shown.track_ids.numpy()
        detection_indices = np.array([rows[i] if i >= 0 else -1 for i in shown.detection_indices.tolist()], np.int64)
        # New tracks are numbered in the order of their detections.
        for boxmot_id in boxmot_ids[np.argsort(detection_indices, kind="stable")]:
            self._ids.number(int(boxmot_id))
        track_ids = np.array([self._ids.number(int(boxmot_id)) for boxmot_id in boxmot_ids], np.int64)
        order = np.argsort(track_ids)
        return Tracks(
            track_ids=track_ids[order],
            boxes_xyxy=shown.geometry.values.numpy()[order],
            confidence=shown.scores.numpy()[order],
            detection_indices=detection_indices[order],
            ended=self._ids.end_all_but(self._traits.live_ids(self._tracker)),
        )


class _TrackIds:
    """Our track ids for BoxMOT's, of tracks that have not ended."""

    def __init__(self) -> None:
        self._ours: dict[int, int] = {}
        self._next = 1

    def number(self, boxmot_id: int) -> int:
        """Our id of a track, a new one at its first appearance."""
        if boxmot_id not in self._ours:
            self._ours[boxmot_id] = self._next
            self._next += 1
        return self._ours[boxmot_id]

    def known(self) -> list[tuple[int, int]]:
        """(BoxMOT's id, our id) of the tracks that have not ended."""
        return list(self._ours.items())

    def end_all_but(self, live: set[int]) -> tuple[int, ...]:
        """Forget the tracks that cannot come back; our ids of them, in order."""
        ended = [boxmot_id for boxmot_id in self._ours if boxmot_id not in live]
        return tuple(sorted(self._ours.pop(boxmot_id) for boxmot_id in ended))


def _usable_rows(detections: Detections) -> IntArray:
    """Rows with a box that has area and with finite numbers."""
    boxes, confidence = detections.boxes_xyxy, detections.confidence
    finite = np.isfinite(boxes).all(axis=1) & np.isfinite(confidence)
    return np.flatnonzero(finite & (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])).astype(np.int64)
