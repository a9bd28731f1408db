from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keyreid_stream.oracle.matching import match_boxes
from tests.oracle.scripted import LEFT, RIGHT, Box, moved


def match(boxes: list[Box], others: list[Box]) -> list[int]:
    return match_boxes(np.array(boxes, np.float32).reshape(-1, 4), np.array(others, np.float32).reshape(-1, 4)).tolist()


def test_boxes_find_their_own() -> None:
    assert match([RIGHT, LEFT, (0, 0, 3, 3)], [LEFT, RIGHT]) == [1, 0, -1]


@pytest.mark.parametrize(("boxes", "others"), [([], []), ([LEFT], []), ([], [LEFT])])
def test_nobody_matches_nobody(boxes: list[Box], others: list[Box]) -> None:
    assert match(boxes, others) == [-1] * len(boxes)


def test_half_is_enough_and_less_is_not() -> None:
    # Of two boxes of width 30 that are 10 apart, 20 of 40 are shared.
    assert match([(0, 0, 30, 10)], [(10, 0, 40, 10)]) == [0]
    assert match([(0, 0, 30, 10)], [(10.01, 0, 40.01, 10)]) == [-1]


def test_a_true_box_is_given_once() -> None:
    assert match([moved(LEFT, 1), LEFT, moved(LEFT, 2)], [LEFT]) == [-1, 0, -1]


def test_the_sum_counts_not_the_first_best() -> None:
    # The first box overlaps both; were it given its best, the second would go without.
    assert match([(0, 0, 30, 10), (0, 0, 26, 10)], [(0, 0, 29, 10), (0, 0, 36, 10)]) == [1, 0]


@pytest.mark.parametrize("bad", [(5, 10, 5, 50), (25, 50, 5, 10), (np.nan, 10, 25, 50), (5, 10, np.inf, 50)])
def test_what_is_no_box_matches_nothing(bad: Box) -> None:
    assert match([bad, LEFT], [LEFT, bad]) == [-1, 0]


boxes_lists = st.lists(
    st.tuples(*[st.integers(0, 12)] * 2, *[st.integers(1, 12)] * 2).map(
        lambda box: (float(box[0]), float(box[1]), float(box[0] + box[2]), float(box[1] + box[3]))
    ),
    max_size=4,
)


def overlap(one: Box, other: Box) -> float:
    """Counted on the pixels, where it is enough."""
    first = {(x, y) for x in range(int(one[0]), int(one[2])) for y in range(int(one[1]), int(one[3]))}
    second = {(x, y) for x in range(int(other[0]), int(other[2])) for y in range(int(other[1]), int(other[3]))}
    share = len(first & second) / len(first | second)
    return share if share >= 0.5 else 0.0


@settings(max_examples=60, deadline=None)
@given(boxes_lists, boxes_lists)
def test_no_other_pairing_is_better(boxes: list[Box], others: list[Box]) -> None:
    partners = match(boxes, others)
    taken = [partner for partner in partners if partner >= 0]
    assert len(set(taken)) == len(taken)
    assert all(overlap(boxes[row], others[partner]) > 0 for row, partner in enumerate(partners) if partner >= 0)
    total = sum(overlap(boxes[row], others[partner]) for row, partner in enumerate(partners) if partner >= 0)
    short, long = sorted((boxes, others), key=len)
    best = max(sum(map(overlap, short, order)) for order in permutations(long, len(short)))
    assert total == pytest.approx(best)
