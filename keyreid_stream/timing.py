"""Where a run's time goes: per stage how often, how long in all, and how long how often."""

from __future__ import annotations

import math
import time
from bisect import bisect_left
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

_STEPS = (1, 1.25, 1.6, 2, 2.5, 3.15, 4, 5, 6.3, 8)
BUCKETS_S = (*(round(step * 10.0**decade, 6) for decade in range(-4, 1) for step in _STEPS), 10.0)
"""Upper ends of the histogram's buckets, from 0.1 ms to 10 s, ten a decade; what is longer goes into one more."""


@dataclass(slots=True)
class StageTime:
    """Wall-clock seconds spent in a stage over a number of calls.

    Attributes:
        counts: calls by duration: beside each of `BUCKETS_S` those up to it and above the one before; longer ones last.
    """

    seconds: float = 0.0
    calls: int = 0
    counts: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS_S) + 1))

    def add(self, seconds: float) -> None:
        """Count one call."""
        self.seconds += seconds
        self.calls += 1
        self.counts[bisect_left(BUCKETS_S, seconds)] += 1

    def quantile_s(self, share: float) -> float:
        """Seconds within which this share of the calls ended: the upper end of a bucket; NaN without calls."""
        needed, seen = share * self.calls, 0
        for bucket, count in enumerate(self.counts):
            seen += count
            if count and seen >= needed:
                return BUCKETS_S[bucket] if bucket < len(BUCKETS_S) else math.inf
        return math.nan


class StageTimes:
    """Adds up wall-clock time by stage name, in order of first use.

    Args:
        not_glue: stages that are waiting, decoding or models; all others together are a tick's glue.

    Attributes:
        stages: by name.
        glue: what ticks took besides waiting for frames, decoding and the models; of those that have ended.
    """

    def __init__(self, not_glue: Collection[str] = ()) -> None:
        self.stages: dict[str, StageTime] = {}
        self.glue = StageTime()
        self._not_glue = frozenset(not_glue)
        self._glue_s = 0.0

    @contextmanager
    def measure(self, stage: str) -> Iterator[None]:
        """Time the enclosed block, also when it raises."""
        started = time.perf_counter()
        try:
            yield
        finally:
            passed_s = time.perf_counter() - started
            self.stages.setdefault(stage, StageTime()).add(passed_s)
            if stage not in self._not_glue:
                self._glue_s += passed_s

    def end_tick(self) -> None:
        """Count what the tick's stages took that are glue."""
        self.glue.add(self._glue_s)
        self._glue_s = 0.0
