from __future__ import annotations

from dataclasses import replace
from functools import cache
from itertools import combinations

import numpy as np
import pytest

from keyreid_stream.geometry.calibration import CameraCalibration, Points
from keyreid_stream.geometry.monitor import MIN_TRIALS, WINDOW_SAMPLES, CalibrationFault, CalibrationMonitor
from keyreid_stream.world.scene import load_scene
from keyreid_stream.world.world import World
from tests.geometry.views import exchanged, feet_seen, square, walkers

SECONDS = 100
MISSED = 0.2


def watched(
    real: dict[str, CameraCalibration],
    believed: dict[str, CameraCalibration],
    places: Points,
    seed: int,
    *,
    late_s: dict[str, int] | None = None,
) -> CalibrationMonitor:
    """A monitor that was told what cameras see that miss a fifth of the people, with feet off by 2 pixels."""
    rng = np.random.default_rng(seed)
    monitor = CalibrationMonitor(believed)
    for second in range(len(places)):
        seen = {}
        for camera_id, camera in real.items():
            pixels = feet_seen(camera, places[max(0, second - (late_s or {}).get(camera_id, 0))])
            kept = pixels[rng.random(len(pixels)) > MISSED]
            seen[camera_id] = believed[camera_id].floor_points(kept + rng.normal(0, 2, kept.shape))[0]
        monitor.observe(float(second), seen)
    return monitor


@cache  # planning a world takes seconds
def plaza_places(seed: int) -> tuple[dict[str, CameraCalibration], Points]:
    world = World(load_scene("plaza"), seed=seed, seconds=SECONDS)
    states = [world.state_at(float(second)) for second in range(SECONDS)]
    most = max(len(state.bodies) for state in states)
    places = np.full((SECONDS, most, 2), np.nan)
    for second, state in enumerate(states):
        for row, body in enumerate(state.bodies):
            places[second, row] = body.floor_xy
    return {camera.name: camera for camera in world.cameras}, places


@pytest.mark.parametrize("seed", range(2))
def test_right_calibrations_of_the_plaza_raise_no_alarm(seed: int) -> None:
    cameras, places = plaza_places(seed)
    monitor = watched(cameras, cameras, places, seed)

    assert monitor.faults() == ()
    assert len(monitor.agreements()) == 6
    assert min(one.beyond_chance for one in monitor.agreements().values()) > 0.6


def test_exchanged_cameras_of_the_plaza_are_named() -> None:
    cameras, places = plaza_places(0)
    for one, other in combinations(sorted(cameras), 2):
        (fault,) = watched(cameras, exchanged(cameras, one, other), places, 0).faults()

        assert (one, other) in fault.exchanged
        assert set(fault.cameras) == {camera_id for pair in fault.exchanged for camera_id in pair}
        assert repr(one) in str(fault)
        assert repr(other) in str(fault)
        # Opposite corners: turned half around, the plaza is the same, so the other two may be the exchanged ones.
        opposite = {one, other} in ({"north_east", "south_west"}, {"north_west", "south_east"})
        assert len(fault.exchanged) == (2 if opposite else 1)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("count", "still"), [(2, 0), (8, 0), (8, 6), (30, 0)])
def test_right_calibrations_raise_no_alarm(seed: int, count: int, still: int) -> None:
    places = walkers(SECONDS, count, np.random.default_rng(seed), still=still)

    assert watched(square(), square(), places, seed).faults() == ()


@pytest.mark.parametrize("count", [2, 8, 20])
@pytest.mark.parametrize("pair", [("east", "north"), ("east", "south"), ("north", "south")])
def test_exchanged_cameras_are_named(pair: tuple[str, str], count: int) -> None:
    places = walkers(SECONDS, count, np.random.default_rng(count))

    (fault,) = watched(square(), exchanged(square(), *pair), places, count).faults()

    assert fault == CalibrationFault(pair, (pair,))


def test_a_camera_that_was_moved_is_outvoted() -> None:
    moved = square() | {"north": square_turned("north")}
    places = walkers(SECONDS, 8, np.random.default_rng(5))

    (fault,) = watched(moved, square(), places, 5).faults()

    assert fault == CalibrationFault(("north",))
    assert "'north'" in str(fault)
    assert "clocks" in str(fault)


def square_turned(camera_id: str) -> CameraCalibration:
    camera = square()[camera_id]
    angle = np.radians(25)
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    return replace(camera, R=camera.R @ turn, t=-camera.R @ turn @ camera.position)


def test_of_two_that_contradict_both_are_named() -> None:
    pair = {camera_id: square()[camera_id] for camera_id in ("south", "north")}
    places = walkers(SECONDS, 8, np.random.default_rng(6))
    real = pair | {"north": square_turned("north")}

    assert watched(real, pair, places, 6).faults() == (CalibrationFault(("north", "south")),)


def test_a_late_clock_is_noticed() -> None:
    places = walkers(SECONDS, 8, np.random.default_rng(7))

    (fault,) = watched(square(), square(), places, 7, late_s={"east": 20}).faults()

    assert fault.cameras == ("east",)


def test_too_little_evidence_is_no_fault() -> None:
    places = walkers(30, 2, np.random.default_rng(8))
    monitor = watched(square(), exchanged(square(), "east", "north"), places, 8)

    assert monitor.faults() == ()
    assert all(one.trials < 2 * MIN_TRIALS for one in monitor.agreements().values())
    assert CalibrationMonitor(square()).faults() == ()


def test_a_fault_is_forgotten_when_it_is_mended() -> None:
    """Somebody turned the camera back: a window later nothing is held against it."""
    places = walkers(SECONDS + WINDOW_SAMPLES, 8, np.random.default_rng(9))
    monitor = watched(square() | {"north": square_turned("north")}, square(), places[:SECONDS], 9)
    assert monitor.faults() != ()
    for second in range(WINDOW_SAMPLES):
        here = places[SECONDS + second]
        seen = {name: camera.floor_points(feet_seen(camera, here))[0] for name, camera in square().items()}
        monitor.observe(float(SECONDS + second), seen)

    assert monitor.faults() == ()


def test_ticks_within_a_second_and_rows_of_nan_are_left_out() -> None:
    monitor = CalibrationMonitor(square())
    for tick in range(100):
        monitor.observe(tick / 10, {"south": np.array([[0.0, 0], [np.nan, np.nan]]), "east": np.zeros((1, 2))})
    (one,) = monitor.agreements().values()

    # 10 samples of one person in each camera; those of 4 and 5 s have no time that is far enough for chance.
    assert (one.trials, one.blocks, one.beyond_chance) == (16, 1, pytest.approx(np.nan, nan_ok=True))


def test_unknown_cameras_are_left_out() -> None:
    monitor = CalibrationMonitor(square())
    monitor.observe(0.0, {"elsewhere": np.zeros((1, 2))})

    assert monitor.agreements() == {}
