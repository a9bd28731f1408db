from __future__ import annotations

import ctypes
import sys

import numpy as np
import psutil
import pytest

from keyreid_stream.cli import memory
from keyreid_stream.cli.memory import INTERVAL_S, ReturnFreeMemory


def test_free_memory_is_returned_at_most_every_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    calls: list[int] = []
    monkeypatch.setattr(memory.time, "monotonic", lambda: now[0])
    sink = ReturnFreeMemory()
    sink._trim = calls.append  # type: ignore[assignment]
    with sink:
        for seconds in (1.0, INTERVAL_S, INTERVAL_S + 1, 2 * INTERVAL_S + 0.5):
            now[0] = seconds
            sink.write(None)
    assert calls == [0, 0]


@pytest.mark.skipif(
    not sys.platform.startswith("linux") or not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="glibc only"
)
def test_gaps_in_the_heap_go_back_to_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    process = psutil.Process()
    # Small pieces come from the heap, and the last of them keeps it from shrinking by itself.
    pieces = [np.ones(12_000, np.uint8) for _ in range(8_000)]
    last = pieces[-1]
    del pieces
    before = process.memory_info().rss
    monkeypatch.setattr(memory, "INTERVAL_S", 0.0)
    ReturnFreeMemory().write(None)
    assert before - process.memory_info().rss > 50 * 2**20
    assert last.all()
