from __future__ import annotations

from keyreid_stream.geometry.blame import blame


def blamed(agreeing: list[tuple[str, str]], contradicting: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Everyone in each knot and who is blamed, as text."""
    return [("".join(sorted(one.cameras)), "".join(sorted(one.blamed))) for one in blame(agreeing, contradicting)]


def test_nobody_without_a_contradiction() -> None:
    assert blamed([("a", "b"), ("b", "c")], []) == []


def test_two_that_contradict_are_both_blamed() -> None:
    assert blamed([], [("a", "b")]) == [("ab", "ab")]


def test_the_larger_side_is_believed() -> None:
    assert blamed([("a", "b")], [("a", "c"), ("b", "c")]) == [("abc", "c")]
    assert blamed([("b", "c")], [("a", "b"), ("a", "d"), ("d", "c")]) == [("abcd", "ad")]


def test_sides_join_through_others() -> None:
    assert blamed([("a", "b"), ("c", "d"), ("b", "c")], [("a", "x")]) == [("abcdx", "x")]


def test_without_a_majority_all_are_blamed() -> None:
    assert blamed([("a", "b"), ("c", "d")], [("a", "c")]) == [("abcd", "abcd")]


def test_who_is_vouched_for_is_not_blamed() -> None:
    assert blamed([("a", "b"), ("b", "c")], [("a", "c")]) == []


def test_knots_that_do_not_touch_are_judged_apart() -> None:
    assert blamed([("a", "b")], [("b", "c"), ("x", "y")]) == [("abc", "c"), ("xy", "xy")]
