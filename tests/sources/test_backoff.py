from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyreid_stream.sources.backoff import Backoff


@given(st.integers(0, 1000))
def test_waits_double_up_to_the_longest_with_jitter_below(seed: int) -> None:
    backoff = Backoff(1.0, 8.0, seed=seed)
    waits = [backoff.next_s() for _ in range(8)]
    for wait_s, most_s in zip(waits, [1, 2, 4, 8, 8, 8, 8, 8], strict=True):
        assert most_s / 2 <= wait_s <= most_s


def test_two_cameras_do_not_try_at_the_same_moments() -> None:
    one, other = Backoff(1.0, 8.0, seed=1), Backoff(1.0, 8.0, seed=2)
    assert [one.next_s() for _ in range(4)] != pytest.approx([other.next_s() for _ in range(4)])


def test_a_camera_that_was_well_is_tried_soon() -> None:
    backoff = Backoff(1.0, 8.0, seed=1)
    for _ in range(5):
        backoff.next_s()
    backoff.reset()
    assert backoff.next_s() <= 1.0
