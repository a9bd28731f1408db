from __future__ import annotations

import json
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

import pytest

from keyreid_stream.cli.main import main
from keyreid_stream.evaluation import score_run
from keyreid_stream.run_folder import SCHEMA
from tests.report.records import RUN
from tests.world.small_worlds import yard_toml

BOX = "10,20,30,40"


def write(path: Path, frames: range, person: int, end: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{frame},{person},{BOX},{end}\n" for frame in frames))


@pytest.fixture
def run(tmp_path: Path) -> list[str]:
    """Someone who is in two cameras and another person in each, and a camera in which nobody was looked for."""
    for person, camera in enumerate(("back [yard]", "door"), 1):
        write(tmp_path / "mot" / camera / "gt" / "gt.txt", range(1, 11), 7, "1,1,1")
        write(tmp_path / "tracks" / f"{camera}.txt", range(1, 11), person, "0.9,-1,-1,-1")
    write(tmp_path / "mot" / "hall" / "gt" / "gt.txt", range(0), 7, "1,1,1")
    return ["eval", "track", "--results", str(tmp_path / "tracks"), "--truth", str(tmp_path / "mot")]


def test_a_table_in_percent(run: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    assert main(run) == 0
    printed, errors = capfd.readouterr()
    assert errors == ""
    cells = [[cell.strip() for cell in line.split("│")[1:-1]] for line in printed.splitlines() if "│" in line]
    perfect = [*["100.0"] * 8, "0", "0", "0", "1", "1"]
    assert cells == [
        ["back [yard]", *perfect],
        ["door", *perfect],
        ["hall", *["-"] * 8, "0", "0", "0", "0", "0"],
        ["together", "70.7", "100.0", "50.0", "100.0", "50.0", "50.0", "50.0", "100.0", "0", "0", "0", "1", "2"],
    ]
    assert "people seen less than 10 % are ignored" in " ".join(printed.split())


def test_scores_for_machines(run: list[str], tmp_path: Path) -> None:
    path = tmp_path / "new" / "scores.json"
    assert main([*run, "--json", str(path), "--min-visibility", "0"]) == 0
    content = json.loads(path.read_text())
    scores = score_run(tmp_path / "tracks", tmp_path / "mot", min_visibility=0)
    assert content.pop("command").split()[0] == "keyreid"
    assert content == {
        "schema": "keyreid.scores/1",
        "versions": {"keyreid-stream": version("keyreid-stream"), "trackeval": version("trackeval")},
        "results": str(tmp_path / "tracks"),
        "truth": str(tmp_path / "mot"),
        "min_visibility": 0,
        "benchmark": None,
        "seqmap": None,
        "run": None,
        "cameras": {name: asdict(one) for name, one in scores.cameras.items()},
        "together": asdict(scores.together),
    }
    assert content["together"]["idf1"] == 0.5
    assert not list(tmp_path.rglob("*.part"))


def test_two_runs_side_by_side(run: list[str], tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The second has found nobody at the door: of two cameras' means it has half, and so in half of the resamples."""
    files = [str(tmp_path / name) for name in ("a.json", "b.json")]
    assert main([*run, "--json", files[0]]) == 0
    (tmp_path / "tracks" / "door.txt").write_text("")
    assert main([*run, "--json", files[1]]) == 0
    capfd.readouterr()
    written = tmp_path / "compared.json"
    assert main(["eval", "compare", *files, "--json", str(written)]) == 0
    printed = capfd.readouterr().out
    assert "2 cameras of" in printed
    assert "-50.0 (-100.0 to +0.0)" in printed
    content = json.loads(written.read_text())
    assert content["runs"][1]["means"]["idf1"] == 0.5
    assert content["runs"][0]["command"].split()[0] == "keyreid"
    for wrong in (["--similarity", "cosine"], ["--html", "x.html"]):
        assert main(["eval", "compare", *files, *wrong]) == 2
        assert "and these are tracks; leave them out" in capfd.readouterr().err
    assert main(["eval", "compare", files[0], str(written)]) == 2
    assert "compare files of one kind" in capfd.readouterr().err


def test_a_run_of_ours_tells_its_weights(run: list[str], tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    told = {key: RUN[key] for key in ("model", "pose_weights", "status")} | {"oracle": ["tracks"]}
    (tmp_path / "run.json").write_text(json.dumps(RUN | {"schema": SCHEMA} | told))
    assert main([*run, "--json", str(tmp_path / "scores.json")]) == 0
    assert json.loads((tmp_path / "scores.json").read_text())["run"] == told
    words = "tiny cdcdcdcdcdcd, detector x.pt abababababab, true tracks"
    assert words in " ".join(capfd.readouterr().out.split())
    (tmp_path / "run.json").write_text("{")
    assert main(run) == 0
    assert "cdcdcdcdcdcd" not in capfd.readouterr().out


def test_a_benchmark_s_sequences(run: list[str], tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Person 7 of one sequence is another than person 7 of the other, and the hall is not meant."""
    seqmap, path = tmp_path / "val.txt", tmp_path / "scores.json"
    seqmap.write_text("name\nback [yard]\ndoor\n")
    assert main([*run, "--benchmark", "MOT20", "--seqmap", str(seqmap), "--json", str(path)]) == 0
    content = json.loads(path.read_text())
    assert (content["benchmark"], content["seqmap"], content["min_visibility"]) == ("mot20", str(seqmap), 0)
    assert list(content["cameras"]) == ["back [yard]", "door"]
    assert (content["together"]["hota"], content["together"]["idf1"]) == (1, 1)
    assert (content["together"]["truth_ids"], content["together"]["result_ids"]) == (2, 2)
    printed = " ".join(capfd.readouterr().out.split())
    assert "mot20's rule, with people of its own in each sequence" in printed
    assert "are ignored" not in printed


def test_no_overlap_has_no_mean(run: list[str], tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """LocA of no match is 1 by definition: as a share it would look like a success."""
    (tmp_path / "tracks" / "door.txt").write_text("")
    assert main(run) == 0
    (door,) = (line for line in capfd.readouterr().out.splitlines() if "door" in line and "│" in line)
    assert [cell.strip() for cell in door.split("│")[2:6]] == ["0.0", "0.0", "0.0", "-"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--results", "nowhere"], "the results folder nowhere does not exist"),
        (["--truth", "nowhere"], "the truth folder nowhere does not exist"),
        (["--min-visibility", "2"], "min_visibility is 2.0; give a share from 0 to 1"),
        (["--benchmark", "mot18"], "benchmark 'mot18' is not known; give mot16, mot17, mot20, dancetrack"),
        (["--seqmap", "nowhere.txt"], "nowhere.txt cannot be read as text"),
        (["--json", "/dev/null/scores.json"], "/dev/null/scores.json cannot be written"),
    ],
)
def test_bad_input_is_one_line(
    run: list[str], arguments: list[str], told: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main([*run, *arguments]) == 2
    (line,) = capfd.readouterr().err.strip().splitlines()
    assert told in line


def test_a_damaged_file(run: list[str], tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "tracks" / "door.txt"
    path.write_text(f"1,1,{BOX},1\n2,1,{BOX},nan\n")
    assert main(run) == 2
    (line,) = capfd.readouterr().err.strip().splitlines()
    assert f"{path}, line 2 has" in line


@pytest.mark.parametrize("boxes", ["whole", "visible"])
def test_the_truth_of_a_world(tmp_path: Path, boxes: str) -> None:
    """Whoever finds exactly what can be seen in a world gets full marks."""
    (tmp_path / "yard.toml").write_text(yard_toml())
    world = tmp_path / "world"
    render = ["world", "render", str(tmp_path / "yard.toml"), "--seconds", "4", "--seed", "3", "--mot"]
    assert main([*render, "--mot-boxes", boxes, "--out", str(world)]) == 0
    (tmp_path / "tracks").mkdir()
    people = 0
    for truth in (world / "mot").glob("*/gt/gt.txt"):
        rows = [line.split(",") for line in truth.read_text().splitlines()]
        seen = [row for row in rows if float(row[8]) >= 0.1]
        people += len(seen)
        text = "".join(f"{','.join(row[:6])},1,-1,-1,-1\n" for row in seen)
        (tmp_path / "tracks" / f"{truth.parent.parent.name}.txt").write_text(text)
    assert people > 20
    together = score_run(tmp_path / "tracks", world / "mot").together
    assert (together.hota, together.idf1, together.mota) == pytest.approx((1, 1, 1))
    assert together.truth_boxes == people
