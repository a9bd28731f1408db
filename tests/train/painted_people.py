"""Training data without files: people are two colours, top and bottom, with some noise."""

from __future__ import annotations

import numpy as np
import torch

from keyreid_stream.models.config import ModelConfig
from keyreid_train.data.structures import ClipBatch
from keyreid_train.feeding import TrainingData
from keyreid_train.optimiser import OptimiserConfig
from keyreid_train.sampler import Appearance, BatchConfig, ClipRequest
from keyreid_train.settings import DataConfig, LoopConfig, TrainConfig
from tests.models.small_models import PATCHES, small_config

CAMERAS = 2


class PaintedClips:
    """Two tracklets of each person, one per camera."""

    def __init__(self, people: int, config: ModelConfig) -> None:
        self.appearances = tuple(Appearance(person, camera) for person in range(people) for camera in range(CAMERAS))
        self._colours = np.random.default_rng(0).integers(0, 256, (people, 2, 3))
        self._config = config
        self.asked: list[ClipRequest] = []

    def __getitem__(self, request: ClipRequest) -> ClipBatch:
        self.asked.append(request)
        label, camera = self.appearances[request.tracklet]
        generator = np.random.default_rng((request.epoch, request.tracklet, request.draw))
        shape = (request.frames, 3, self._config.crop_height, self._config.crop_width)
        pixels = generator.normal(0, 25, shape) + 20 * camera
        half = self._config.crop_height // 2
        pixels[:, :, :half] += self._colours[label, 0][:, None, None]
        pixels[:, :, half:] += self._colours[label, 1][:, None, None]
        return ClipBatch(
            torch.from_numpy(pixels.clip(0, 255).astype(np.uint8)),
            torch.ones(request.frames, self._config.parts, PATCHES),
            torch.tensor(label),
            torch.tensor(camera),
            torch.zeros(request.frames),
        )


def painted_data(people: int = 6) -> tuple[PaintedClips, TrainingData]:
    clips = PaintedClips(people, small_config())
    names = tuple(f"person {label}" for label in range(people))
    return clips, TrainingData(clips, clips.appearances, names, names=("painted",))


def painted_config(**changes: object) -> TrainConfig:
    """Three epochs of three small batches, in full precision."""
    loop = LoopConfig(epochs=3, steps=3, precision="no", log_every=2, drop_path=0.1, average_decay=0.9)
    settings: dict[str, object] = {
        "recipe": "painted",
        "model": small_config(),
        "data": DataConfig(sets=("painted",), validation_share=0),
        "batch": BatchConfig(identities=3, clips=2, frames=(1, 2)),
        "optimiser": OptimiserConfig(learning_rate=1e-3),
        "loop": loop,
        "device": "cpu",
    }
    return TrainConfig.model_validate(settings | changes)
