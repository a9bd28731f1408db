"""Small worlds for trackers: people as boxes with an appearance each, and a model that sees only colours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from keyreid_stream.structures import (
    Clip,
    ClipEmbeddings,
    Crops,
    CropSpec,
    Detections,
    EmbeddingLayout,
    Encodings,
    FloatArray,
    Frame,
    Tracks,
)
from keyreid_stream.tracking import BoxmotTracker, TrackingConfig

HEIGHT, WIDTH = 480, 640
APPEARANCE_TRACKERS = ("botsort", "strongsort", "deepocsort", "hybridsort", "boosttrack", "occluboost")
MOTION_TRACKERS = ("bytetrack", "ocsort", "sfsort")
ALL_TRACKERS = APPEARANCE_TRACKERS + MOTION_TRACKERS


@dataclass(frozen=True)
class Step:
    """One frame of a scene; `people` (N,) says who is behind each detection."""

    frame: Frame
    detections: Detections
    appearance: FloatArray
    people: tuple[int, ...]


def box(x: float, y: float = 100, width: float = 60, height: float = 160) -> list[float]:
    return [x, y, x + width, y + height]


def step(
    index: int,
    boxes: Sequence[Sequence[float]],
    appearance: Sequence[FloatArray] | FloatArray,
    *,
    confidence: float | Sequence[float] = 0.9,
    camera_id: str = "cam",
    image: np.ndarray | None = None,
    people: Sequence[int] | None = None,
    dim: int = 8,
) -> Step:
    count = len(boxes)
    scores = np.full(count, confidence, np.float32) if isinstance(confidence, float) else np.float32(confidence)
    picture = np.zeros((HEIGHT, WIDTH, 3), np.uint8) if image is None else image
    return Step(
        Frame(camera_id, index, index / 10, picture),
        Detections(np.array(boxes, np.float32).reshape(count, 4), scores.reshape(count)),
        np.array(appearance, np.float32).reshape(count, -1) if count else np.zeros((0, dim), np.float32),
        tuple(people or range(count)),
    )


def one_hot(index: int, dim: int = 8) -> FloatArray:
    vector = np.zeros(dim, np.float32)
    vector[index] = 1
    return vector


def crowd(seed: int, frames: int, *, people: int = 5, camera_id: str = "cam", dim: int = 8) -> list[Step]:
    """People walking about, coming, going, sometimes missed or doubtful, in shuffled order."""
    random = np.random.default_rng(seed)
    looks = random.normal(size=(people, dim))
    centre = random.uniform((80, 100), (WIDTH - 80, HEIGHT - 120), size=(people, 2))
    speed = random.uniform(-4, 4, size=(people, 2))
    size = random.uniform((35, 90), (60, 150), size=(people, 2))
    leaves = random.integers(frames // 2, 2 * frames, size=people)
    steps = []
    for index in range(frames):
        centre += speed
        speed = np.where((centre < (60, 80)) | (centre > (WIDTH - 60, HEIGHT - 100)), -speed, speed)
        seen = [who for who in random.permutation(people) if random.random() > 0.1 and index < leaves[who]]
        corners = [np.r_[centre[who] - size[who] / 2, centre[who] + size[who] / 2] for who in seen]
        steps.append(
            step(
                index,
                [corner + random.normal(scale=1.5, size=4) for corner in corners],
                [looks[who] + random.normal(scale=0.3, size=dim) for who in seen],
                confidence=[random.choice([0.9, 0.8, 0.75, 0.4]) for _ in seen],
                camera_id=camera_id,
                people=seen,
                dim=dim,
            )
        )
    return steps


def tracker(name: str, *, camera_id: str = "cam", fps: float = 30.0, **settings: object) -> BoxmotTracker:
    return BoxmotTracker(TrackingConfig(tracker=name, **settings), camera_id=camera_id, fps=fps)


def follow(tracker: BoxmotTracker, steps: Sequence[Step]) -> list[Tracks]:
    return [tracker.update(one.frame, one.detections, one.appearance) for one in steps]


def rows(tracks: Tracks) -> list[tuple[object, ...]]:
    """Everything in `tracks`, comparable with ==."""
    columns = (tracks.track_ids, tracks.boxes_xyxy, tracks.confidence, tracks.detection_indices)
    return [tracks.ended, *zip(*(column.tolist() for column in columns), strict=True)]


SPEC = CropSpec(height=32, width=16, grid_rows=2, grid_columns=1, parts=2)


class ColourEncoder:
    """A frame encoder whose appearance is the crop's mean colour; remembers what it was called with."""

    crop_spec = SPEC

    def __init__(self) -> None:
        self.batches: list[int] = []
        self.part_weights: list[FloatArray] = []

    def encode(self, crops: Crops) -> Encodings:
        self.batches.append(len(crops))
        self.part_weights.append(crops.part_weights)
        colours = crops.images.mean(axis=(1, 2)).astype(np.float32) / 255
        rows = torch.from_numpy(colours)
        tokens = rows[:, None].repeat(1, 1 + SPEC.patches, 1)
        return Encodings(tokens, rows, torch.from_numpy(crops.part_weights), colours * 3)  # of any length


class MeanHead:
    """A clip head whose global part is the mean class row of the clip."""

    frames_per_clip = 4
    layout = EmbeddingLayout(global_dim=3, parts=2, part_dim=1)

    def __init__(self) -> None:
        self.clips: list[Clip] = []

    def embed(self, clips: Sequence[Clip]) -> ClipEmbeddings:
        self.clips += clips
        vectors = np.zeros((len(clips), self.layout.size), np.float32)
        for row, clip in enumerate(clips):
            vectors[row, :3] = clip.class_rows.mean(dim=0).numpy()
        return ClipEmbeddings(vectors, np.ones((len(clips), 2), np.float32), self.layout)
