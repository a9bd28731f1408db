from __future__ import annotations

import inspect
import subprocess
import sys
from importlib.metadata import version

import pytest
import typer

from keyreid_stream.cli import run
from keyreid_stream.cli.main import COMMANDS, main


def test_the_version_is_the_package_s(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capfd.readouterr().out.strip() == f"keyreid-stream {version('keyreid-stream')}"


@pytest.mark.parametrize("arguments", [[], ["--help"]])
def test_help_lists_the_commands(arguments: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 0
    printed = capfd.readouterr().out
    assert all(f" {command} " in printed for command in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_says_of_a_command_what_its_own_help_says(name: str) -> None:
    loaded = COMMANDS[name].load()
    own = loaded.info.help if isinstance(loaded, typer.Typer) else inspect.getdoc(loaded)
    assert " ".join(own.split("\n\n")[0].split()) == COMMANDS[name].help


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["trakc"]])
def test_what_runs_no_command_loads_none(arguments: list[str]) -> None:
    script = "import sys; from keyreid_stream.cli.main import main; main(sys.argv[1:]); print(sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=True)
    loaded = done.stdout.rsplit("[", 1)[1]
    assert "'typer'" in loaded
    assert not any(f"'{slow}'" in loaded for slow in ("torch", "cv2", "ultralytics", "scipy"))


def test_an_unknown_command_is_refused_in_one_line(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["trakc"]) == 2
    (line,) = capfd.readouterr().err.strip().splitlines()
    assert "trakc" in line
    assert "keyreid --help" in line


@pytest.mark.parametrize(
    ("group", "command"), [("eval", "track"), ("train", "score"), ("weights", "fetch"), ("world", "render")]
)
def test_a_group_without_a_command_shows_its_help_and_nothing_else(
    group: str, command: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main([group]) == 2
    printed = capfd.readouterr()
    assert f"Usage: keyreid {group}" in printed.out
    assert f" {command} " in printed.out
    assert printed.err == ""


def test_ctrl_c_while_a_command_is_loaded_is_no_traceback(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def interrupted() -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("keyreid_stream.cli.main.main", interrupted)
    with pytest.raises(SystemExit) as ended:
        run()
    assert ended.value.code == 130
    assert capfd.readouterr().err == ""
