from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def quiet_boxmot() -> Iterator[None]:
    """BoxMOT tells about every tracker it builds; keep that out of the test report."""
    logger = logging.getLogger("boxmot")
    logger.disabled = True
    yield
    logger.disabled = False
