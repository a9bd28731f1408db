"""Who is seen when, where and how well, by every camera of a drawn world: one table, made once and kept in a file."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from itertools import groupby
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from keyreid_stream.evaluation.tracking import MIN_VISIBILITY
from keyreid_stream.models.parts import PART_KEYPOINTS
from keyreid_stream.simulation.stick_figures import StickFigures
from keyreid_stream.structures import FloatArray, IntArray
from keyreid_stream.world.address import WorldAddress
from keyreid_stream.world.render.background import Stage
from keyreid_stream.world.scene import Scene
from keyreid_stream.world.sensor import frame_times
from keyreid_stream.world.structures import WorldState
from keyreid_stream.world.truth import MIN_VISIBLE_PIXELS, VISIBLE, FrameTruth
from keyreid_stream.world.world import World

FPS = 5.0
"""Frames a second: half of the ready scenes', enough for people who walk."""

WIDTH, HEIGHT = 320, 180
"""Size of the pictures that tell who hides whom: a quarter of the ready scenes' pixels, which shows it well enough."""

_SCENE_PIXELS = 640 * 360
_LEAST_PIXELS = MIN_VISIBLE_PIXELS * WIDTH * HEIGHT / _SCENE_PIXELS

_VERSION = 2
"""Raised when the same world gives another table, so that kept ones are not taken for it."""

_TRUNK_AND_LEGS = (5, 6, 11, 12, 13, 14, 15, 16)
"""Keypoints whose share counts for quality: without them there is a head and little to tell."""


@dataclass(frozen=True, slots=True, eq=False)
class Sightings:
    """N sightings, ordered by time, then camera, then person.

    Attributes:
        camera_ids: names of the cameras, in the scene's order.
        camera: (N,) int64, place in `camera_ids`.
        frame_index: (N,) int64, of the camera's frames.
        time_s: (N,) float64, on the world's clock.
        person_id: (N,) int64, who it is.
        boxes_xyxy: (N, 4) float32, around what can be seen, pixels of a picture of `WIDTH` x `HEIGHT`.
        share: (N,) float32, how much of the person's part of the picture can be seen.
        parts: (N, P) bool, body parts of which a keypoint can be seen.
        quality: (N,) float32, 0 to 1: `share` times the share of trunk and legs' keypoints that can be seen.
        floor_xy: (N, 2) float64, where the person stands, metres.
        frame_times_s: (F,) float64, times at which any camera took a frame, rising.
    """

    camera_ids: tuple[str, ...]
    camera: IntArray
    frame_index: IntArray
    time_s: NDArray[np.float64]
    person_id: IntArray
    boxes_xyxy: FloatArray
    share: FloatArray
    parts: NDArray[np.bool_]
    quality: FloatArray
    floor_xy: NDArray[np.float64]
    frame_times_s: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.person_id)


def sightings_of(scene: str, seed: int, seconds: float, *, cache: Path | None = None) -> Sightings:
    """Everyone whom each camera can see, frame by frame.

    Someone of whom less than a tenth or a handful of pixels can be seen is not sighted, as by a detector. Cameras are
    in step, on the world's clock. Tables take some seconds to make; with a cache they are made once.

    Args:
        scene: a ready scene's name, or a scene's TOML file.
        seed: of the world.
        seconds: how long it lasts.
        cache: folder in which the tables are kept; made if it is not there. None keeps nothing.

    Raises:
        ConfigError: there is no such scene, or it cannot be.
    """
    wanted = WorldAddress.of(scene=scene, seed=seed, seconds=seconds, fps=FPS, width=WIDTH, height=HEIGHT)
    described = wanted.described()
    file = None if cache is None else cache / f"{described.name}-{_fingerprint(described, seed, seconds)}.npz"
    if file is not None and file.is_file():
        return _read(file)
    table = _table(World(described, seed, seconds))
    if file is not None:
        _write(file, table)
    return table


def _fingerprint(scene: Scene, seed: int, seconds: float) -> str:
    return hashlib.sha256(f"{_VERSION} {scene.model_dump_json()} {seed} {seconds!r}".encode()).hexdigest()[:16]


def _read(file: Path) -> Sightings:
    with np.load(file, allow_pickle=False) as stored:
        values = {field.name: stored[field.name] for field in fields(Sightings)}
    return Sightings(**{**values, "camera_ids": tuple(values["camera_ids"].tolist())})


def _write(file: Path, table: Sightings) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    values = {field.name: np.asarray(getattr(table, field.name)) for field in fields(Sightings)}
    whole = file.with_suffix(".part.npz")
    np.savez_compressed(whole, **values)  # type: ignore[arg-type]
    whole.replace(file)


@dataclass(frozen=True, slots=True, eq=False)
class _Shot:
    """What one camera can see in one frame."""

    camera: int
    frame_index: int
    truth: FrameTruth


def _table(world: World) -> Sightings:
    views = world.scene.cameras
    stage = Stage(world.scene)
    figures = [StickFigures(stage, camera) for camera in world.cameras]
    times = [frame_times(view, world.seconds, world.seed) for view in views]
    frames = sorted((time_s, camera, index) for camera, own in enumerate(times) for index, time_s in enumerate(own))
    shots = [_Shot(camera, index, figures[camera].truth(state)) for state, camera, index in _with_states(world, frames)]
    return _joined(tuple(view.name for view in views), shots, np.unique(np.concatenate(times)))


def _with_states(world: World, frames: Iterable[tuple[float, int, int]]) -> Iterator[tuple[WorldState, int, int]]:
    """Frames with the world's state at their time, made once for all cameras."""
    for time_s, at_once in groupby(frames, key=lambda frame: frame[0]):
        state = world.state_at(time_s)
        for _, camera, index in at_once:
            yield state, camera, index


def _joined(camera_ids: tuple[str, ...], shots: list[_Shot], frame_times_s: NDArray[np.float64]) -> Sightings:
    kept = [
        (shot, np.flatnonzero((shot.truth.visible_pixels >= _LEAST_PIXELS) & (_share(shot.truth) >= MIN_VISIBILITY)))
        for shot in shots
    ]

    def column(values: list[NDArray], shape: tuple[int, ...], kind: type) -> NDArray:  # type: ignore[type-arg]
        return np.concatenate([np.zeros((0, *shape), kind), *values]).astype(kind)

    visible = column([shot.truth.keypoints[rows][:, :, 2] == VISIBLE for shot, rows in kept], (17,), np.bool_)
    share = column([_share(shot.truth)[rows] for shot, rows in kept], (), np.float32)
    parts = np.stack([visible[:, list(keypoints)].any(axis=1) for keypoints in PART_KEYPOINTS], axis=1)
    return Sightings(
        camera_ids=camera_ids,
        camera=column([np.full(len(rows), shot.camera) for shot, rows in kept], (), np.int64),
        frame_index=column([np.full(len(rows), shot.frame_index) for shot, rows in kept], (), np.int64),
        time_s=column([np.full(len(rows), shot.truth.time_s) for shot, rows in kept], (), np.float64),
        person_id=column([shot.truth.person_ids[rows] for shot, rows in kept], (), np.int64),
        boxes_xyxy=column([shot.truth.visible_boxes_xyxy[rows] for shot, rows in kept], (4,), np.float32),
        share=share,
        parts=parts,
        quality=(share * visible[:, list(_TRUNK_AND_LEGS)].mean(axis=1)).astype(np.float32),
        floor_xy=column([shot.truth.floor_xy[rows] for shot, rows in kept], (2,), np.float64),
        frame_times_s=frame_times_s,
    )


def _share(truth: FrameTruth) -> FloatArray:
    return 1 - truth.occlusion
