"""What evaluations of tracks do with input that is wrong: one line that says so, or a score that is no success.

Frames counted from 0, an id twice in a frame, cameras that are missing, nobody found, numbers that are none. The
commands are run as users run them; re-ID has a file of its own.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from keyreid_stream.cli.main import main
from tests.cli.refusals import refused
from tests.report.judged_runs import write_run

BOX = "10,20,30,40"
RESULT = f"{BOX},0.9,-1,-1,-1"
TRUE = f"{BOX},1,1,1"
TWICE = "1,1"

HEADER = "frame,id,x_m,y_m\n"


def rows(path: Path, *starts: str, end: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{start},{end}\n" for start in starts))


@pytest.fixture
def tracks(tmp_path: Path) -> list[str]:
    """Two cameras that see one person for two frames, found in both."""
    for camera in ("door", "yard"):
        rows(tmp_path / f"mot/{camera}/gt/gt.txt", "1,1", "2,1", end=TRUE)
        rows(tmp_path / f"tracks/{camera}.txt", "1,1", "2,1", end=RESULT)
    return ["track", "--results", str(tmp_path / "tracks"), "--truth", str(tmp_path / "mot")]


class TestTracks:
    """`eval track`."""

    @pytest.mark.parametrize("benchmark", [[], ["--benchmark", "mot17"]])
    @pytest.mark.parametrize(
        ("file", "end", "starts", "told"),
        [
            ("tracks/door.txt", RESULT, ["0,1", "1,1"], "line 1 has frame 0; allowed: whole numbers from 1"),
            ("mot/door/gt/gt.txt", TRUE, ["0,1", "1,1"], "line 1 has frame 0; allowed: whole numbers from 1"),
            ("tracks/door.txt", RESULT, [TWICE, TWICE], "line 2 has id 1 for the second time in frame 1"),
            ("mot/door/gt/gt.txt", TRUE, [TWICE, TWICE], "line 2 has id 1 for the second time in frame 1"),
            ("tracks/door.txt", RESULT.replace("30", "nan"), ["1,1"], "line 1 has"),
            ("mot/door/gt/gt.txt", TRUE.replace("30", "nan"), ["1,1"], "line 1 has"),
            ("tracks/attic.txt", RESULT, ["1,1"], "results of attic"),
        ],
    )
    def test_one_line(
        self,
        tracks: list[str],
        benchmark: list[str],
        file: str,
        end: str,
        starts: list[str],
        told: str,
        tmp_path: Path,
        capfd: pytest.CaptureFixture[str],
    ) -> None:
        rows(tmp_path / file, *starts, end=end)
        refused([*tracks, *benchmark], told, capfd)

    def test_truth_of_nobody(self, tracks: list[str], tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
        for camera in ("door", "yard"):
            rows(tmp_path / f"mot/{camera}/gt/gt.txt", end=TRUE)
        refused(tracks, "nobody in the truth", capfd)

    def test_a_missing_camera_has_found_nobody(self, tracks: list[str], tmp_path: Path) -> None:
        (tmp_path / "tracks/yard.txt").unlink()
        scores = scored(tracks, tmp_path)
        assert scores["cameras"]["yard"]["hota"] == scores["cameras"]["yard"]["idf1"] == 0
        assert scores["together"]["fn"] == 2
        assert scores["together"]["idf1"] == pytest.approx(2 / 3)

    def test_whoever_finds_nobody_scores_nothing(self, tracks: list[str], tmp_path: Path) -> None:
        for camera in ("door", "yard"):
            rows(tmp_path / f"tracks/{camera}.txt", end=RESULT)
        together = scored(tracks, tmp_path)["together"]
        assert {together[name] for name in ("hota", "deta", "assa", "idf1", "idp", "idr", "mota")} == {0}
        assert together["fn"] == 4


def scored(arguments: list[str], folder: Path) -> dict[str, Any]:
    assert main(["eval", *arguments, "--json", str(folder / "scores.json")]) == 0
    content: dict[str, Any] = json.loads((folder / "scores.json").read_text())
    return content


@pytest.fixture
def floor(tmp_path: Path) -> list[str]:
    """One person, who stands for ten frames, and is found."""
    table = HEADER + "".join(f"{frame},1,0,0\n" for frame in range(10))
    for name in ("found", "truth"):
        (tmp_path / f"{name}.csv").write_text(table)
    files = ["--results", str(tmp_path / "found.csv"), "--truth", str(tmp_path / "truth.csv")]
    return ["track", "--floor", *files]


class TestFloor:
    """`eval track --floor`, whose frames count from 0."""

    @pytest.mark.parametrize(
        ("file", "table", "told"),
        [
            ("found.csv", HEADER + "-1,1,0,0\n", "line 2 has frame '-1'; allowed: whole numbers from 0"),
            ("found.csv", HEADER + "1,1,0,0\n1,1,0,0\n", "line 3 has id 1 for the second time in frame 1"),
            ("truth.csv", HEADER + "1,1,0,0\n1,1,0,0\n", "line 3 has id 1 for the second time in frame 1"),
            ("found.csv", HEADER + "1,1,nan,0\n", "line 2 has place 'nan'; allowed: finite metres"),
            ("truth.csv", HEADER + "1,1,0,inf\n", "line 2 has place 'inf'; allowed: finite metres"),
            ("truth.csv", HEADER, "nobody in the truth"),
        ],
    )
    def test_one_line(
        self, floor: list[str], file: str, table: str, told: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / file).write_text(table)
        refused(floor, told, capfd)

    @pytest.mark.parametrize("file", ["found.csv", "truth.csv"])
    def test_a_table_counted_from_1_is_told(
        self, floor: list[str], file: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
    ) -> None:
        """Tables tell no length: the score holds, one frame late, but not in silence."""
        assert main(["eval", *floor]) == 0
        assert capfd.readouterr().err == ""
        (tmp_path / file).write_text(HEADER + "".join(f"{frame},1,0,0\n" for frame in range(1, 11)))
        scores = scored(floor, tmp_path)["floor"]
        assert (scores["fp"], scores["fn"]) == (1, 1)
        assert "is one of them counted from 1? Both count from 0" in capfd.readouterr().err

    def test_benchmarks_know_their_length(
        self, floor: list[str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
    ) -> None:
        for frame in range(3):
            path = tmp_path / f"wild/annotations_positions/{5 * frame:08}.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps([{"personID": 9, "positionID": 0}]))
        (tmp_path / "found.csv").write_text(HEADER + "".join(f"{frame},1,0,0\n" for frame in range(1, 4)))
        changed = [*floor[:-1], str(tmp_path / "wild"), "--benchmark", "wildtrack"]
        refused(changed, "results have frame 3; allowed: 0 to 2", capfd)

    def test_whoever_finds_nobody_scores_nothing(self, floor: list[str], tmp_path: Path) -> None:
        (tmp_path / "found.csv").write_text(HEADER)
        scores = scored(floor, tmp_path)["floor"]
        assert {scores[name] for name in ("hota", "deta", "assa", "idf1", "mota")} == {0}
        assert scores["fn"] == 10


class TestClock:
    """`eval clock`."""

    @pytest.mark.parametrize(
        ("file", "text", "told"),
        [
            ("run/tracks/door.txt", f"0,1,{RESULT}\n", "line 1 has frame 0; allowed: whole numbers from 1"),
            ("mot/door/gt/gt.txt", f"0,1,{TRUE}\n", "line 1 has frame 0; allowed: whole numbers from 1"),
            ("run/tracks/door.txt", f"1,1,{RESULT}\n" * 2, "line 2 has id 1 for the second time in frame 1"),
            ("run/tracks/door.txt", f"1,1,nan{RESULT[2:]}\n", "allowed: only finite numbers"),
            ("mot/hall/gt/gt.txt", f"1,1,{TRUE}\n", "the truth of hall, which the run in"),
            ("run/tracks/hall.txt", f"1,1,{RESULT}\n", "results of hall"),
        ],
    )
    def test_one_line(self, file: str, text: str, told: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
        run, truth = write_run(tmp_path)
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text(text)
        refused(["clock", "--run", str(run), "--truth", str(truth)], told, capfd)

    def test_truth_of_one_camera_less(self, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
        run, truth = write_run(tmp_path)
        (truth / "yard/gt/gt.txt").unlink()
        (truth / "yard/gt").rmdir()
        (truth / "yard").rmdir()
        refused(["clock", "--run", str(run), "--truth", str(truth)], "results of yard", capfd)

    def test_whoever_finds_nobody_is_never_right(self, tmp_path: Path) -> None:
        run, truth = write_run(tmp_path)
        for name in ("events.jsonl", "tracks/door.txt", "tracks/yard.txt"):
            (run / name).write_text("")
        out = tmp_path / "clock.json"
        assert main(["eval", "clock", "--run", str(run), "--truth", str(truth), "--json", str(out)]) == 0
        content = json.loads(out.read_text())
        assert content["never_found"] == 3
        assert all(mark["visits"] == mark["online"] == mark["revised"] == 0 for mark in content["marks"])


class TestLadder:
    """`eval ladder` over recordings."""

    @pytest.mark.parametrize(
        ("cameras", "starts", "told"),
        [
            (["door", "yard"], ["0,1"], "line 1 has frame 0; allowed: whole numbers from 1"),
            (["door", "yard"], [TWICE, TWICE], "line 2 has id 1 for the second time in frame 1"),
            (["door", "yard"], ["1,1,nan"], "line 1 has"),
            (["door"], ["1,1"], "yard"),
            (["door", "yard", "hall"], ["1,1"], "hall"),
        ],
    )
    def test_one_line(
        self, cameras: list[str], starts: list[str], told: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
    ) -> None:
        for camera in cameras:
            rows(tmp_path / f"mot/{camera}/gt/gt.txt", *starts, end=TRUE)
        refused(self.arguments(tmp_path), told, capfd)
        assert not list(tmp_path.glob("out/*/run.json"))

    def test_truth_of_a_longer_recording(self, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
        """How long a recording is, is known once it was run."""
        for camera in ("door", "yard"):
            rows(tmp_path / f"mot/{camera}/gt/gt.txt", "1,1", "9,1", end=TRUE)
        refused(self.arguments(tmp_path), "the truth of door has frame 9, and the recording has 3 frames", capfd)

    @staticmethod
    def arguments(folder: Path) -> list[str]:
        """Two cameras of three grey pictures."""
        for camera in ("door", "yard"):
            (folder / camera).mkdir()
            for frame in range(1, 4):
                cv2.imwrite(str(folder / camera / f"{frame}.png"), np.full((64, 64, 3), 90, np.uint8))
        cameras = [str(folder / camera) for camera in ("door", "yard")]
        options = ["--truth", str(folder / "mot"), "--pose", "world-pose", "--out", str(folder / "out")]
        return ["ladder", *cameras, *options]

    def test_whoever_finds_nobody_scores_nothing(self, tmp_path: Path) -> None:
        """The detector sees grey walls alone; with the truth in its place everybody is found."""
        for camera in ("door", "yard"):
            rows(tmp_path / f"mot/{camera}/gt/gt.txt", "1,1", "2,1", "3,1", end=TRUE)
        assert main(["eval", *self.arguments(tmp_path)]) == 0
        rungs = json.loads((tmp_path / "out/ladder.json").read_text())["rungs"]
        assert {rungs[0]["figures"]["together"][name] for name in ("hota", "deta", "idf1", "mota")} == {0}
        assert rungs[-1]["figures"]["together"]["idf1"] == 1
