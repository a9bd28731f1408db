from __future__ import annotations

from typing import cast

import pytest

from keyreid_stream.errors import InputError
from keyreid_stream.fakes import FakeSource
from keyreid_stream.oracle import Truth, TruthSource
from keyreid_stream.world.source import WorldSource
from keyreid_stream.world.world import World
from tests.oracle.scripted import LEFT, RIGHT, ScriptedSource
from tests.world.small_worlds import yard


def test_every_camera_is_asked_for_its_own_frames() -> None:
    truth = Truth([ScriptedSource("a", [{}, {1: LEFT}]), ScriptedSource("b", [{2: RIGHT}, {}])])
    assert truth.at("a", 1).person_ids.tolist() == [1]
    assert truth.at("b", 0).person_ids.tolist() == [2]


def test_cameras_of_a_world_know_the_truth() -> None:
    world = yard(seconds=0.5)
    sources = [WorldSource(world, place, keep_truth=True) for place in range(2)]
    assert all(isinstance(source, TruthSource) for source in sources)
    truth = Truth(sources)
    frame = next(sources[1].frames())
    assert truth.at("west", 0) is sources[1].truth_of(frame)


def test_a_camera_without_truth_is_named() -> None:
    sources = [ScriptedSource("a", []), FakeSource("lobby", [])]
    with pytest.raises(InputError, match=r"'lobby' has no ground truth.*--oracle.*world://"):
        Truth(sources)


def test_a_camera_that_does_not_keep_its_truth_is_named() -> None:
    with pytest.raises(InputError, match=r"'a' keeps no truth.*keep_truth=True"):
        Truth([ScriptedSource("a", [], keeps_truth=False)])


def test_person_1_of_two_worlds_is_not_one_person() -> None:
    with pytest.raises(InputError, match=r"different worlds.*give one world://"):
        Truth([ScriptedSource("a", []), ScriptedSource("b", [], world=cast("World", object()))])


def test_an_unknown_camera_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InputError, match="'c'; choose from: a, b"):
        Truth([ScriptedSource("a", []), ScriptedSource("b", [])]).at("c", 0)
