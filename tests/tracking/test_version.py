from __future__ import annotations

from importlib.metadata import PackageNotFoundError

import pytest

from keyreid_stream.errors import KeyReIDError
from keyreid_stream.tracking import TrackingConfig, require_boxmot
from keyreid_stream.tracking import version as shim
from keyreid_stream.tracking.boxmot_tracker import BoxmotTracker


def test_the_installed_boxmot_is_supported() -> None:
    assert require_boxmot().startswith("25.")


@pytest.mark.parametrize("installed", ["24.9.1", "26.0.0", "26.0.0rc1", "250.0", "2.5"])
def test_another_major_version_is_refused_with_the_command_that_helps(
    installed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shim, "version", lambda _package: installed)
    with pytest.raises(KeyReIDError, match=f"boxmot {installed} is installed") as caught:
        require_boxmot()
    assert 'pip install "boxmot>=25,<26"' in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_boxmot_is_named_with_the_command_that_helps(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_package: str) -> str:
        raise PackageNotFoundError

    monkeypatch.setattr(shim, "version", missing)
    with pytest.raises(KeyReIDError, match='not installed; run: pip install "boxmot>=25,<26"'):
        require_boxmot()


def test_no_tracker_is_built_on_an_unsupported_boxmot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shim, "version", lambda _package: "26.0.0")
    with pytest.raises(KeyReIDError, match=r"26\.0\.0"):
        BoxmotTracker(TrackingConfig(), camera_id="cam", fps=10)
