from __future__ import annotations

import json
import signal
from pathlib import Path

import av
import pytest

from keyreid_stream.cli.main import main
from keyreid_stream.world.film import Film
from keyreid_stream.world.truth import Shot
from tests.world.small_worlds import yard_toml


@pytest.fixture
def yard_file(tmp_path: Path) -> Path:
    path = tmp_path / "yard.toml"
    path.write_text(yard_toml())
    return path


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_list_shows_scenes_and_cameras(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["world", "list"]) == 0
    printed = capfd.readouterr().out
    assert "plaza" in printed
    assert "640 x 360" in printed


def test_render_writes_videos_and_truth(yard_file: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert main(["world", "render", str(yard_file), "--out", str(out), "--seconds", "2"]) == 0
    assert capfd.readouterr().out == f"{out}\n"
    assert set(contents(out)) == {
        "world.json",
        "calibration/east.json",
        "calibration/west.json",
        "truth/frames.parquet",
        "truth/people.parquet",
        "videos/east.mp4",
        "videos/west.mp4",
        *(f"mot/{camera}/{file}" for camera in ("east", "west") for file in ("gt/gt.txt", "seqinfo.ini")),
    }
    summary = json.loads((out / "world.json").read_text())
    assert summary["status"] == "finished"
    assert summary["frames"] == {"east": 20, "west": 10}
    with av.open(str(out / "videos" / "west.mp4")) as video:
        times = [frame.time for frame in video.decode(video=0)]
    assert times == pytest.approx([index / 5 for index in range(10)])


def test_only_what_is_asked_for(yard_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    arguments = ["--seconds", "8", "--seed", "3", "--cameras", "1", "--fps", "2", "--yolo-pose", "--crops"]
    assert main(["world", "render", str(yard_file), "--out", str(out), *arguments]) == 0
    assert {path.name for path in out.iterdir()} == {"world.json", "calibration", "truth", "yolo_pose", "crops"}
    for kind in ("images", "labels"):
        assert [len(list((out / "yolo_pose" / kind / split).iterdir())) for split in ("train", "val")] == [13, 3]
    assert list((out / "crops").rglob("keypoints.json"))


def test_any_number_of_workers_writes_the_same_bytes(yard_file: Path, tmp_path: Path) -> None:
    outs = [tmp_path / "one", tmp_path / "two"]
    for workers, out in enumerate(outs, 1):
        arguments = ["--seconds", "5", "--seed", "3", "--mot", "--yolo-pose", "--crops", "--workers", str(workers)]
        assert main(["world", "render", str(yard_file), "--out", str(out), *arguments]) == 0
    one, two = map(contents, outs)
    assert one == two
    assert len(one["mot/east/gt/gt.txt"]) > 0


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["atlantis"], "no scene 'atlantis'"),
        (["plaza", "--seconds", "-1"], "'seconds' is -1"),
        (["plaza", "--people", "0"], "'people' is 0"),
        (["plaza", "--together", "0"], "'together' is 0"),
        (["plaza", "--cameras", "99"], "cameras"),
        (["plaza", "--seed", "-4"], "'seed' is -4"),
        (["plaza", "--looks", "neon"], "'looks' is 'neon'"),
        (["plaza", "--workers", "0"], "workers"),
        (["plaza", "--colour"], "--colour"),
        (["bad.toml"], "bad.toml"),
    ],
)
def test_bad_input_leaves_one_line_and_no_folder(
    arguments: list[str],
    told: str,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("bad.toml").write_text("what is this")
    out = tmp_path / "out"
    assert main(["world", "render", *arguments, "--out", str(out)]) == 2
    (line,) = capfd.readouterr().err.strip().splitlines()
    assert told in line
    assert not out.exists()


@pytest.mark.parametrize(
    ("good", "bad", "told"),
    [
        (
            "[[cameras]]",
            "[[walls]]\nstart = [9.8, 0.0]\nend = [9.8, 8.0]\nheight = 4.0\n[[cameras]]",
            "is inside wall 1",
        ),
        ('entrances = [{ name = "gate", at = [0.6, 4.0] }, { name = "door", at = [9.4, 4.0] }]', "", "no entrance"),
        ("count = 3", "count = 0", "'people.count' is 0"),
        ("fps = 5", "fps = -5", "'cameras.1.fps' is -5"),
        ("height = 96", "height = 96\nzoom = 2", "unknown setting 'cameras.0.zoom'"),
    ],
    ids=["camera inside a wall", "no entrance", "zero people", "negative fps", "unknown key"],
)
def test_a_bad_scene_file_gets_one_line_and_leaves_no_folder(
    yard_file: Path, good: str, bad: str, told: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    yard_file.write_text(yard_toml().replace(good, bad, 1))
    out = tmp_path / "out"
    assert main(["world", "render", str(yard_file), "--out", str(out)]) == 2
    printed = capfd.readouterr()
    (line,) = printed.err.strip().splitlines()
    assert told in line
    assert "'yard'" in line
    assert printed.out == ""
    assert not out.exists()


def test_a_crowd_is_asked_for_by_how_many_are_there_at_one_time(yard_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    arguments = ["--seconds", "0.2", "--people", "9", "--together", "8", "--mot"]
    assert main(["world", "render", str(yard_file), "--out", str(out), *arguments]) == 0
    people = json.loads((out / "world.json").read_text())["scene"]["people"]
    assert (people["count"], people["together"]) == (9, 8)


def test_a_folder_with_something_in_it_is_refused(
    yard_file: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["world", "render", str(yard_file), "--out", str(tmp_path)]) == 2
    assert "is not empty" in capfd.readouterr().err
    assert main(["world", "render", str(yard_file), "--out", str(yard_file)]) == 2
    assert "is a file" in capfd.readouterr().err


def test_camera_names_that_no_file_can_have(yard_file: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    yard_file.write_text(yard_toml().replace('"east"', '"../east"'))
    out = tmp_path / "out"
    assert main(["world", "render", str(yard_file), "--out", str(out)]) == 2
    assert "'../east' cannot be a file name" in capfd.readouterr().err
    assert not out.exists()


def test_what_was_rendered_before_ctrl_c_is_whole(
    yard_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = Film.shot

    def interrupted(self: Film, index: int) -> Shot:
        if index == 4:
            signal.raise_signal(signal.SIGINT)
        return original(self, index)

    monkeypatch.setattr(Film, "shot", interrupted)
    out = tmp_path / "out"
    assert main(["world", "render", str(yard_file), "--out", str(out), "--seconds", "2"]) == 130
    assert json.loads((out / "world.json").read_text())["status"] == "interrupted"
    assert json.loads((out / "world.json").read_text())["frames"] == {"east": 5, "west": 0}
    assert "seqLength=5\n" in (out / "mot" / "east" / "seqinfo.ini").read_text()
    with av.open(str(out / "videos" / "east.mp4")) as video:
        assert sum(1 for _ in video.decode(video=0)) == 5
    assert not list(out.rglob("*.part"))
