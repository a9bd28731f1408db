"""The last crops of every track, from which its clips are made."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import torch

from keyreid_stream.errors import InputError
from keyreid_stream.structures import Clip, Encodings, TrackKey
from keyreid_stream.tracking.config import ClipConfig


@dataclass(frozen=True, slots=True)
class _Crop:
    """One encoded crop, on its own memory: `tokens` (S, D), `class_row` (D,), `part_weights` (P, M)."""

    tokens: torch.Tensor
    class_row: torch.Tensor
    part_weights: torch.Tensor


class _TrackCrops:
    """One track's newest kept crops, and the counts that say when its next clip is due."""

    def __init__(self, config: ClipConfig, frames_per_clip: int) -> None:
        self._config = config
        self._first_clip = min(config.min_crops, frames_per_clip)
        self._embed_every = config.embed_every or frames_per_clip
        self._kept: deque[_Crop] = deque(maxlen=frames_per_clip)
        self._kept_since_clip = 0
        self._last_clip_length = 0
        self.observations = 0

    def push(self, encodings: Encodings, row: int) -> None:
        if self.observations % self._config.clip_stride == 0:
            self._kept.append(
                _Crop(
                    encodings.tokens[row].clone(),
                    encodings.class_rows[row].clone(),
                    encodings.part_weights[row].clone(),
                )
            )
            self._kept_since_clip += 1
        self.observations += 1

    @property
    def is_due(self) -> bool:
        if self._last_clip_length == 0:
            return len(self._kept) >= self._first_clip
        just_filled = self._last_clip_length < len(self._kept) == self._kept.maxlen
        return just_filled or self._kept_since_clip >= self._embed_every

    def take(self) -> Clip:
        self._kept_since_clip = 0
        self._last_clip_length = len(self._kept)
        return Clip(
            torch.stack([crop.tokens for crop in self._kept]),
            torch.stack([crop.class_row for crop in self._kept]),
            torch.stack([crop.part_weights for crop in self._kept]),
        )


class ClipBuffer:
    """Keeps at most T encoded crops of every track, until the track is dropped.

    A clip is a track's last T kept crops, one of every `ClipConfig.clip_stride` that were pushed. Crops are copied
    out of their batch, on the device they are on, so memory is T crops per track, whatever the batches' sizes.
    """

    def __init__(self, config: ClipConfig, frames_per_clip: int) -> None:
        """Start empty.

        Args:
            config: which crops to keep and when a clip is due.
            frames_per_clip: T, the most crops of a clip; a larger `min_crops` is taken as T.

        Raises:
            ValueError: T is not positive.
        """
        if frames_per_clip < 1:
            raise ValueError(f"a clip needs at least one crop, got frames_per_clip {frames_per_clip}")
        self._config = config
        self._frames_per_clip = frames_per_clip
        self._tracks: dict[TrackKey, _TrackCrops] = {}

    def __len__(self) -> int:
        """Number of tracks with crops."""
        return len(self._tracks)

    def push(self, key: TrackKey, encodings: Encodings, row: int) -> None:
        """Take row `row` of `encodings` as the newest crop of a track."""
        if key not in self._tracks:
            self._tracks[key] = _TrackCrops(self._config, self._frames_per_clip)
        self._tracks[key].push(encodings, row)

    def observations(self, key: TrackKey) -> int:
        """Crops pushed for this track so far, kept or not."""
        return self._tracks[key].observations if key in self._tracks else 0

    def is_due(self, key: TrackKey) -> bool:
        """Whether the track has enough new crops for another clip embedding.

        It has at its first `ClipConfig.min_crops` kept crops, `ClipConfig.embed_every` kept crops after its last
        clip, and when its clip has just become full.
        """
        return key in self._tracks and self._tracks[key].is_due

    def take(self, key: TrackKey) -> Clip:
        """The track's clip as it is now; from here on counts what makes the next one due.

        Raises:
            InputError: the track has no crops.
        """
        if key not in self._tracks:
            raise InputError(f"no crops of track {key.track_id} of camera {key.camera_id!r}; push one before `take`")
        return self._tracks[key].take()

    def drop(self, key: TrackKey) -> None:
        """Forget a track, known or not."""
        self._tracks.pop(key, None)
