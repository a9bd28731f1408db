"""Runs in a process of their own: whatever happens there, the page gets one line, and ends."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import numpy as np
import pytest

from keyreid_demos.run_job import Progress, Request, RunJob
from keyreid_demos.run_settings import is_world, ladder_request, video_request, world_request
from keyreid_demos.tab_measure import ladder_table
from keyreid_stream.config import deployment
from keyreid_stream.geometry.calibrations import read_calibrations
from keyreid_stream.ladder import RUNGS
from keyreid_stream.ladder.record import read_ladder
from keyreid_stream.pose.shipped import WORLD_POSE_FILE

WITHIN_S = 120.0


def test_a_damaged_video_is_told_in_one_line(tmp_path: Path) -> None:
    video = tmp_path / "1.mp4"
    video.write_bytes(b"\x00\x00\x00\x18ftypisom" + np.random.default_rng(0).bytes(5000))
    request = video_request([("door", video)], tmp_path / "run-1", str(WORLD_POSE_FILE), None, "botsort")
    job = RunJob(request, tmp_path / "run-1")
    ended = job.wait(WITHIN_S)
    assert ended.state == "failed"
    assert "1.mp4" in ended.message
    assert str(tmp_path) not in ended.message
    assert "Traceback" not in ended.message
    assert "\n" not in ended.message
    assert not (tmp_path / "run-1").exists()
    job.stop()


def test_a_setting_that_cannot_be_is_told_and_a_killed_process_too(tmp_path: Path) -> None:
    refused = RunJob(Request({"no_such": 1}), tmp_path / "run-1")
    killed = RunJob(Request({"sources": {"cameras": ["x.mp4"]}}), tmp_path / "run-2")
    assert killed._process.pid is not None
    os.kill(killed._process.pid, signal.SIGKILL)
    assert killed.wait(WITHIN_S).message == "the run's process ended (exit code -9)"
    assert "no_such" in refused.wait(WITHIN_S).message
    assert [refused.progress.state, killed.progress.state] == ["failed", "failed"]
    assert not killed.is_running
    for job in (refused, killed):
        job.stop()
        assert job.pictures.is_over


def test_a_run_that_is_stopped_while_models_load_has_stopped_and_not_failed(tmp_path: Path) -> None:
    job = RunJob(Request({"sources": {"cameras": ["x.mp4"]}}), tmp_path / "run-1")
    assert job.progress == Progress()
    job.stop()
    assert job.progress.state == "stopped"


@pytest.mark.parametrize("tracker", ["botsort", "bytetrack"])
def test_a_worlds_request_is_a_deployment_with_the_worlds_own_calibration(tmp_path: Path, tracker: str) -> None:
    request = world_request("plaza", 5, 7, tmp_path / "run-1", "pose.pt", None, tracker)
    settings = deployment(request.settings)
    assert settings.tracking.tracker == tracker
    assert settings.association.gallery == str(tmp_path / "run-1.gallery")
    assert set(read_calibrations(str(settings.sources.calibration))) == {
        "south_west",
        "north_east",
        "south_east",
        "north_west",
    }
    assert not (tmp_path / "run-1").exists()


@pytest.mark.slow
def test_a_worlds_run_has_a_ladder_of_the_same_settings_and_its_table_ends_at_the_truth(tmp_path: Path) -> None:
    settings = deployment(
        {
            "sources": {"cameras": ["world://plaza?seconds=1&cameras=1&fps=5&width=320&height=180&seed=42"]},
            "pose": {"weights": str(WORLD_POSE_FILE)},
            "association": {"gallery": str(tmp_path / "people.gallery")},
        }
    ).model_dump(mode="json")
    job = RunJob(ladder_request(settings, 5), tmp_path / "ladder")
    ended = job.wait(WITHIN_S)
    job.stop()
    assert (ended.state, ended.message) == ("finished", "finished")
    assert not (tmp_path / "people.gallery").exists()
    record = read_ladder(tmp_path / "ladder")
    assert record is not None
    assert record.rungs[-1].figures.together["idf1"] > 0.9  # nobody is decided on in the first pictures
    text = ladder_table(record)
    for rung in RUNGS:
        assert rung.words in text
    assert "lost by the detector" in text
    assert ladder_table(record.model_copy(update={"status": "unfinished"})) == ladder_table(None) == ""


@pytest.mark.parametrize(
    ("cameras", "known"),
    [(["world://plaza"], True), (["door=a.mp4"], False), (["world://plaza", "a.mp4"], False), ([], False)],
)
def test_the_truth_is_known_of_worlds_alone(cameras: list[str], known: bool) -> None:
    assert is_world({"sources": {"cameras": cameras}}) is known
    assert not is_world(None)
