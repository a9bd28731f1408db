from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def data() -> Path:
    """The shared data folder: KEYREID_DATA, or `../shared/data` beside the checkout."""
    folder = Path(os.environ.get("KEYREID_DATA", ROOT / ".." / "shared" / "data")).resolve()
    if not folder.is_dir():
        pytest.skip(f"no shared data at {folder}; set KEYREID_DATA")
    return folder
