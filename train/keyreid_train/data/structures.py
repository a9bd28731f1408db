"""What training data is: tracklets on disk, and clips in batches.

Letters: B clips, T frames, P parts, M patches, H×W pixels of a crop.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch

from keyreid_stream.structures import FloatArray, ImageArray


@dataclass(frozen=True, slots=True, eq=False)
class Tracklet:
    """One person in one camera, in order of time.

    Attributes:
        person_id: who it shows.
        camera_id: where.
        name: unique in its set, for logs and caches.
        images: crops on disk, of any size.
        keypoints: (T, 17, 3) float32, x, y in pixels of each stored crop and confidence; None where unknown.
    """

    person_id: str
    camera_id: str
    name: str
    images: tuple[Path, ...]
    keypoints: FloatArray | None = None

    def __len__(self) -> int:
        return len(self.images)


@dataclass(frozen=True, slots=True, eq=False)
class TrackletSet:
    """Tracklets of many people.

    Attributes:
        name: of the set.
        tracklets: in a fixed order.
    """

    name: str
    tracklets: tuple[Tracklet, ...]

    def __len__(self) -> int:
        return len(self.tracklets)

    @property
    def person_ids(self) -> tuple[str, ...]:
        """Everyone, sorted."""
        return tuple(sorted({tracklet.person_id for tracklet in self.tracklets}))

    @property
    def camera_ids(self) -> tuple[str, ...]:
        """Every camera, sorted."""
        return tuple(sorted({tracklet.camera_id for tracklet in self.tracklets}))


class ClipSample(NamedTuple):
    """One clip before batching: what augmentation works on.

    Attributes:
        images: (T, H, W, 3) uint8 RGB, at the model's crop size.
        keypoints: (T, 17, 3) float32, x, y in crop pixels and confidence.
        erased: (T,) float32 in [0, 1], whether pixels of a frame were erased.
    """

    images: ImageArray
    keypoints: FloatArray
    erased: FloatArray


class ClipBatch(NamedTuple):
    """Clips of equal length.

    Attributes:
        images: (B, T, 3, H, W) uint8 RGB.
        part_weights: (B, T, P, M) float32.
        labels: (B,) int64.
        cameras: (B,) int64.
        erased: (B, T) float32.
    """

    images: torch.Tensor
    part_weights: torch.Tensor
    labels: torch.Tensor
    cameras: torch.Tensor
    erased: torch.Tensor
