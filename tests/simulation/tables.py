"""Small tables of sightings, written by hand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from keyreid_stream.simulation.sightings import FPS, Sightings


def table(rows: Sequence[tuple[int, int, int]], *, lefts: Sequence[float] | None = None) -> Sightings:
    """Sightings (frame, camera, person), fully visible; 10 px wide boxes, 20 px apart by person or at `lefts`."""
    order = sorted(range(len(rows)), key=lambda place: rows[place])
    frames, cameras, people = np.array([rows[place] for place in order], np.int64).reshape(-1, 3).T
    x = 20.0 * people if lefts is None else np.array([lefts[place] for place in order])
    boxes = np.stack([x, np.zeros(len(x)), x + 10, np.full(len(x), 60.0)], axis=1).astype(np.float32)
    last = int(frames.max(initial=0))
    return Sightings(
        camera_ids=("a", "b", "c"),
        camera=cameras,
        frame_index=frames,
        time_s=frames / FPS,
        person_id=people,
        boxes_xyxy=boxes,
        share=np.ones(len(rows), np.float32),
        parts=np.ones((len(rows), 6), np.bool_),
        quality=np.ones(len(rows), np.float32),
        floor_xy=np.stack([people, cameras], axis=1).astype(np.float64),
        frame_times_s=np.arange(last + 1) / FPS,
    )


def walk(frames: range, camera: int, person: int) -> list[tuple[int, int, int]]:
    """Someone in view of a camera throughout."""
    return [(frame, camera, person) for frame in frames]
