"""Optimisation profiles: which batches an engine is compiled for, and how any batch is cut to fit them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from keyreid_engines.errors import EngineError

Shape: TypeAlias = tuple[int, ...]

LARGEST_WASTE = 0.25
"""Share of a call that may be rows that nobody asked for, before two calls are better than one."""

FIXED_SIZES = (1, 2, 4, 8, 16, 32, 64)
"""Batches that are recorded once and played back (CUDA graphs); every batch is put together of these."""


@dataclass(frozen=True, slots=True)
class ShapeRange:
    """The shapes of one input that a profile serves.

    Attributes:
        least: the smallest size along every axis.
        usual: what it is made fast for.
        most: the largest.
    """

    least: Shape
    usual: Shape
    most: Shape


Profile: TypeAlias = Mapping[str, ShapeRange]
"""One range of shapes for every input, by name."""


@dataclass(frozen=True, slots=True)
class BatchRange:
    """A range of shapes whose first axis alone varies."""

    least: int
    usual: int
    most: int


BATCHES: Mapping[str, tuple[BatchRange, ...]] = {
    "frame_encoder": (BatchRange(1, 4, 8), BatchRange(1, 32, 64)),
    "clip_head": (BatchRange(1, 2, 4), BatchRange(1, 16, 32)),
    "clip_model": (BatchRange(1, 1, 2), BatchRange(1, 4, 8)),
}
"""Profiles by kind of graph: one for a quiet moment, one for many people at once."""


def batch_profiles(inputs: Mapping[str, Shape], ranges: Sequence[BatchRange]) -> tuple[Profile, ...]:
    """Profiles of a graph whose inputs have the batch first.

    Args:
        inputs: every input's shape; -1 where it may vary.
        ranges: one for each profile.
    """
    return tuple(
        {
            name: ShapeRange(*((size, *shape[1:]) for size in (batch.least, batch.usual, batch.most)))
            for name, shape in inputs.items()
        }
        for batch in ranges
    )


def check_profiles(profiles: Sequence[Profile], inputs: Mapping[str, Shape]) -> None:
    """Refuse profiles that a builder would refuse, or worse, take.

    Args:
        profiles: what is asked for.
        inputs: the shapes of the graph's inputs; -1 where they may vary.

    Raises:
        EngineError: a profile names other inputs than the graph has, is not in order, or does not fit.
    """
    if not profiles:
        raise EngineError("an engine needs at least one profile, got none; give one shape range for every input")
    for number, profile in enumerate(profiles):
        _check_names(number, profile, inputs)
        for name, shapes in profile.items():
            _check_range(f"profile {number}, input {name}", shapes, inputs[name])


def _check_names(number: int, profile: Profile, inputs: Mapping[str, Shape]) -> None:
    unknown = sorted(set(profile) - set(inputs))
    if unknown:
        raise EngineError(f"profile {number} names {', '.join(unknown)}; the graph's inputs are: {', '.join(inputs)}")
    missing = [name for name in inputs if name not in profile]
    if missing:
        raise EngineError(f"profile {number} says nothing of {', '.join(missing)}; give a range for every input")


def _check_range(where: str, shapes: ShapeRange, wanted: Shape) -> None:
    told = f"{_short(shapes.least)}, {_short(shapes.usual)}, {_short(shapes.most)}"
    sizes = (shapes.least, shapes.usual, shapes.most)
    if any(len(shape) != len(wanted) for shape in sizes):
        raise EngineError(f"{where}: {told} do not all have the {len(wanted)} axes of the graph's {_short(wanted)}")
    for axis, fixed in enumerate(wanted):
        least, usual, most = (shape[axis] for shape in sizes)
        if not 1 <= least <= usual <= most:
            raise EngineError(f"{where}: {told} are not in order along axis {axis}; least ≤ usual ≤ most must hold")
        if fixed >= 0 and (least, most) != (fixed, fixed):
            raise EngineError(f"{where}: {told} vary along axis {axis}, where the graph has {fixed} always")


@dataclass(frozen=True, slots=True)
class Call:
    """One call of an engine.

    Attributes:
        start, stop: the rows that it computes.
        size: of the batch it is given; where larger than the rows, the rest is ballast that is cut off again.
        profile: which one.
    """

    start: int
    stop: int
    size: int
    profile: int


def plan_calls(
    rows: int, profiles: Sequence[BatchRange], *, most: int | None = None, fixed: Sequence[int] = ()
) -> list[Call]:
    """Cut a batch of any size into calls that an engine's profiles serve.

    Args:
        rows: how many there are; none give no calls.
        profiles: the engine's.
        most: of rows in one call; by default what the profiles allow.
        fixed: sizes to put every batch together of; those that no profile serves are left out, and where none is left,
            any size may be used.
    """
    largest = max(profile.most for profile in profiles)
    largest = largest if most is None else min(largest, max(most, min(profile.least for profile in profiles)))
    sizes = sorted(size for size in fixed if size <= largest and _profile_of(size, profiles) is not None)
    calls: list[Call] = []
    start = 0
    while start < rows:
        size = _next_size(rows - start, largest, sizes, profiles)
        profile = _profile_of(size, profiles)
        if profile is None:  # between two profiles: the next larger one, with ballast
            profile, size = min(
                ((index, one.least) for index, one in enumerate(profiles) if one.least > size), key=lambda pair: pair[1]
            )
        stop = min(start + size, rows)
        calls.append(Call(start, stop, size, profile))
        start = stop
    return calls


def _next_size(left: int, largest: int, sizes: Sequence[int], profiles: Sequence[BatchRange]) -> int:
    if not sizes:
        return max(min(left, largest), min(profile.least for profile in profiles))
    enough = [size for size in sizes if size >= left]
    if enough and (enough[0] - left <= LARGEST_WASTE * enough[0] or enough[0] == sizes[0]):
        return enough[0]
    return max(size for size in sizes if size <= left)


def _profile_of(size: int, profiles: Sequence[BatchRange]) -> int | None:
    """The tightest one that serves a batch: it was made fast for sizes like this."""
    fitting = [(one.most, index) for index, one in enumerate(profiles) if one.least <= size <= one.most]
    return min(fitting)[1] if fitting else None


def _short(shape: Shape) -> str:
    return "x".join("?" if size < 0 else str(size) for size in shape)
