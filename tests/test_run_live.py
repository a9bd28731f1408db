"""Recorded runs of live cameras."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from keyreid_stream.association import AssociationConfig, OnlineAssociator
from keyreid_stream.config import DeploymentConfig, deployment
from keyreid_stream.fakes import (
    FakeClipHead,
    FakeDetector,
    FakeFrameEncoder,
    FakeLiveSource,
    FakeTracker,
    RecordingSink,
    Walker,
)
from keyreid_stream.pipeline import Pipeline, Stages
from keyreid_stream.run import RecordedRun
from keyreid_stream.structures import Tick

RED = Walker(colour=(200, 0, 0), start=(10, 20), step=(2, 0))
BEGAN_S = 1_800_000_000.0
FRAMES = 30


class Stream(threading.Thread):
    """Shows a camera's frames at its pace and ends it."""

    def __init__(self, camera: FakeLiveSource) -> None:
        super().__init__(daemon=True)
        self._camera = camera

    def run(self) -> None:
        while not self._camera.is_open:
            time.sleep(0.001)
        for index in range(FRAMES):
            self._camera.show(index, BEGAN_S + index / 10)
            time.sleep(0.01)
        self._camera.end()


class Slow(RecordingSink):
    """Takes its time over every tick."""

    def write(self, tick: Tick, /) -> None:
        time.sleep(0.05)
        super().write(tick)


def recorded(folder: Path, cameras: list[FakeLiveSource], config: DeploymentConfig | None = None) -> RecordedRun:
    stages = Stages(
        sources=cameras,
        detector=FakeDetector(),
        encoder=FakeFrameEncoder(),
        clip_head=FakeClipHead(),
        make_tracker=lambda _: FakeTracker(max_age=30),
        associator=OnlineAssociator(AssociationConfig(threshold=0.9)),
    )
    return RecordedRun(Pipeline(stages), folder, config)


def report(folder: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    return loaded


def test_a_live_run_leaves_what_a_run_of_files_leaves_but_videos(tmp_path: Path) -> None:
    cameras = [FakeLiveSource("a", [RED]), FakeLiveSource("b", [RED])]
    run = recorded(tmp_path / "run", cameras)
    for camera in cameras:
        Stream(camera).start()
    assert run.record().status == "finished"
    assert {path.name for path in (tmp_path / "run").iterdir()} == {"events.jsonl", "tracks", "run.json"}
    told = report(tmp_path / "run")
    assert told["counts"]["identities"] == 1
    for name in ("a", "b"):
        live = told["cameras"][name]["live"]
        assert live["frames_in"] == FRAMES
        assert live["frames_in"] == live["dropped"] + told["cameras"][name]["frames"]
        assert told["cameras"][name]["last_timestamp_s"] == pytest.approx(BEGAN_S + (FRAMES - 1) / 10)


def test_what_a_slow_run_cannot_look_at_is_dropped_and_counted_and_it_stays_at_the_newest_frame(
    tmp_path: Path,
) -> None:
    camera = FakeLiveSource("a", [RED])
    run = recorded(tmp_path / "run", [camera])
    slow = Slow()
    Stream(camera).start()
    run.record([slow])
    seen = [one.frame.frame_index for tick in slow.ticks for one in tick.cameras]
    assert seen[-1] == FRAMES - 1
    assert len(seen) < FRAMES / 2
    assert run.live_counts["a"].dropped == FRAMES - len(seen)


def test_videos_of_live_cameras_are_written_if_asked_for(tmp_path: Path) -> None:
    camera = FakeLiveSource("a", [RED])
    run = recorded(tmp_path / "run", [camera], deployment({"output": {"video": True}}))
    Stream(camera).start()
    run.record()
    assert {path.name for path in (tmp_path / "run" / "videos").iterdir()} == {"a.mp4", "mosaic.mp4"}
