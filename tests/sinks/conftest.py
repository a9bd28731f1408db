from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from keyreid_stream.structures import CameraTick, Detections, Event, Frame, Tick, Tracks

CameraTickMaker = Callable[..., CameraTick]
TickMaker = Callable[..., Tick]


@pytest.fixture
def camera_tick() -> CameraTickMaker:
    """One camera's share of a tick from (track_id, identity_id, box, confidence) rows."""

    def make(
        camera_id: str = "cam",
        frame_index: int = 0,
        rows: Sequence[tuple[int, int, Sequence[float], float]] = (),
        *,
        fps: float = 10.0,
        timestamp_s: float | None = None,
        image: np.ndarray | None = None,
        keypoints: np.ndarray | None = None,
        predicted: bool = False,
    ) -> CameraTick:
        image = np.full((96, 128, 3), 90, np.uint8) if image is None else image
        time = frame_index / fps if timestamp_s is None else timestamp_s
        boxes = np.array([row[2] for row in rows], np.float32).reshape(-1, 4)
        confidence = np.array([row[3] for row in rows], np.float32)
        indices = np.full(len(rows), -1, np.int64) if predicted else np.arange(len(rows))
        return CameraTick(
            Frame(camera_id, frame_index, time, image),
            Detections(boxes, confidence, keypoints),
            Tracks(np.array([row[0] for row in rows], np.int64), boxes, confidence, indices),
            np.array([row[1] for row in rows], np.int64),
            {},
        )

    return make


@pytest.fixture
def tick() -> TickMaker:
    """A tick of these cameras and events, at the first camera's time."""

    def make(*cameras: CameraTick, events: Sequence[Event] = (), index: int = 0, at: float | None = None) -> Tick:
        time = at if at is not None else (cameras[0].frame.timestamp_s if cameras else 0.0)
        return Tick(index, time, cameras, tuple(events))

    return make
