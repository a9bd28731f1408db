from importlib.metadata import version

import pytest

from keyreid_stream.cli.main import main


def test_the_version_is_the_package_s(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capfd.readouterr().out.strip() == f"keyreid-stream {version('keyreid-stream')}"


@pytest.mark.parametrize("arguments", [[], ["--help"]])
def test_help_lists_the_commands(arguments: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 0
    printed = capfd.readouterr().out
    assert all(command in printed for command in ("track", "weights"))


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
