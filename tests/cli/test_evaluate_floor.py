from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from keyreid_stream.cli.main import main
from keyreid_stream.evaluation.floor_files import read_world_floor
from tests.world.small_worlds import yard_toml

HEADER = "frame,id,x_m,y_m\n"


@pytest.fixture
def tables(tmp_path: Path) -> list[str]:
    """Two people 5 m apart for ten frames; one is found 0.5 m away, under another id after the fifth frame."""
    true = "".join(f"{frame},{person},{5 * person},0\n" for frame in range(10) for person in (0, 1))
    found = "".join(f"{frame},{70 + frame // 5},0,0.5\n" for frame in range(10))
    (tmp_path / "truth.csv").write_text(HEADER + true)
    (tmp_path / "found.csv").write_text(HEADER + found)
    return [
        "eval",
        "track",
        "--floor",
        "--results",
        str(tmp_path / "found.csv"),
        "--truth",
        str(tmp_path / "truth.csv"),
    ]


def test_tables(tables: list[str], tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main([*tables, "--json", str(tmp_path / "scores.json")]) == 0
    content = json.loads((tmp_path / "scores.json").read_text())
    assert content["schema"] == "keyreid.floor_scores/1"
    assert (content["radius_m"], content["benchmark"], content["calibration"]) == (1, None, None)
    scores = content["floor"]
    assert (scores["tp"], scores["fn"], scores["fp"], scores["idsw"]) == (10, 10, 0, 1)
    # 5 of the found person's boxes have the id that fits best; 20 true and 10 found places.
    assert scores["idf1"] == pytest.approx(2 * 5 / 30)
    assert scores["mota"] == pytest.approx(1 - 11 / 20)
    assert scores["deta"] == pytest.approx(15 / 19 * 0.5)
    printed = " ".join(capfd.readouterr().out.split())
    assert "on the floor, within 1 m; HOTA and its parts from 1.9 to 0.1 m" in printed
    assert main([*tables, "--radius", "0.4", "--json", str(tmp_path / "scores.json")]) == 0
    assert json.loads((tmp_path / "scores.json").read_text())["floor"]["tp"] == 0


def test_wildtrack(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for frame in range(3):
        path = tmp_path / "annotations_positions" / f"{5 * frame:08}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps([{"personID": 9, "positionID": 480 * 360 + 120 + frame}]))
    (tmp_path / "found.csv").write_text(HEADER + "".join(f"{frame},1,{0.025 * frame},0\n" for frame in range(3)))
    command = ["eval", "track", "--floor", "--benchmark", "WILDTRACK", "--truth", str(tmp_path)]
    assert main([*command, "--results", str(tmp_path / "found.csv"), "--json", str(tmp_path / "s.json")]) == 0
    assert json.loads((tmp_path / "s.json").read_text())["floor"]["hota"] == pytest.approx(1)
    (tmp_path / "found.csv").write_text(HEADER + "5,1,0,0\n")
    assert main([*command, "--results", str(tmp_path / "found.csv")]) == 2
    assert "results have frame 5; allowed: 0 to 2, in the order of the truth's frames" in capfd.readouterr().err


def test_a_world_s_own_boxes_on_its_floor(tmp_path: Path) -> None:
    """Whole boxes end at the feet: put on the floor by the world's calibration, they meet the people."""
    (tmp_path / "yard.toml").write_text(yard_toml())
    world, tracks = tmp_path / "world", tmp_path / "tracks"
    render = ["world", "render", str(tmp_path / "yard.toml"), "--seconds", "4", "--seed", "3", "--mot"]
    # In the scene's own small pictures the far half of the floor is too coarse to stand on.
    assert main([*render, "--out", str(world), "--fps", "5", "--width", "384", "--height", "288"]) == 0
    tracks.mkdir()
    whole: set[tuple[int, int]] = set()
    for path in (world / "mot").glob("*/gt/gt.txt"):
        rows = [line.split(",") for line in path.read_text().splitlines()]
        height = int((path.parent.parent / "seqinfo.ini").read_text().split("imHeight=")[1].split()[0])
        whole |= {(int(row[0]) - 1, int(row[1])) for row in rows if float(row[3]) + float(row[5]) <= height - 2}
        text = "".join(f"{','.join(row[:6])},1,-1,-1,-1\n" for row in rows)
        (tracks / f"{path.parent.parent.name}.txt").write_text(text)
    truth = read_world_floor(world, 0.1)
    assert truth.length == 20
    assert truth.counted.sum() > 20
    command = ["eval", "track", "--floor", "--results", str(tracks), "--truth", str(world)]
    command += ["--calibration", str(world / "calibration"), "--json", str(tmp_path / "s.json")]
    assert main(command) == 0
    scores = json.loads((tmp_path / "s.json").read_text())["floor"]
    assert scores["truth_boxes"] == truth.counted.sum()
    assert scores["fp"] == scores["idsw"] == 0
    # Who is cut off by the pictures' lower edges stands nowhere, and is missed.
    counted = zip(truth.points.frames[truth.counted], truth.points.ids[truth.counted], strict=True)
    assert scores["tp"] == len(whole & {(int(frame), int(id_)) for frame, id_ in counted}) > 20
    assert scores["idp"] == 1
    assert scores["loca"] > 0.9


def test_a_world_s_people_are_where_its_tables_say(tmp_path: Path) -> None:
    (tmp_path / "yard.toml").write_text(yard_toml())
    render = ["world", "render", str(tmp_path / "yard.toml"), "--seconds", "2", "--seed", "3", "--mot"]
    assert main([*render, "--out", str(tmp_path / "world"), "--fps", "5"]) == 0
    truth = read_world_floor(tmp_path / "world", 0.1)
    rows = zip(truth.points.frames[truth.counted], truth.points.ids[truth.counted], strict=True)
    places = truth.points.xy_m[truth.counted]
    table = "".join(f"{f},{i},{x!r},{y!r}\n" for (f, i), (x, y) in zip(rows, places.tolist(), strict=True))
    (tmp_path / "found.csv").write_text(HEADER + table)
    command = ["eval", "track", "--floor", "--results", str(tmp_path / "found.csv")]
    assert main([*command, "--truth", str(tmp_path / "world"), "--json", str(tmp_path / "s.json")]) == 0
    scores = json.loads((tmp_path / "s.json").read_text())["floor"]
    assert [scores[name] for name in ("hota", "idf1", "mota")] == pytest.approx([1, 1, 1])
    assert np.ptp(places, axis=0).max() < 12  # the yard is 10 m by 8 m


def test_cameras_of_different_rates(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "yard.toml").write_text(yard_toml())
    render = ["world", "render", str(tmp_path / "yard.toml"), "--seconds", "2", "--seed", "3", "--mot"]
    assert main([*render, "--out", str(tmp_path / "world")]) == 0
    (tmp_path / "found.csv").write_text(HEADER)
    command = ["eval", "track", "--floor", "--results", str(tmp_path / "found.csv")]
    assert main([*command, "--truth", str(tmp_path / "world")]) == 2
    assert "apart in frames of one number; the floor needs cameras of one rate: render with --fps" in (
        capfd.readouterr().err
    )


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--seqmap", "x.txt"], "--seqmap names sequences of boxes"),
        (["--benchmark", "mot17"], "benchmark 'mot17' has no floor; give wildtrack, multiviewx"),
        (["--calibration", "x"], "is no folder of them; leave it out"),
        (["--radius", "0"], "radius_m is 0.0; give metres above 0"),
        (["--min-visibility", "2"], "min_visibility is 2.0"),
        (["--results", "."], "has boxes in pictures; give --calibration, or a CSV"),
        (["--results", "nowhere.csv"], "nowhere.csv cannot be read as a table"),
    ],
)
def test_bad_input_is_one_line(
    tables: list[str], arguments: list[str], told: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main([*tables, *arguments]) == 2
    (line,) = capfd.readouterr().err.strip().splitlines()
    assert told in line


def test_options_of_the_floor_alone(tables: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    without = [word for word in tables if word != "--floor"]
    assert main([*without, "--radius", "1"]) == 2
    assert "--calibration and --radius are of the floor; add --floor" in capfd.readouterr().err
