"""What an evaluation that refuses its input looks like."""

from __future__ import annotations

import pytest

from keyreid_stream.cli.main import main


def refused(arguments: list[str], told: str, capfd: pytest.CaptureFixture[str]) -> None:
    """The command fails with one line that tells this, and prints no score."""
    capfd.readouterr()
    assert main(["eval", *arguments]) == 2
    printed, errors = capfd.readouterr()
    (line,) = [line for line in errors.splitlines() if line.startswith("keyreid:")]
    assert told in line
    assert "│" not in printed
