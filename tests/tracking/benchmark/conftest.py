from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def boxmots_own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """BoxMOT remembers checksums of files in the user's cache folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
