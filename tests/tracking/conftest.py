from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
from threadpoolctl import threadpool_limits


@pytest.fixture(autouse=True)
def quiet_boxmot() -> Iterator[None]:
    """BoxMOT tells about every tracker it builds; keep that out of the test report."""
    logger = logging.getLogger("boxmot")
    logger.disabled = True
    yield
    logger.disabled = False


@pytest.fixture(autouse=True, scope="module")
def one_blas_thread() -> Iterator[None]:
    """Trackers solve 4 x 4 systems; on a busy machine several BLAS threads make that ten times slower, waiting."""
    with threadpool_limits(1, user_api="blas"):
        yield
