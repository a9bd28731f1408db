"""Small products run alone while a run lasts, and as before afterwards."""

from __future__ import annotations

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from keyreid_stream.cli.threads import small_products_alone


def blas_threads() -> set[int]:
    return {int(one["num_threads"]) for one in threadpool_info() if one["user_api"] == "blas"}


def test_products_take_one_thread_within_and_as_many_as_before_after() -> None:
    np.ones((2, 2)) @ np.ones((2, 2))
    with threadpool_limits(2, user_api="blas"):
        before = blas_threads()
        assert before == {2}
        with small_products_alone():
            assert blas_threads() == {1}
        assert blas_threads() == before


def test_threads_come_back_after_a_fault() -> None:
    with threadpool_limits(2, user_api="blas"):
        with pytest.raises(KeyboardInterrupt), small_products_alone():
            raise KeyboardInterrupt
        assert blas_threads() == {2}
