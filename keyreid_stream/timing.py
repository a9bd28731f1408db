"""Where a run's time goes: seconds and calls per stage."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(slots=True)
class StageTime:
    """Wall-clock seconds spent in a stage over a number of calls."""

    seconds: float = 0.0
    calls: int = 0


class StageTimes:
    """Adds up wall-clock time by stage name, in order of first use."""

    def __init__(self) -> None:
        self.stages: dict[str, StageTime] = {}

    @contextmanager
    def measure(self, stage: str) -> Iterator[None]:
        """Time the enclosed block, also when it raises."""
        started = time.perf_counter()
        try:
            yield
        finally:
            total = self.stages.setdefault(stage, StageTime())
            total.seconds += time.perf_counter() - started
            total.calls += 1
