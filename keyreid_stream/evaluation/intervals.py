"""Differences between evaluations, with how far they hang on what was evaluated."""

from __future__ import annotations

from dataclasses import dataclass

RESAMPLES = 10_000

LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Interval:
    """A difference and where it lies in 95 % of the resamples; fractions."""

    difference: float
    low: float
    high: float

    @property
    def clear(self) -> bool:
        """Whether all of the interval is on one side of zero."""
        return self.low > 0 or self.high < 0
