"""How many threads a run's small products take."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from threadpoolctl import threadpool_limits


@contextmanager
def small_products_alone() -> Iterator[None]:
    """Let NumPy's and SciPy's products run in one thread each; PyTorch and the engines keep all theirs.

    A tick's products are of some hundred rows. Handing them to every core and waiting for the last of them costs more
    than it gains, above all while the models keep those cores busy: `python -m tests.bench association` shows it.
    """
    with threadpool_limits(1, user_api="blas"):
        yield
