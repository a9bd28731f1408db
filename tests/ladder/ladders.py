"""Ladders over a small world, with fake encoders and a detector whose mistakes are known."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from keyreid_stream.config import DeploymentConfig, deployment
from keyreid_stream.fakes import FakeClipHead, FakeFrameEncoder
from keyreid_stream.interfaces import Sink, Source
from keyreid_stream.ladder import Ladder
from keyreid_stream.pipeline import Pipeline
from keyreid_stream.pose import PoseConfig
from keyreid_stream.structures import Detections, Frame
from keyreid_stream.world.address import open_world
from keyreid_stream.world.film import Film
from keyreid_stream.world.truth import MIN_VISIBLE_PIXELS
from tests.demo.demos import yard_config

SECONDS = 2.0


class CarelessDetector:
    """Takes the world's people a few pixels too far right, passes one over now and then, and sees a ghost."""

    films: dict[str, Film]
    weights = None

    def __init__(self, _: PoseConfig) -> None:
        pass

    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        return [self._found(frame) for frame in frames]

    def _found(self, frame: Frame) -> Detections:
        truth = self.films[frame.camera_id].shot(frame.frame_index).truth
        shown = truth.visible_pixels >= MIN_VISIBLE_PIXELS
        shown &= (truth.person_ids + frame.frame_index // 3) % 4 != 0
        boxes = np.concatenate([truth.visible_boxes_xyxy[shown] + [2, 0, 2, 0], [[0, 0, 20, 40]]]).astype(np.float32)
        return Detections(boxes, np.full(len(boxes), 0.8, np.float32), np.full((len(boxes), 17, 3), 0.5, np.float32))


def careless_detector(address: str) -> type[CarelessDetector]:
    """The detector of this world, as a class to put in a real one's place."""
    cameras = open_world(address)
    films = {camera.camera_id: Film(camera.world, place) for place, camera in enumerate(cameras)}
    return type("CarelessDetectorOfWorld", (CarelessDetector,), {"films": films})


def yard_address(folder: Path, seed: int = 6) -> str:
    return yard_config(folder, SECONDS, seed).address


def settings(*cameras: str, **tables: Any) -> DeploymentConfig:
    content = {
        "sources": {"cameras": list(cameras)},
        "output": {"video": False},
        "pose": {"weights": "none.pt"},
        # These pictures are so small that nobody's quality would be enough to found an identity.
        "association": {"min_quality": 0.0, "min_observations": 2},
    }
    return deployment(content | tables)


def make_pipeline(config: DeploymentConfig, sources: Sequence[Source]) -> Pipeline:
    return Pipeline.from_config(config, sources=sources, encoders=(FakeFrameEncoder(), FakeClipHead()))


def ladder(config: DeploymentConfig, out: Path, **options: Any) -> Ladder:
    return Ladder(config, out, make_pipeline=make_pipeline, command="keyreid eval ladder …", **options)


def climb(given: Ladder, sinks: Sequence[Sink] = ()) -> list[str]:
    """Climb it; the rungs that were run."""
    ran = []
    for step in given.steps():
        if step.run is not None:
            step.record(sinks)
            ran.append(step.rung.name)
    return ran
