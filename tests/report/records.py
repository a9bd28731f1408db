"""A run's leftovers, made by hand: two cameras, two identities, no networks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from keyreid_stream.evaluation import RunScores, TrackingScores
from keyreid_stream.report import DemoRecord, Ingredient
from keyreid_stream.sinks import BestCrop, FloorPath
from keyreid_stream.sinks.mp4 import Mp4File
from keyreid_stream.structures import TrackKey
from tests.world.small_worlds import YARD

SCENE = YARD.model_copy(
    update={"cameras": (YARD.cameras[0], YARD.cameras[1].model_copy(update={"sensor": YARD.cameras[0].sensor}))}
)
"""The yard with cameras whose clocks agree."""


def scores(idf1: float, truth_ids: int = 3) -> TrackingScores:
    return TrackingScores(0.5, 0.6, 0.4, 0.9, idf1, 0.7, 0.8, -0.25, 7, 11, 13, 90, 103, 101, truth_ids, 2)


RUN: dict[str, Any] = {
    "status": "finished",
    "started": "2026-11-05T10:30:00+00:00",
    "wall_s": 10.0,
    "frames_per_s": 4.0,
    "counts": {"frames": 40, "identities": 2},
    "cameras": {"east": {"last_timestamp_s": 1.9}, "west": {"last_timestamp_s": 2.0}},
    "stages": {"sources": {"total_s": 2.0}, "pose": {"total_s": 5.0}, "a new stage": {"total_s": 0.5}},
    "pose_weights": {"path": "x.pt", "sha256": "ab" * 32},
    "model": {"name": "tiny", "parameters": 5_600_000, "sha256": "cd" * 32},
    "settings": {"tracking": {"tracker": "botsort"}},
    "versions": {"python": "3.11", "torch": "2.15"},
    "machine": {"system": "Linux", "threads": 2, "gpu": None},
}


def path(camera_id: str, track_id: int, identity_id: int, start_s: float, y: float) -> FloorPath:
    times_s = start_s + np.arange(10) / 10
    return FloorPath(
        TrackKey(camera_id, track_id), identity_id, times_s, np.stack([4 + times_s, np.full(10, y)], axis=1)
    )


def record(folder: Path, **changes: Any) -> DemoRecord:
    folder.mkdir(parents=True, exist_ok=True)
    grey = BestCrop(np.full((80, 40, 3), 120, np.uint8), 0.3, 3, (0.0, 0.0, 40.0, 80.0), 1.0)
    content: dict[str, Any] = {
        "folder": folder,
        "scene": SCENE,
        "seed": 7,
        "seconds": 2.0,
        "command": "keyreid demo --scene yard.toml --seconds 2 --seed 7",
        "run": RUN,
        "detector": Ingredient("world-pose", "Trained on drawn people."),
        "reid": Ingredient("keyreid-tiny"),
        "paths": (path("east", 1, 1, 0.0, 2.0), path("east", 2, 2, 1.0, 3.0), path("west", 1, 1, 0.5, 2.1)),
        "crops": {1: {"east": grey, "west": grey}, 2: {"east": grey}},
        "scores": RunScores({"east": scores(0.9), "west": scores(0.8)}, scores(0.666)),
    }
    return DemoRecord(**(content | changes))


def add_mosaic(folder: Path) -> Path:
    (folder / "videos").mkdir(parents=True, exist_ok=True)
    file = Mp4File(folder / "videos" / "mosaic.mp4", 10)
    for index in range(20):
        file.write(np.full((48, 64, 3), 10 * index, np.uint8), index / 10)
    file.close()
    return folder / "videos" / "mosaic.mp4"
