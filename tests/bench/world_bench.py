"""How fast the synthetic world is drawn: frames per second of 640x360 with 8 people in view, on one core.

A process of its own measures, bound to one core: OpenCV and BLAS count the cores when they are loaded. Its processor
time is what counts, so that whatever else the machine does is left out.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from keyreid_stream.world.camera import Camera
from keyreid_stream.world.render.renderer import Renderer
from keyreid_stream.world.scene import CameraView, Floor, Furniture, Pillar, Scene, Wall
from keyreid_stream.world.sensor import expose
from keyreid_stream.world.structures import WorldState
from tests.bench.model_bench import BenchRow
from tests.world.render.bodies import standing, varied_people

MIN_FRAMES_PER_S = 25.0
_ROUNDS = 60
_ROOT = Path(__file__).parents[2]
_ENTRY = "from tests.bench.world_bench import measure; print(*measure())"


def run() -> list[BenchRow]:
    """Rendering alone, the sensor alone, and making one camera's background."""
    one_thread = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    answer = subprocess.run(
        [sys.executable, "-c", _ENTRY],
        cwd=_ROOT,
        env={**os.environ, **one_thread, "PYTHONPATH": str(_ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    frames_per_s, sensor_ms, background_s = map(float, answer.stdout.split()[-3:])
    needed = f">= {MIN_FRAMES_PER_S:.0f}"
    return [
        BenchRow(
            "world, 640x360, 8 people, one core", frames_per_s, "frames/s", needed, frames_per_s >= MIN_FRAMES_PER_S
        ),
        BenchRow("world, sensor of one frame", sensor_ms, "ms"),
        BenchRow("world, one camera's background", background_s, "s"),
    ]


def measure() -> tuple[float, float, float]:
    """Frames per second, milliseconds of the sensor, seconds for a background; medians, on one core where possible."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    scene, view = _square()
    started = time.process_time()
    renderer = Renderer(scene, view, Camera.of(view))
    background_s = time.process_time() - started
    frame_s, sensor_s = [], []
    for frame in range(_ROUNDS + 1):
        state = _crowd(frame / 10)
        started = time.process_time()
        rendered = renderer.render(state)
        frame_s.append(time.process_time() - started)
        assert len(rendered.silhouettes) == 8
        started = time.process_time()
        expose(rendered.image, view.sensor, np.random.default_rng(frame))
        sensor_s.append(time.process_time() - started)
    # The first frame also designs the figures.
    return 1 / statistics.median(frame_s[1:]), 1e3 * statistics.median(sensor_s), background_s


def _square() -> tuple[Scene, CameraView]:
    view = CameraView(name="square", at=(8, -1.5, 3.5), look_at=(8, 5, 0.6), distortion=(-0.12, 0.02, 0, 0, 0))
    scene = Scene(
        name="bench",
        floor=Floor(style="paving"),
        walls=(Wall(start=(0, 12), end=(16, 12)),),
        furniture=(Furniture(centre=(4, 8), size=(1.6, 0.8, 0.75)), Furniture(centre=(12, 9), size=(2, 0.5, 0.5))),
        pillars=(Pillar(centre=(8, 8)),),
    )
    return scene, view


def _crowd(time_s: float) -> WorldState:
    """Eight people, 3.5 to 9 m from the camera, who stride on the spot."""
    bodies = tuple(
        standing(person, (5 + 2 * (row % 4), 3 + 3 * (row // 4)), row + 0.1 * time_s, np.sin(6 * time_s) / 2)
        for row, person in enumerate(varied_people())
    )
    return WorldState(time_s, bodies)
