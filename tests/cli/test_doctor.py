from __future__ import annotations

import os
import platform
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from keyreid_engines import choose
from keyreid_stream.cli import doctor as command
from keyreid_stream.cli.main import main


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEYREID_HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")


def test_it_names_the_machine_the_versions_and_what_auto_takes(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--device", "cpu"]) == 0
    shown = capfd.readouterr().out
    for word in (platform.python_version(), torch.__version__, "openvino", "onnxruntime", "engines (0 engines)"):
        assert word in shown
    assert shown.count("auto takes this one") == 1


def test_missing_and_broken_libraries_are_lines_of_the_table(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing() -> Any:
        raise ImportError("openvino is not installed")

    def broken() -> Any:
        raise RuntimeError("whatever")

    monkeypatch.setattr(choose.candidates, "__defaults__", ({"openvino": missing, "onnxruntime": broken},))
    assert main(["doctor", "--device", "cpu"]) == 0
    shown = capfd.readouterr().out
    assert 'openvino is not installed; pip install "keyreid-stream[openvino]"' in shown
    assert "broken (RuntimeError)" in shown
    torch_line = next(line for line in shown.splitlines() if "│ torch " in line and "auto" in line)
    assert "auto takes this one" in torch_line


def test_a_device_that_is_not_there_is_a_line_too(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--device", "cuda:77"]) == 0
    assert "ConfigError" in capfd.readouterr().out


def test_nothing_that_fails_ends_it(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*arguments: object, **options: object) -> Any:
        raise OSError("no such thing\nsecond line")

    monkeypatch.setattr(platform, "platform", fails)
    monkeypatch.setattr(command, "_processor", fails)
    monkeypatch.setattr(os, "sched_getaffinity", fails, raising=False)
    monkeypatch.setattr(torch.cuda, "is_available", fails)
    monkeypatch.setattr(command, "version", fails)
    monkeypatch.setitem(sys.modules, "keyreid_engines.choose", None)
    monkeypatch.setitem(sys.modules, "keyreid_engines.cache", None)
    assert main(["doctor"]) == 0
    shown = capfd.readouterr().out
    assert "cannot be told (OSError: no such thing)" in shown
    assert "second line" not in shown


def test_a_missing_package_is_not_installed(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "PACKAGES", ("a-package-that-nobody-has",))
    assert main(["doctor", "--device", "cpu"]) == 0
    line = next(line for line in capfd.readouterr().out.splitlines() if "nobody-has" in line)
    assert "not installed" in line
