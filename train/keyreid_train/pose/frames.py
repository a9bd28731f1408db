"""The data set of the shipped pose detector: frames of random worlds to train on, of the ready scenes to validate."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from keyreid_stream.world.filming import films
from keyreid_stream.world.scene import Scene, load_scene, scene_names
from keyreid_stream.world.world import World
from keyreid_stream.world.writers import YoloPoseWriter
from keyreid_stream.world.writers.yolo_pose import Split
from keyreid_train.pose.random_scene import random_world

_VALIDATION_S = 60.0


class FramesConfig(BaseModel):
    """How many frames of how many worlds.

    Attributes:
        worlds: random worlds to train on; their seeds are `first_seed` and the following.
        frames_per_camera: frames taken of each of their cameras, at random times.
        validation_seeds: of the ready scenes, which are never trained on.
        validation_frames_per_camera: frames taken of each of their cameras.
        first_seed: of the random worlds.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    worlds: int = Field(default=240, ge=1)
    frames_per_camera: int = Field(default=7, ge=1, le=200)
    validation_seeds: tuple[int, ...] = (501, 502)
    validation_frames_per_camera: int = Field(default=14, ge=1, le=600)
    first_seed: int = Field(default=100_000, ge=0)


def render_frames(
    config: FramesConfig, folder: Path, *, workers: int = 1, on_world: Callable[[], None] = lambda: None
) -> Path:
    """Render the data set in the layout of Ultralytics' trainer.

    Any number of workers gives the same files.

    Args:
        config: how much.
        folder: where to; made if need be.
        workers: processes. With more than one the caller's script needs `if __name__ == "__main__":`.
        on_world: called after each world.

    Returns:
        The data set's `data.yaml`.
    """
    training = [partial(_render_random, folder, config, config.first_seed + number) for number in range(config.worlds)]
    validation = [
        partial(_render_ready, folder, config, name, seed) for name in scene_names() for seed in config.validation_seeds
    ]
    for _ in _done([*validation, *training], workers):
        on_world()
    return folder / "data.yaml"


def _done(tasks: list[Callable[[], None]], workers: int) -> Iterator[None]:
    if workers == 1:
        for task in tasks:
            yield task()
        return
    # Fresh processes: forking one whose libraries have threads may hang.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_single_threaded) as pool:
        futures = [pool.submit(task) for task in tasks]
        for future in futures:
            yield future.result()


def _single_threaded() -> None:
    cv2.setNumThreads(1)


def _render_random(folder: Path, config: FramesConfig, seed: int) -> None:
    _write(random_world(seed), folder, "train", config.frames_per_camera)


def _render_ready(folder: Path, config: FramesConfig, name: str, seed: int) -> None:
    scene = _with_unique_cameras(load_scene(name), f"{name}_{seed}")
    _write(World(scene, seed, _VALIDATION_S), folder, "val", config.validation_frames_per_camera)


def _with_unique_cameras(scene: Scene, prefix: str) -> Scene:
    """Cameras' names become files' names, and all worlds' files lie in one folder."""
    cameras = [view.model_copy(update={"name": f"{prefix}_{view.name}"}) for view in scene.cameras]
    return scene.model_copy(update={"cameras": tuple(cameras)})


def _write(world: World, folder: Path, split: Split, frames_per_camera: int) -> None:
    with YoloPoseWriter(folder, split=lambda _: split) as writer:
        for place, film in enumerate(films(world)):
            rng = np.random.default_rng([world.seed, place])
            for index in np.sort(rng.permutation(len(film))[:frames_per_camera]):
                writer.write(film.shot(int(index)))
