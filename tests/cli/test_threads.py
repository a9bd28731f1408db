"""Small products run alone while a run lasts, and as before afterwards."""

from __future__ import annotations

from collections.abc import Iterator

import faiss
import pytest
import torch
from threadpoolctl import threadpool_info, threadpool_limits

from keyreid_stream.cli.threads import small_products_alone


def threads() -> tuple[set[int], int]:
    """Of the products, and of the search."""
    blas = {int(one["num_threads"]) for one in threadpool_info() if one["user_api"] == "blas"}
    return blas, faiss.omp_get_max_threads()


@pytest.fixture(autouse=True)
def two_threads() -> Iterator[None]:
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(2)
    with threadpool_limits(2, user_api="blas"):
        yield
    faiss.omp_set_num_threads(before)


def test_products_take_one_thread_within_and_as_many_as_before_after() -> None:
    models = torch.get_num_threads()
    with small_products_alone():
        assert threads() == ({1}, 1)
        assert torch.get_num_threads() == models
    assert threads() == ({2}, 2)


def test_threads_come_back_after_a_fault() -> None:
    with pytest.raises(KeyboardInterrupt), small_products_alone():
        raise KeyboardInterrupt
    assert threads() == ({2}, 2)
