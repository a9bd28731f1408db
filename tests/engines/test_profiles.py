from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyreid_engines.errors import EngineError
from keyreid_engines.profiles import (
    BATCHES,
    FIXED_SIZES,
    LARGEST_WASTE,
    BatchRange,
    ShapeRange,
    batch_profiles,
    check_profiles,
    plan_calls,
)

INPUTS = {"tokens": (-1, 4, 9), "weights": (-1, 6)}


def test_batch_profiles_vary_the_first_axis_alone() -> None:
    first, second = batch_profiles(INPUTS, [BatchRange(1, 4, 8), BatchRange(2, 3, 64)])
    assert first == {
        "tokens": ShapeRange((1, 4, 9), (4, 4, 9), (8, 4, 9)),
        "weights": ShapeRange((1, 6), (4, 6), (8, 6)),
    }
    assert second["weights"] == ShapeRange((2, 6), (3, 6), (64, 6))
    check_profiles((first, second), INPUTS)


def one(**changes: ShapeRange) -> list[dict[str, ShapeRange]]:
    return [{**batch_profiles(INPUTS, [BatchRange(1, 2, 3)])[0], **changes}]


@pytest.mark.parametrize(
    ("profiles", "told"),
    [
        ([], "at least one profile"),
        (one(image=ShapeRange((1,), (1,), (1,))), "profile 0 names image; the graph's inputs are: tokens, weights"),
        ([{"tokens": one()[0]["tokens"]}], "profile 0 says nothing of weights"),
        (one(weights=ShapeRange((4, 6), (2, 6), (8, 6))), "not in order along axis 0"),
        (one(weights=ShapeRange((1, 6), (9, 6), (8, 6))), "1x6, 9x6, 8x6 are not in order along axis 0"),
        (one(weights=ShapeRange((0, 6), (2, 6), (8, 6))), "not in order along axis 0"),
        (one(weights=ShapeRange((1, 6), (2, 6), (8, 7))), "vary along axis 1, where the graph has 6 always"),
        (one(weights=ShapeRange((1,), (2,), (8,))), "do not all have the 2 axes of the graph's \\?x6"),
    ],
)
def test_bad_profiles_are_refused_in_words(profiles: list[dict[str, ShapeRange]], told: str) -> None:
    with pytest.raises(EngineError, match=told):
        check_profiles(profiles, INPUTS)


RANGES = [BatchRange(1, 4, 8), BatchRange(1, 32, 64)]


def sizes(rows: int, *, most: int | None = None, fixed: tuple[int, ...] = ()) -> list[tuple[int, int]]:
    return [(call.size, call.profile) for call in plan_calls(rows, RANGES, most=most, fixed=fixed)]


def test_batches_are_cut_to_the_tightest_profile() -> None:
    assert sizes(0) == []
    assert sizes(8) == [(8, 0)]
    assert sizes(9) == [(9, 1)]
    assert sizes(130) == [(64, 1), (64, 1), (2, 0)]
    assert sizes(5, most=2) == [(2, 0), (2, 0), (1, 0)]


def test_fixed_sizes_are_filled_up_a_little_and_else_put_together() -> None:
    assert sizes(7, fixed=FIXED_SIZES) == [(8, 0)]
    assert sizes(5, fixed=FIXED_SIZES) == [(4, 0), (1, 0)]
    assert sizes(33, fixed=FIXED_SIZES) == [(32, 1), (1, 0)]
    assert sizes(50, fixed=FIXED_SIZES) == [(64, 1)]
    assert sizes(3, fixed=(8,)) == [(8, 0)]


def test_a_batch_below_every_profile_is_filled_up() -> None:
    calls = plan_calls(3, [BatchRange(4, 8, 16)])
    assert [(call.start, call.stop, call.size) for call in calls] == [(0, 3, 4)]
    between = plan_calls(3, [BatchRange(1, 1, 2), BatchRange(4, 8, 16)])
    assert [(call.start, call.stop, call.size, call.profile) for call in between] == [(0, 3, 4, 1)]


@st.composite
def ranges(draw: st.DrawFn) -> list[BatchRange]:
    three = st.tuples(*(st.integers(1, 40),) * 3).map(sorted)
    return [BatchRange(*draw(three)) for _ in range(draw(st.integers(1, 3)))]


@given(
    st.integers(0, 300),
    ranges(),
    st.none() | st.integers(1, 50),
    st.lists(st.integers(1, 70), max_size=5, unique=True),
)
def test_every_row_is_computed_once_and_every_call_fits(
    rows: int, profiles: list[BatchRange], most: int | None, fixed: list[int]
) -> None:
    calls = plan_calls(rows, profiles, most=most, fixed=fixed)
    assert [row for call in calls for row in range(call.start, call.stop)] == list(range(rows))
    for call in calls:
        profile = profiles[call.profile]
        assert profile.least <= call.size <= profile.most
        assert 1 <= call.stop - call.start <= call.size


@given(st.integers(1, 300))
def test_little_is_wasted(rows: int) -> None:
    for kind, profiles in BATCHES.items():
        calls = plan_calls(rows, profiles, fixed=FIXED_SIZES)
        assert all(call.size - (call.stop - call.start) <= LARGEST_WASTE * call.size for call in calls), kind
        assert {call.size for call in calls} <= set(FIXED_SIZES)
