"""How long to wait before the next attempt to reach a camera."""

from __future__ import annotations

import random


class Backoff:
    """Doubles from attempt to attempt, with jitter, so that a switch that comes back is not hit by all at once.

    Args:
        first_s: before the second attempt.
        longest_s: never longer.
        seed: of the jitter; by default every camera has its own.
    """

    def __init__(self, first_s: float, longest_s: float, *, seed: int | None = None) -> None:
        self._first_s = first_s
        self._longest_s = longest_s
        self._next_s = first_s
        self._random = random.Random(seed)  # noqa: S311

    def next_s(self) -> float:
        """Seconds to wait now: between half and the whole of what has been doubled so far."""
        wait_s = self._next_s * self._random.uniform(0.5, 1.0)
        self._next_s = min(2 * self._next_s, self._longest_s)
        return wait_s

    def reset(self) -> None:
        """The camera is well again."""
        self._next_s = self._first_s
