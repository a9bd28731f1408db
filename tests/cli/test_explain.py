"""`keyreid gallery explain` on a run made by hand: what is told, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from keyreid_stream.cli.main import main
from tests.report.explained import write_run


def told(capsys: pytest.CaptureFixture[str]) -> str:
    """What was printed, in one line: a terminal's width breaks lines anywhere."""
    return " ".join(capsys.readouterr().out.split())


def test_every_decision_is_told_with_its_candidates_parts_threshold_views_and_vetoes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    assert main(["gallery", "explain", "1", "--run", str(write_run(tmp_path))]) == 0
    said = told(capsys)
    assert "0:00.5 hall, track 2 new Nobody else was known: P1 is new." in said
    assert "0:09.0 yard, track 7 from frame 90 on matched It is P1. P1 with +6.2; next is P2 with −3.0." in said
    assert "who log odds looks places on the floor similarity threshold ruled out" in said
    assert "P1 +6.2 +4.0 +2.2 0.81 0.62" in said
    assert "P3 +6.0 +6.0 +0.0 0.81 0.62 this camera sees them now, beside it; nobody walks so fast" in said
    assert "P1 by parts: whole body 0.90 · left arm hidden" in said
    assert "threshold 0.62 for 4 people to choose from, after 1 pair" in said
    assert "0.5 m apart in 1 common sighting" in said
    assert "compared with hall, track 2, 0:01.0 to 0:03.0, 3 clips: 0.82" in said
    assert "P4 becomes P1" in said
    assert "gate" not in said


def test_one_track_and_a_sheet(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sheet = tmp_path / "why.html"
    run = write_run(tmp_path / "run", crops=True)
    assert main(["gallery", "explain", "1", "--run", str(run), "--track", "yard/7", "--out", str(sheet)]) == 0
    out = capsys.readouterr().out
    assert "hall, track 2 " not in out
    assert out.splitlines()[-1] == str(sheet)
    assert "Why P1?" in sheet.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["9", "--run", "run"], "no decision about identity 9; about: 1, 4, 5, 6"),
        (["1", "--run", "nowhere"], "no run in nowhere"),
        (["1", "--run", "bare"], "keyreid track --decisions"),
        (["1", "--run", "run", "--track", "yard"], "write CAMERA/TRACK"),
        (["1", "--run", "run", "--track", "yard/-7"], "write CAMERA/TRACK"),
        (["1", "--run", "run", "--track", "yard/8"], "choose from: hall/2, hall/8, yard/7"),
        (["one", "--run", "run"], "valid integer"),
        (["1"], "--run"),
    ],
)
def test_bad_input_is_told_in_one_line_and_leaves_nothing(
    arguments: list[str],
    says: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    write_run(tmp_path / "run")
    (tmp_path / "bare").mkdir()
    assert main(["gallery", "explain", *arguments, "--out", "why.html"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert len(said.err.splitlines()) == 1
    assert says in said.err
    assert not (tmp_path / "why.html").exists()
