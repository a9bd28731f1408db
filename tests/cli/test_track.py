"""What `keyreid track` refuses, and how. Whole runs are in tests/end_to_end."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from keyreid_stream.cli.main import main
from keyreid_stream.config import DeploymentConfig
from keyreid_stream.errors import InputError
from keyreid_stream.run import RecordedRun
from keyreid_stream.world.writers.calibration import write_calibration
from tests.world.small_worlds import YARD, yard_toml

Arguments = Callable[[Path, Path], list[str]]


def text_file(folder: Path) -> str:
    path = folder / "notes.mp4"
    path.write_text("this is no video\n" * 100, encoding="utf-8")
    return str(path)


def zero_length(folder: Path) -> str:
    path = folder / "empty.mp4"
    path.touch()
    return str(path)


def empty_folder(folder: Path) -> str:
    path = folder / "nothing"
    path.mkdir()
    return str(path)


def wrong_key(folder: Path) -> str:
    path = folder / "wrong.toml"
    path.write_text("[tracking]\ntraker = 'botsort'\n", encoding="utf-8")
    return str(path)


def text_weights(folder: Path, name: str) -> str:
    path = folder / name
    path.write_text("not weights", encoding="utf-8")
    return str(path)


def calibrations(folder: Path) -> str:
    path = folder / "calibration"
    write_calibration(path, YARD.cameras)
    return str(path)


BAD_INPUT: dict[str, tuple[Arguments, list[str]]] = {
    "no camera": (lambda folder, video: [], ["no camera", "give"]),
    "missing file": (lambda folder, video: [str(folder / "gone.mp4")], ["gone.mp4"]),
    "text file as video": (lambda folder, video: [text_file(folder)], ["notes.mp4", "video"]),
    "zero-length video": (lambda folder, video: [zero_length(folder)], ["empty.mp4"]),
    "empty folder": (lambda folder, video: [empty_folder(folder)], ["nothing", "image"]),
    "live stream and file": (
        lambda folder, video: ["door=rtsp://user:secret@10.0.0.1/1", str(video)],
        ["'door' is live", "'lobby' is not"],
    ),
    "malformed address": (lambda folder, video: ["rtsp:/user:secret@10.0.0.1/1"], ["malformed", "SCHEME://HOST"]),
    "address of nothing live": (lambda folder, video: ["ftp://user:secret@10.0.0.1/1"], ["ftp", "rtsp", "video file"]),
    "two cameras with one id": (lambda folder, video: [str(video), str(video)], ["lobby", "NAME=PATH"]),
    "unknown tracker": (lambda folder, video: [str(video), "--tracker", "wizard"], ["wizard", "botsort"]),
    "unknown setting": (lambda folder, video: [str(video), "--config", wrong_key(folder)], ["traker", "tracker"]),
    "missing configuration": (lambda folder, video: [str(video), "--config", "gone.toml"], ["gone.toml", "TOML"]),
    "negative fps": (lambda folder, video: [str(video), "--fps", "-5"], ["max_fps", "-5", "greater than 0"]),
    "fps that is no number": (lambda folder, video: [str(video), "--fps", "many"], ["--fps", "number"]),
    "unknown option": (lambda folder, video: [str(video), "--sped", "2"], ["--sped"]),
    "unknown model": (lambda folder, video: [str(video), "--model", "huge"], ["huge", "tiny"]),
    "missing weights": (lambda folder, video: [str(video), "--weights", "gone.safetensors"], ["gone.safetensors"]),
    "wrong weights": (
        lambda folder, video: [str(video), "--weights", text_weights(folder, "wrong.pth")],
        ["wrong.pth"],
    ),
    "missing pose weights": (lambda folder, video: [str(video), "--pose", "gone.pt"], ["gone.pt"]),
    "wrong pose weights": (
        lambda folder, video: [str(video), "--pose", text_weights(folder, "wrong.pt")],
        ["wrong.pt"],
    ),
    "unknown device": (lambda folder, video: [str(video), "--device", "abacus"], ["abacus"]),
    "device that is not there": (lambda folder, video: [str(video), "--device", "cuda:77"], ["cuda:77", "cpu"]),
    "unknown oracle": (
        lambda folder, video: [str(video), "--oracle", "detections,boxes"],
        ["boxes", "detections", "keypoints", "tracks", "identities"],
    ),
    "no oracle": (lambda folder, video: [str(video), "--oracle", ""], ["oracle", "detections"]),
    "oracle of a video": (
        lambda folder, video: [str(video), "--oracle", "tracks"],
        ["lobby", "no ground truth", "--oracle", "world://"],
    ),
    "missing calibration": (lambda folder, video: [str(video), "--calibration", "gone"], ["gone", "JSON"]),
    "calibration of other cameras": (
        lambda folder, video: [str(video), "--calibration", calibrations(folder)],
        ["'east', 'west'", "'lobby'", "NAME=PATH"],
    ),
    "damaged calibration": (
        lambda folder, video: [str(video), "--calibration", text_weights(folder, "lobby.json")],
        ["lobby.json", "JSON"],
    ),
    "confidence above one": (lambda folder, video: [str(video), "--confidence", "7"], ["confidence", "7"]),
}


@pytest.mark.parametrize("case", BAD_INPUT)
def test_bad_input_is_refused_in_one_line_without_a_trace_in_the_file_system(
    case: str, small_video: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    make_arguments, words = BAD_INPUT[case]
    out = tmp_path / "out"
    assert main(["track", *make_arguments(tmp_path, small_video), "--out", str(out)]) == 2
    printed = capfd.readouterr()
    assert printed.out == ""
    (line,) = printed.err.strip().splitlines()
    assert line.startswith("keyreid: ")
    assert all(word in line for word in words), line
    assert "secret" not in line
    assert not out.exists()


def test_truth_in_the_place_of_stages_is_said_on_both_streams_and_no_detector_is_loaded(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    scene = tmp_path / "yard.toml"
    scene.write_text(yard_toml(), encoding="utf-8")
    arguments = ["track", f"world://{scene}?seconds=0.5", "--oracle", "identities,tracks,detections,keypoints"]
    options = ["--pose", "nowhere.pt", "--no-video", "--device", "cpu", "--out", str(tmp_path / "out")]
    assert main([*arguments, *options]) == 0
    printed = capfd.readouterr()
    assert "the truth, not measured: detections, keypoints, tracks, identities" in printed.out.splitlines()
    assert "Note: detections, keypoints, tracks and identities are the truth, not measured" in printed.err
    assert "untrained" not in printed.out + printed.err  # its embeddings decided nothing
    report = json.loads((tmp_path / "out" / "run.json").read_text(encoding="utf-8"))
    assert report["status"] == "finished"
    assert report["oracle"] == ["detections", "keypoints", "tracks", "identities"]


def yard_run(tmp_path: Path, *options: str, size: str = "") -> int:
    scene = tmp_path / "yard.toml"
    scene.write_text(yard_toml(), encoding="utf-8")
    source = [f"world://{scene}?seconds=0.5{size}", "--oracle", "identities,tracks,detections,keypoints"]
    return main(["track", *source, "--no-video", "--device", "cpu", "--out", str(tmp_path / "out"), *options])


def test_the_report_says_whose_calibration_was_used(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    folder = Path(calibrations(tmp_path))
    (folder / "west.json").unlink()
    assert yard_run(tmp_path, "--calibration", str(folder)) == 0
    report = json.loads((tmp_path / "out" / "run.json").read_text(encoding="utf-8"))
    assert report["calibration"] == {"used": ["east"], "faults": []}
    assert "no calibration of 'west'" in report["notice"]
    assert "no calibration of 'west'" in capfd.readouterr().err


def test_frames_of_another_size_than_calibrated_end_the_run(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert yard_run(tmp_path, "--calibration", calibrations(tmp_path), size="&width=256&height=192") == 2
    line = capfd.readouterr().err.strip().splitlines()[-1]
    assert "256x192" in line
    assert "128x96" in line
    report = json.loads((tmp_path / "out" / "run.json").read_text(encoding="utf-8"))
    assert report["status"] == "failed"


def test_a_window_without_a_display_is_refused_at_once(
    small_video: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("keyreid_stream.sinks.window.display_available", lambda: False)
    assert main(["track", str(small_video), "--show", "--out", str(tmp_path / "out")]) == 2
    (line,) = capfd.readouterr().err.strip().splitlines()
    assert "no display" in line
    assert "without --show" in line
    assert not (tmp_path / "out").exists()


def test_a_folder_with_something_in_it_is_left_alone(
    small_video: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    diary = tmp_path / "out" / "diary.txt"
    diary.parent.mkdir()
    diary.write_text("dear diary", encoding="utf-8")
    for options in ([], ["--overwrite"]):  # overwriting is for earlier runs only
        assert main(["track", str(small_video), "--out", str(tmp_path / "out"), *options]) == 2
        assert "is not empty" in capfd.readouterr().err
    assert diary.read_text(encoding="utf-8") == "dear diary"


def test_a_file_cannot_be_the_results_folder(
    small_video: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    before = small_video.read_bytes()
    assert main(["track", str(small_video), "--out", str(small_video)]) == 2
    assert "is a file" in capfd.readouterr().err
    assert small_video.read_bytes() == before


@pytest.mark.parametrize(
    ("options", "crops", "decisions"),
    [
        ([], "none", False),
        (["--crops"], "blurred", False),
        (["--whole-crops", "--decisions"], "whole", True),
        (["--crops", "--whole-crops"], "whole", False),
    ],
)
def test_crops_and_decisions_are_kept_only_when_asked_for(
    options: list[str], crops: str, decisions: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[DeploymentConfig] = []

    def caught(config: DeploymentConfig, *_: object, **__: object) -> RecordedRun:
        given.append(config)
        raise InputError("far enough")

    monkeypatch.setattr(RecordedRun, "from_config", caught)
    assert main(["track", "lobby.mp4", *options]) == 2
    assert (given[0].output.crops, given[0].output.decisions) == (crops, decisions)
