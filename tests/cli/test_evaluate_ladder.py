"""`keyreid eval clock` and what `keyreid eval ladder` refuses and prints; ladders with networks are in end_to_end."""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path

import pytest

from keyreid_stream.cli.main import main
from keyreid_stream.ladder import RUNGS
from tests.ladder.ladders import careless_detector, yard_address
from tests.report.judged_runs import write_run
from tests.report.pages import Page


def cells(printed: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.split("│")[1:-1]] for line in printed.splitlines() if "│" in line]


def test_the_clock_of_a_run(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    run, truth = write_run(tmp_path)
    arguments = ["eval", "clock", "--run", str(run), "--truth", str(truth)]
    written, page = tmp_path / "new" / "clock.json", tmp_path / "new" / "run.html"
    assert main([*arguments, "--json", str(written), "--html", str(page)]) == 0
    printed, errors = capfd.readouterr()
    assert errors == ""
    assert cells(printed) == [
        ["run", "then", "33.3 (3)", "0.0 (1)", "-", "-", "100.0 (3)"],
        ["", "in the end", "100.0 (3)", "0.0 (1)", "-", "-", "100.0 (3)"],
        ["", "nothing then", "33.3 (3)", "0.0 (1)", "-", "-", "0.0 (3)"],
    ]
    assert "3 visits, 0 of them never found" in printed
    content = json.loads(written.read_text(encoding="utf-8"))
    assert content["marks"][0] == {"after_s": 0.0, "visits": 3, "online": 1, "undecided": 1, "revised": 3}
    assert content["marks"][-1]["after_s"] is None
    assert (content["schema"], content["run"], content["truth"]) == ("keyreid.clock/1", str(run), str(truth))
    assert content["versions"] == {"keyreid-stream": version("keyreid-stream")}
    assert content["command"].startswith("keyreid")
    assert "run against the truth" in Page(page.read_text(encoding="utf-8")).said("h1")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["clock", "--run", "nowhere", "--truth", "nowhere"], "nowhere/run.json cannot be read"),
        (["ladder"], "no camera was given"),
        (["ladder", "door.mp4"], "for door.mp4 give --truth FOLDER"),
        (["ladder", "world://nowhere", "--out", "new"], "nowhere"),
        (["ladder", "door.mp4", "--truth", "nowhere", "--out", "new"], "the truth folder nowhere does not exist"),
        (["ladder", "world://plaza?live=true"], "leave out live=true"),
        (["ladder", "world://plaza", "--weights", "gone.safetensors", "--out", "new"], "gone.safetensors"),
    ],
)
def test_bad_input_is_one_line(
    arguments: list[str],
    told: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["eval", *arguments]) == 2
    (line,) = capfd.readouterr().err.strip().splitlines()
    assert told in line
    assert not list(tmp_path.iterdir())


def test_a_ladder_is_printed_and_its_pages_lie_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """With an untrained network and a careless detector; how right they are is of no interest here."""
    address, out = yard_address(tmp_path), tmp_path / "out"
    monkeypatch.setattr("keyreid_stream.pipeline.UltralyticsPose", careless_detector(address))
    (tmp_path / "eager.toml").write_text("[association]\nmin_quality = 0.0\nmin_observations = 2\n")
    arguments = ["eval", "ladder", address, "--out", str(out), "--model", "tiny", "--config"]
    assert main([*arguments, str(tmp_path / "eager.toml")]) == 0
    printed, errors = capfd.readouterr()
    rows = cells(printed)
    assert [row[0] for row in rows[:7]] == [
        *(rung.words for rung in RUNGS),
        *(f"lost by the {stage}" for stage in ("detector", "tracker", "association")),
    ]
    assert rows[3][1:] == [*["100.0"] * 5, "0", *["100.0"] * 4]
    assert all(cell[0] in "+-" for row in rows[4:7] for cell in row[1:])
    assert rows[-3][1:3] == ["then", "100.0 (3)"] or rows[-3][1:3] == ["then", "100.0 (4)"]
    assert str(out / "ladder.html") in printed.splitlines()
    Page((out / "ladder.html").read_text(encoding="utf-8"))
    for rung in RUNGS:
        assert f"{rung.name}: {rung.words}" in errors
        Page((out / rung.name / "report.html").read_text(encoding="utf-8"))
        assert not (out / rung.name / "videos").exists()
    assert main([*arguments, str(tmp_path / "eager.toml")]) == 0
    printed, errors = capfd.readouterr()
    assert cells(printed) == rows
    assert errors.splitlines() == [f"{rung.name}: whole already, not run again" for rung in RUNGS]
