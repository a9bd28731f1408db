"""How many threads a run's small products take."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import faiss
from threadpoolctl import threadpool_limits


@contextmanager
def small_products_alone() -> Iterator[None]:
    """Let NumPy's, SciPy's and FAISS's work run in one thread each; PyTorch and the engines keep all theirs.

    A tick's products are of some hundred rows, its searches of a few queries. Handing them to every core and waiting
    for the last of them costs more than it gains, above all while the models keep those cores busy.
    """
    threads = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        with threadpool_limits(1, user_api="blas"):
            yield
    finally:
        faiss.omp_set_num_threads(threads)
