"""Minutes-long checks on the whole lab recording (`make test-slow`)."""

from __future__ import annotations

import ctypes
import dataclasses
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import psutil
import pytest

from keyreid_stream.config import deployment
from keyreid_stream.fakes import RecordingSink
from keyreid_stream.pipeline import Pipeline
from keyreid_stream.run import RecordedRun, RunResult
from keyreid_stream.sources import VideoFileSource
from keyreid_stream.structures import Frame, Tick

pytestmark = [pytest.mark.data, pytest.mark.slow, pytest.mark.timeout(3600)]

LAB_FRAMES = 268
LOOPS = 10
ALLOWED_GROWTH_MB = 16
"""Between the peak of the first five loops and that of the last five: a leak of 3 kB a frame would be seen."""


class LoopedSource:
    """A video again and again, its clock running on."""

    def __init__(self, path: Path, loops: int) -> None:
        self._video = VideoFileSource(path)
        self._loops = loops

    @property
    def camera_id(self) -> str:
        return self._video.camera_id

    @property
    def fps(self) -> float:
        return self._video.fps

    def frames(self) -> Iterator[Frame]:
        index, start_s = 0, 0.0
        for _ in range(self._loops):
            for frame in self._video.frames():
                time_s = start_s + frame.timestamp_s
                yield dataclasses.replace(frame, frame_index=index, timestamp_s=time_s)
                index += 1
            start_s = time_s + 1 / self.fps


def lab(data: Path) -> list[Path]:
    return sorted((data / "lab_4cam").glob("cam*.mp4"))


def record_lab(data: Path, pose_weights: Path, folder: Path) -> RunResult:
    cameras = [str(path) for path in lab(data)]
    settings = {"sources": {"cameras": cameras}, "pose": {"weights": str(pose_weights), "device": "cpu"}}
    return RecordedRun.from_config(deployment({**settings, "model": {"device": "cpu"}}), folder).record()


def test_the_whole_recording_twice_is_the_same_bit_for_bit(data: Path, pose_weights: Path, tmp_path: Path) -> None:
    for name in ("first", "second"):
        result = record_lab(data, pose_weights, tmp_path / name)
        assert [camera.frames for camera in result.statistics.cameras.values()] == [LAB_FRAMES] * 4
    files = sorted(path.relative_to(tmp_path / "first") for path in (tmp_path / "first").rglob("*.*"))
    compared = [file for file in files if file.name != "run.json"]
    assert len(compared) == 1 + 4 + 5
    for file in compared:
        assert (tmp_path / "first" / file).read_bytes() == (tmp_path / "second" / file).read_bytes(), file


def test_memory_is_flat_over_ten_times_the_length(
    data: Path, pose_weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = deployment({"pose": {"weights": str(pose_weights), "device": "cpu"}, "model": {"device": "cpu"}})
    pipeline = Pipeline.from_config(settings, sources=[LoopedSource(path, LOOPS) for path in lab(data)])
    process = psutil.Process()
    # What the command does twice a minute: gaps in the C library's heap are no leak.
    trim = partial(ctypes.CDLL(None).malloc_trim, 0)
    after_loop_mb: list[float] = []

    class Scales(RecordingSink):
        def write(self, tick: Tick, /) -> None:
            if (tick.index + 1) % LAB_FRAMES == 0:
                trim()
                after_loop_mb.append(process.memory_info().rss / 2**20)

    result = RecordedRun(pipeline, tmp_path / "run", settings).record([Scales()])
    assert result.statistics.frames == 4 * LAB_FRAMES * LOOPS
    with capsys.disabled():
        print(f"\nresident MB after each loop: {[round(one) for one in after_loop_mb]}")  # noqa: T201
    half = LOOPS // 2
    assert max(after_loop_mb[half:]) - max(after_loop_mb[:half]) < ALLOWED_GROWTH_MB, after_loop_mb
