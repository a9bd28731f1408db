"""`keyreid track` as its user runs it: a process of its own, real video, real detector, the package's own model."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from keyreid_stream.sinks import final_identities, read_events

pytestmark = pytest.mark.data

NO_NETWORK = """
import socket, sys
def refuse(*arguments, **options):
    sys.stderr.write(f"NETWORK {arguments}\\n")
    raise OSError("network access is forbidden in this test")
socket.socket.connect = socket.socket.connect_ex = refuse
socket.getaddrinfo = socket.create_connection = socket.gethostbyname = refuse
from keyreid_stream.cli import run
run()
"""
"""The command in a process whose every attempt to reach a network fails and is told on standard error."""


def command(clips: list[Path], pose: Path, out: Path, *options: str) -> list[str]:
    arguments = ["track", *map(str, clips), "--pose", str(pose), "--out", str(out), "--device", "cpu", *options]
    return [sys.executable, "-c", NO_NETWORK, *arguments]


def report(out: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((out / "run.json").read_text(encoding="utf-8"))
    return loaded


@pytest.fixture(scope="module")
def runs(
    lab_clips: list[Path], pose_weights: Path, tmp_path_factory: pytest.TempPathFactory
) -> list[tuple[Path, subprocess.CompletedProcess[str]]]:
    """The same command twice, into two folders."""
    folder = tmp_path_factory.mktemp("runs")
    made = []
    for name in ("first", "second"):
        arguments = command(lab_clips, pose_weights, folder / name)
        made.append(
            (folder / name, subprocess.run(arguments, capture_output=True, text=True, timeout=200, check=False))
        )
    return made


def test_it_says_what_it_did_with_the_model_that_comes_with_the_package(
    runs: list[tuple[Path, subprocess.CompletedProcess[str]]],
) -> None:
    out, done = runs[0]
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == str(out)
    assert done.stdout.startswith("finished: 48 frames of 4 cameras")
    assert report(out)["model"]["name"] == "keyreid-tiny"
    assert "untrained" not in done.stderr
    assert "NETWORK" not in done.stderr


def test_it_leaves_people_with_identities_in_every_camera(
    runs: list[tuple[Path, subprocess.CompletedProcess[str]]],
) -> None:
    out, _ = runs[0]
    identities = final_identities(read_events(out / "events.jsonl"))
    for index in range(4):
        rows = np.loadtxt(out / "tracks" / f"cam{index}.txt", delimiter=",", ndmin=2)
        assert len(rows) >= 8  # somebody is in view nearly all the time
        said = [tracklets for key, tracklets in identities.items() if key.camera_id == f"cam{index}"]
        assert set(rows[:, 1]) == {tracklet.identity_id for tracklets in said for tracklet in tracklets}
        heights = rows[:, 5]
        assert (heights > 30).all()
    said = report(out)
    assert said["status"] == "finished"
    assert [camera["frames"] for camera in said["cameras"].values()] == [12] * 4
    assert said["model"]["trained"] is True
    assert len(said["pose_weights"]["sha256"]) == len(said["model"]["sha256"]) == 64


def test_videos_have_every_frame(runs: list[tuple[Path, subprocess.CompletedProcess[str]]]) -> None:
    out, _ = runs[0]
    for name in ("cam0", "cam1", "cam2", "cam3", "mosaic"):
        with av.open(str(out / "videos" / f"{name}.mp4")) as video:
            assert sum(1 for _ in video.decode(video=0)) == 12, name


def test_two_runs_are_the_same_bit_for_bit(runs: list[tuple[Path, subprocess.CompletedProcess[str]]]) -> None:
    (first, _), (second, _) = runs
    files = sorted(path.relative_to(first) for path in first.rglob("*") if path.is_file() and path.name != "run.json")
    assert len(files) == 1 + 4 + 5
    for file in files:
        assert (first / file).read_bytes() == (second / file).read_bytes(), file


def test_ctrl_c_ends_the_run_in_good_order(lab_clips: list[Path], pose_weights: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    process = subprocess.Popen(
        command(lab_clips, pose_weights, out), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 120
    while not (out / "events.jsonl").exists() or (out / "events.jsonl").stat().st_size == 0:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, "no event in time"
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGINT)
    printed, told = process.communicate(timeout=60)
    assert process.returncode == 130, told
    assert printed.splitlines()[-1] == str(out)
    assert "Traceback" not in told
    said = report(out)
    assert said["status"] == "interrupted"
    frames = said["counts"]["frames"] // 4
    assert 4 <= frames < 12
    for name in ("cam0", "mosaic"):
        with av.open(str(out / "videos" / f"{name}.mp4")) as video:
            assert sum(1 for _ in video.decode(video=0)) == frames
    assert final_identities(read_events(out / "events.jsonl"))
    assert not list(out.rglob("*.part"))
