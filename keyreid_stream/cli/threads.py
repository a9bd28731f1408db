"""How many threads a run's searches take."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import faiss


@contextmanager
def searches_alone() -> Iterator[None]:
    """Let FAISS search in one thread; PyTorch and the engines keep all theirs.

    A tick asks for a few people. Handing that to every core and waiting for the last of them costs more than it gains,
    above all while the models keep those cores busy. For products of NumPy and SciPy the command's environment says the
    same (`keyreid_stream.cli.THREADING`), but FAISS shares its variable with PyTorch.
    """
    threads = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(threads)
