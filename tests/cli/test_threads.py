"""Searches run alone while a run lasts, and as before afterwards."""

from __future__ import annotations

from collections.abc import Iterator

import faiss
import pytest
import torch

from keyreid_stream.cli.threads import searches_alone


@pytest.fixture(autouse=True)
def two_threads() -> Iterator[None]:
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(2)
    yield
    faiss.omp_set_num_threads(before)


def test_searches_take_one_thread_within_and_as_many_as_before_after() -> None:
    models = torch.get_num_threads()
    with searches_alone():
        assert faiss.omp_get_max_threads() == 1
        assert torch.get_num_threads() == models
    assert faiss.omp_get_max_threads() == 2


def test_threads_come_back_after_a_fault() -> None:
    with pytest.raises(KeyboardInterrupt), searches_alone():
        raise KeyboardInterrupt
    assert faiss.omp_get_max_threads() == 2
