from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keyreid_stream.structures import ImageArray
from keyreid_stream.world.scene import CameraView, Sensor
from keyreid_stream.world.sensor import expose, frame_times

CLEAN = Sensor(noise=0)


def grey(level: int = 100, size: tuple[int, int] = (60, 80)) -> ImageArray:
    return np.full((*size, 3), level, np.uint8)


def frame_rng(seed: int = 1, camera: int = 2, frame: int = 3) -> np.random.Generator:
    return np.random.default_rng([seed, camera, frame])


def view(**sensor: object) -> CameraView:
    return CameraView(name="door", at=(0, 0, 3), look_at=(3, 0, 0), fps=10, sensor=Sensor(**sensor))  # type: ignore[arg-type]


def test_a_perfect_sensor_changes_nothing_and_copies() -> None:
    image = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    exposed = expose(image, CLEAN, frame_rng())
    np.testing.assert_array_equal(exposed, image)
    assert not np.shares_memory(exposed, image)


@settings(max_examples=30, deadline=None)
@given(level=st.integers(0, 255), exposure=st.floats(0.2, 3), red=st.floats(0.5, 2), blue=st.floats(0.5, 2))
def test_exposure_and_white_balance_scale_each_channel_and_saturate(
    level: int, exposure: float, red: float, blue: float
) -> None:
    sensor = Sensor(noise=0, exposure=exposure, white_balance=(red, 1.0, blue))
    seen = expose(grey(level), sensor, frame_rng())[0, 0]
    expected = np.minimum(255, level * exposure * np.array([red, 1.0, blue]))
    np.testing.assert_allclose(seen, expected, atol=0.51)


def test_noise_has_the_standard_deviation_asked_for_and_no_bias() -> None:
    noisy = expose(grey(128, (300, 300)), Sensor(noise=6), frame_rng()).astype(float)
    assert noisy.std() == pytest.approx(6, rel=0.02)
    assert noisy.mean() == pytest.approx(128, abs=0.1)


def test_noise_belongs_to_the_frame() -> None:
    once, again = (expose(grey(), Sensor(noise=4), frame_rng()) for _ in range(2))
    assert once.tobytes() == again.tobytes()
    assert (once != expose(grey(), Sensor(noise=4), frame_rng(frame=4))).mean() > 0.5


def test_blur_softens_an_edge_and_keeps_flat_places() -> None:
    image = grey(0)
    image[:, 40:] = 200
    soft = expose(image, Sensor(noise=0, blur_px=2), frame_rng())
    assert 60 < soft[30, 39, 0] < 140
    assert soft[30, 5, 0] == 0
    assert soft[30, 75, 0] == 200


def test_compression_loses_more_at_lower_quality_and_keeps_channels_in_order() -> None:
    image = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    losses = [
        np.abs(expose(image, Sensor(noise=0, jpeg_quality=quality), frame_rng()).astype(int) - image).mean()
        for quality in (95, 40, 5)
    ]
    assert losses[0] < losses[1] < losses[2]
    red = grey(0)
    red[..., 0] = 220
    seen = expose(red, Sensor(noise=0, jpeg_quality=80), frame_rng())
    assert seen[30, 30, 0] > 200 > 40 > seen[30, 30, 2]


def test_frames_are_due_every_interval_up_to_the_end() -> None:
    assert frame_times(view(), 0.35, 0) == pytest.approx([0.0, 0.1, 0.2, 0.3])
    assert len(frame_times(view(), 3.0, 0)) == 30
    assert frame_times(view(), 0.0, 0) == ()


def test_the_clock_offset_leaves_the_worlds_times_alone() -> None:
    assert frame_times(view(clock_offset_s=5.0), 2.0, 0) == frame_times(view(), 2.0, 0)


def test_no_frame_comes_in_an_outage() -> None:
    times = frame_times(view(outages=((0.5, 1.0), (1.5, 1.7))), 2.0, 0)
    assert not [time for time in times if 0.5 <= time < 1.0 or 1.5 <= time < 1.7]
    assert len(times) == 20 - 5 - 2


@settings(max_examples=30, deadline=None)
@given(dropped=st.floats(0, 1), seed=st.integers(0, 2**31), seconds=st.floats(0.1, 30))
def test_drops_take_frames_and_move_none(dropped: float, seed: int, seconds: float) -> None:
    all_times = frame_times(view(), seconds, seed)
    times = frame_times(view(dropped=dropped), seconds, seed)
    assert set(times) <= set(all_times)
    assert times == frame_times(view(dropped=dropped), seconds, seed)
    assert frame_times(view(dropped=dropped), 2 * seconds, seed)[: len(times)] == times


def test_about_the_share_asked_for_is_dropped_and_it_is_another_one_for_another_seed() -> None:
    times = frame_times(view(dropped=0.3), 400, 1)
    assert len(times) / 4000 == pytest.approx(0.7, abs=0.03)
    assert times != frame_times(view(dropped=0.3), 400, 2)
    assert frame_times(view(dropped=1.0), 10, 1) == ()
