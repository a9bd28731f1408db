"""A camera whose truth is written down by hand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import cast

import numpy as np

from keyreid_stream.oracle import Truth
from keyreid_stream.structures import Detections, FloatArray, Frame
from keyreid_stream.world.film import Film
from keyreid_stream.world.truth import FrameTruth
from keyreid_stream.world.world import World
from tests.world.staged import shot

Box = tuple[float, float, float, float]

WORLD = cast("World", object())
"""Oracles only ask whether cameras film the same one."""

LEFT: Box = (5, 10, 25, 50)
RIGHT: Box = (50, 10, 70, 50)
"""Two places in a picture of 80 x 60, 800 pixels each, which do not overlap."""

NO_APPEARANCE = np.zeros((0, 4), np.float32)


class ScriptedSource:
    """A camera that sees these people in these boxes, frame by frame; ten frames a second."""

    def __init__(
        self,
        camera_id: str,
        people: Sequence[dict[int, Box]],
        *,
        keeps_truth: bool = True,
        world: World = WORLD,
        fps: float = 10.0,
    ) -> None:
        self.camera_id = camera_id
        self.fps = fps
        self.world = world
        self.keeps_truth = keeps_truth
        self.shots = [shot(index, boxes, camera_id=camera_id, fps=fps) for index, boxes in enumerate(people)]

    def frames(self) -> Iterator[Frame]:
        return (one.frame for one in self.shots)

    def truth_at(self, frame_index: int) -> FrameTruth:
        return self.shots[frame_index].truth


class ReplayedSource:
    """A camera of a world whose film was shot before."""

    def __init__(self, world: World, film: Film) -> None:
        self.camera_id = film.view.name
        self.fps = film.view.fps
        self.world = world
        self.keeps_truth = True
        self.shots = [film.shot(index) for index in range(len(film))]

    def frames(self) -> Iterator[Frame]:
        return (one.frame for one in self.shots)

    def truth_at(self, frame_index: int) -> FrameTruth:
        return self.shots[frame_index].truth


def truth_of(*people: dict[int, Box], camera_id: str = "door") -> tuple[Truth, list[Frame]]:
    """The truth about a camera that sees these people, and its frames."""
    source = ScriptedSource(camera_id, people)
    return Truth([source]), list(source.frames())


def detections(*boxes: Box, confidence: float = 0.7, keypoints: FloatArray | None = None) -> Detections:
    return Detections(
        np.array(boxes, np.float32).reshape(-1, 4), np.full(len(boxes), confidence, np.float32), keypoints
    )


def moved(box: Box, pixels: float) -> Box:
    """The box, this far to the right."""
    x1, y1, x2, y2 = box
    return (x1 + pixels, y1, x2 + pixels, y2)
