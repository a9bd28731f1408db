"""Clips for plain BoxMOT code: a decorator around any BoxMOT tracker."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import torch

from keyreid_stream.interfaces import ClipHead
from keyreid_stream.structures import ClipEmbedding, Encodings, TrackKey
from keyreid_stream.tracking.appearance import KeyReIDAppearance
from keyreid_stream.tracking.clip_buffer import ClipBuffer
from keyreid_stream.tracking.config import ClipConfig
from keyreid_stream.tracking.trackers import traits_of
from keyreid_stream.tracking.unit_vectors import unit_vector
from keyreid_stream.tracking.write_back import fits_appearance

logger = logging.getLogger("keyreid_stream.tracking")


class ClipTracker:
    """A BoxMOT tracker whose tracks match by KeyRe-ID clips, and show their newest clip embedding.

    It is a BoxMOT `Tracker` itself: use it wherever one fits, in a loop of your own, in `TrackingPipeline`, or in
    `replay_build(…, tracker=ClipTracker(…))`. It encodes the detections of every frame, which gives the wrapped
    tracker their appearance, keeps the newest crops of every track, runs the clip head when a clip is due, and writes
    every track's newest clip back after each update. A tracker that keeps no appearance is only read, and so is one
    that matches by embeddings of another width, given with the detections; this is logged once, at INFO.

    What BoxMOT's trackers pile up over days is dropped after each update; OccluBoost's interpolated boxes (`flush_gta`)
    are among it.
    """

    def __init__(
        self,
        tracker: Any,
        appearance: KeyReIDAppearance,
        clip_head: ClipHead,
        *,
        clips: ClipConfig | None = None,
    ) -> None:
        """Wrap a tracker.

        Args:
            tracker: a BoxMOT tracker for upright boxes; its settings stay as they are.
            appearance: the model's first half.
            clip_head: the model's second half.
            clips: when clips are cut and embedded.
        """
        self._tracker = tracker
        self._appearance = appearance
        self._clip_head = clip_head
        self._clips = clips or ClipConfig()
        self._traits = traits_of(tracker)
        self._matches_appearance = bool(getattr(tracker, "generates_embeddings", False))
        self._writer = self._traits.write if self._traits is not None and self._matches_appearance else None
        if self._writer is None:
            logger.info("%s keeps no appearance that can be replaced, clips are not written back", tracker.name)
        self._told_of_widths = False
        self._forget()

    @property
    def embeddings(self) -> Mapping[int, ClipEmbedding]:
        """The newest clip embedding of each live track, by BoxMOT's track id."""
        return MappingProxyType(self._embeddings)

    def update(self, detections: Any, frame: Any = None, *, timestamp_s: float | None = None) -> Any:
        """Advance by one frame, with and for the same types as BoxMOT's trackers.

        Args:
            detections: BoxMOT `Detections`, or (N, 6) rows of x1, y1, x2, y2, confidence, class. Embeddings that are
                there already are what the wrapped tracker matches by; of one width, and with clips written back if
                that is the width of the model's global part.
            frame: a BoxMOT `Frame`, or (H, W, 3) uint8 BGR pixels.
            timestamp_s: when the frame was taken, for trackers with `variable_dt`.

        Returns:
            BoxMOT `Tracks`, or rows of x1, y1, x2, y2, track id, confidence, class, detection index.

        Raises:
            ValueError: there is no frame, or it does not belong to the detections.
            InputError: the model gave an appearance that is zero or not finite.
        """
        if frame is None:
            raise ValueError("clips are cut from pixels: give update() the frame")
        found = _canonical_detections(detections, sample_id=getattr(frame, "sample_id", "frame"))
        picture = _canonical_frame(frame, sample_id=found.sample_id)
        encodings = self._appearance.encode_frame(picture, found)
        if self._matches_appearance and len(found) and found.embeddings is None:
            found = found.with_embeddings(torch.from_numpy(encodings.appearance))
        tracks = self._tracker.update(found, picture, timestamp_s=timestamp_s)
        if self._traits is not None:
            self._traits.tidy(self._tracker)
        self._collect(tracks, encodings)
        self._embed(tracks)
        self._write_back()
        return tracks.to_aabb_rows().double().numpy() if isinstance(detections, np.ndarray) else tracks

    def reset(self) -> None:
        """Forget the sequence: the wrapped tracker's tracks and their clips."""
        self._tracker.reset()
        self._forget()

    @property
    def name(self) -> str:
        """The wrapped tracker's name."""
        return str(self._tracker.name)

    @property
    def capabilities(self) -> Any:
        """BoxMOT's `TrackerCapabilities` of the wrapped tracker."""
        return self._tracker.capabilities

    @property
    def requirements(self) -> Any:
        """BoxMOT's `TrackerRequirements`: always the frame's pixels, never embeddings from outside."""
        from boxmot.trackers.protocols import TrackerRequirements

        return TrackerRequirements(embeddings=False, masks=self._tracker.requirements.masks, frame=True)

    @property
    def generates_embeddings(self) -> bool:
        """Always: detections get their appearance here."""
        return True

    @property
    def supports_obb(self) -> bool:
        """Never: people are cropped from upright boxes."""
        return False

    @property
    def supports_variable_dt(self) -> bool:
        """Whether the wrapped tracker can predict over measured time."""
        return bool(self._tracker.supports_variable_dt)

    @property
    def variable_dt(self) -> bool:
        """Whether the wrapped tracker predicts over measured time."""
        return bool(self._tracker.variable_dt)

    def validate_timing(self, frame: Any = None, *, timestamp_s: float | None = None) -> float | None:
        """The wrapped tracker's check of capture times."""
        interval: float | None = self._tracker.validate_timing(frame, timestamp_s=timestamp_s)
        return interval

    def _forget(self) -> None:
        self._buffer = ClipBuffer(self._clips, self._clip_head.frames_per_clip)
        self._embeddings: dict[int, ClipEmbedding] = {}
        self._unseen: dict[int, int] = {}

    def _collect(self, tracks: Any, encodings: Encodings) -> None:
        """Put the crop behind each track into its clip; forget the tracks that ended."""
        shown = tracks.track_ids.tolist()
        for track_id, row in zip(shown, tracks.detection_indices.tolist(), strict=True):
            if row >= 0:
                self._buffer.push(self._key(track_id), encodings, row)
        for track_id in self._ended(shown):
            self._buffer.drop(self._key(track_id))
            self._embeddings.pop(track_id, None)
            del self._unseen[track_id]

    def _ended(self, shown: list[int]) -> list[int]:
        """Tracks the tracker has forgotten; of one that we cannot look into, those unseen for its `max_age` frames."""
        self._unseen = {track_id: frames + 1 for track_id, frames in self._unseen.items()} | dict.fromkeys(shown, 0)
        if self._traits is not None:
            live = self._traits.live_ids(self._tracker)
            return [track_id for track_id in self._unseen if track_id not in live]
        oldest = int(getattr(self._tracker, "max_age", 30))
        return [track_id for track_id, frames in self._unseen.items() if frames > oldest]

    def _embed(self, tracks: Any) -> None:
        due = [track_id for track_id in tracks.track_ids.tolist() if self._buffer.is_due(self._key(track_id))]
        embedded = self._clip_head.embed([self._buffer.take(self._key(track_id)) for track_id in due])
        self._embeddings |= {track_id: embedded[row] for row, track_id in enumerate(due)}

    def _write_back(self) -> None:
        if self._traits is None or self._writer is None:
            return
        for track_id, track in self._traits.live_tracks(self._tracker).items():
            if track_id not in self._embeddings:
                continue
            embedding = self._embeddings[track_id].global_part
            if not fits_appearance(self._tracker, embedding):
                self._tell_of_widths(len(embedding))
                return
            vector = unit_vector(embedding)
            if vector is not None:
                self._writer(self._tracker, track, vector)

    def _tell_of_widths(self, clip_width: int) -> None:
        if not self._told_of_widths:
            given, name = self._tracker.last_emb_size, self.name
            logger.info("%s matches by %s numbers, clips of %d are not written back", name, given, clip_width)
        self._told_of_widths = True

    def _key(self, track_id: int) -> TrackKey:
        return TrackKey(self.name, track_id)


def _canonical_detections(detections: Any, *, sample_id: str) -> Any:
    """BoxMOT `Detections` of either form of input; rows without a name belong to this frame."""
    if not isinstance(detections, np.ndarray):
        return detections
    from boxmot.structures import Boxes, Detections

    if detections.ndim != 2 or detections.shape[1] != 6:
        raise ValueError(f"detection rows must have shape (N, 6), got {detections.shape}")
    rows = torch.from_numpy(np.ascontiguousarray(detections, np.float32))
    return Detections(
        geometry=Boxes(rows[:, :4].contiguous()),
        scores=rows[:, 4].contiguous(),
        class_ids=rows[:, 5].to(torch.int64),
        sample_id=sample_id,
    )


def _canonical_frame(frame: Any, *, sample_id: str) -> Any:
    """A BoxMOT `Frame` of either form of input; pixels without a name belong to these detections."""
    if not isinstance(frame, np.ndarray):
        return frame
    from boxmot.structures import Frame

    return Frame(torch.from_numpy(np.ascontiguousarray(frame[..., ::-1].transpose(2, 0, 1))), sample_id=sample_id)
