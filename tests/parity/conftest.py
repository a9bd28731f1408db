from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
import torch

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def reference_folder() -> Path:
    """The folder with the golden test and the list of published tensors, beside the shared data."""
    folder = Path(os.environ.get("KEYREID_DATA", ROOT / "../shared/data")).resolve().parent / "reference"
    if not (folder / "golden" / "formula.py").is_file():
        pytest.skip(f"NO GOLDEN DATA at {folder}: parity with the published code is not checked; set KEYREID_DATA")
    return folder


@pytest.fixture(scope="session")
def formula(reference_folder: Path) -> ModuleType:
    """The formulas that make the golden test's weights and inputs."""
    spec = importlib.util.spec_from_file_location("golden_formula", reference_folder / "golden" / "formula.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Threads cost small networks more than they bring, several times more on a busy machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
