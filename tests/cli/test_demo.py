"""What `keyreid demo` says, and how it refuses. The demo itself is tested in tests/demo."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from keyreid_stream.cli.main import main
from keyreid_stream.demo import Demo, DemoConfig
from keyreid_stream.fakes import RecordingSink
from keyreid_stream.structures import Tick
from tests.demo.demos import oracle_demo, yard_config


@pytest.fixture
def oracle_stages(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command with the truth for its networks."""

    def from_config(config: DemoConfig, folder: Path, *, overwrite: bool = False) -> Demo:
        return oracle_demo(config, folder, overwrite=overwrite)

    monkeypatch.setattr(Demo, "from_config", from_config)


@pytest.mark.usefixtures("oracle_stages")
def test_the_command_ends_with_scores_and_the_path_of_the_report(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    scene = yard_config(tmp_path).scene
    assert main(["demo", "--scene", scene, "--seconds", "1", "--seed", "6", "--out", str(tmp_path / "out")]) == 0
    printed = capfd.readouterr()
    lines = printed.out.strip().splitlines()
    assert lines[-1] == str(tmp_path / "out" / "report.html")
    assert lines[0].startswith("finished: 15 frames of 2 cameras, ")
    assert "OracleDetector" in lines[0]
    rows = {cells[0]: cells[1:] for line in lines if (cells := [cell.strip() for cell in line.split("│")[1:-1]])}
    assert set(rows) >= {"east", "west", "together"}
    assert rows["together"] == ["100.0", "100.0"]
    assert "15 of 15 frames at" in printed.err  # progress


@pytest.mark.usefixtures("oracle_stages")
def test_ctrl_c_leaves_a_report_on_what_there_is(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class PressCtrlC(RecordingSink):
        def write(self, tick: Tick, /) -> None:
            if tick.index == 4:
                os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr("keyreid_stream.cli.demo.ReturnFreeMemory", PressCtrlC)
    before = signal.getsignal(signal.SIGINT)
    scene = yard_config(tmp_path).scene
    assert main(["demo", "--scene", scene, "--seconds", "3", "--seed", "6", "--out", str(tmp_path / "out")]) == 130
    assert signal.getsignal(signal.SIGINT) == before
    lines = capfd.readouterr().out.strip().splitlines()
    assert lines[0].startswith("interrupted: ")
    assert Path(lines[-1]).is_file()
    assert "This run was interrupted." in Path(lines[-1]).read_text(encoding="utf-8")


def occupied(folder: Path) -> list[str]:
    (folder / "taken").mkdir()
    (folder / "taken" / "diary.txt").write_text("dear diary", encoding="utf-8")
    return ["--out", str(folder / "taken")]


REFUSED: dict[str, tuple[Callable[[Path], list[str]], list[str]]] = {
    "unknown scene": (lambda folder: ["--scene", "moon"], ["moon", "plaza"]),
    "no time": (lambda folder: ["--seconds", "0"], ["seconds", "0"]),
    "no seconds but words": (lambda folder: ["--seconds", "some"], ["--seconds"]),
    "too long": (lambda folder: ["--seconds", "99999"], ["seconds", "300"]),
    "nobody": (lambda folder: ["--people", "0"], ["people", "0"]),
    "negative seed": (lambda folder: ["--seed", "-4"], ["seed", "-4"]),
    "missing detector": (lambda folder: ["--pose", "gone.pt"], ["gone.pt"]),
    "missing weights": (lambda folder: ["--weights", "gone.safetensors"], ["gone.safetensors"]),
    "occupied folder": (occupied, ["taken", "is not empty"]),
    "unknown option": (lambda folder: ["--cameras", "3"], ["--cameras"]),
}


@pytest.mark.parametrize("case", REFUSED)
def test_bad_input_is_refused_in_one_line_without_a_trace(
    case: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    make_arguments, words = REFUSED[case]
    arguments = make_arguments(tmp_path)
    # A detector is named so that nothing depends on which one is shipped; it is looked at last.
    named = [] if "--pose" in arguments else ["--pose", str(tmp_path / "never_reached.pt")]
    out = [] if "--out" in arguments else ["--out", str(tmp_path / "out")]
    before = sorted(tmp_path.rglob("*"))
    assert main(["demo", *out, *named, *arguments]) == 2
    printed = capfd.readouterr()
    assert printed.out == ""
    (line,) = printed.err.strip().splitlines()
    assert line.startswith("keyreid: ")
    assert all(word in line for word in words), line
    assert sorted(tmp_path.rglob("*")) == before
