from __future__ import annotations

import numpy as np
import pytest

from keyreid_stream.errors import InputError
from keyreid_stream.geometry.calibration import CameraCalibration, Points
from keyreid_stream.geometry.site import JUDGED_EVERY_S, SiteGeometry
from keyreid_stream.structures import Detections, Frame
from tests.geometry.views import exchanged, feet_seen, square, view, walkers


def frame(camera: CameraCalibration, time_s: float = 0.0, *, size: tuple[int, int] | None = None) -> Frame:
    width, height = size or (camera.width, camera.height)
    return Frame(camera.camera_id, int(time_s), time_s, np.zeros((height, width, 3), np.uint8))


def standing(pixels: Points) -> Detections:
    """People whose boxes end at these pixels."""
    boxes = np.column_stack([pixels - np.array([10, 50]), pixels + np.array([10, 0])]) + 0.5
    return Detections(boxes.astype(np.float32), np.ones(len(boxes), np.float32))


def run(site: SiteGeometry, real: dict[str, CameraCalibration], seconds: int) -> list[dict[str, Points]]:
    """Places by camera, second by second."""
    told = []
    for second, places in enumerate(walkers(seconds, 8, np.random.default_rng(0))):
        frames = [frame(camera, float(second)) for camera in real.values()]
        found = [standing(feet_seen(camera, places)) for camera in real.values()]
        located = site.locate(float(second), frames, found)
        assert [len(one) for one in located] == [len(one) for one in found]
        told.append(dict(zip(real, located, strict=True)))
    return told


def test_people_are_where_they_stand_and_nowhere_without_a_calibration() -> None:
    camera, other = view("a"), view("b")
    site = SiteGeometry({"a": camera}, ["a", "b"])
    pixels, _ = camera.project(np.array([[0.5, 0.5, 0.0], [-0.5, 1.0, 0.0]]))
    located = site.locate(0.0, [frame(other), frame(camera)], [standing(pixels), standing(pixels)])

    assert np.isnan(located[0]).all()
    assert located[1] == pytest.approx(np.array([[0.5, 0.5], [-0.5, 1.0]]), abs=1e-3)
    assert site.cameras == ("a",)


def test_right_calibrations_stay_in_use() -> None:
    site = SiteGeometry(square(), list(square()))
    told = run(site, square(), 150)

    assert site.faults == []
    assert np.isfinite(told[-1]["east"]).all()


def test_wrong_calibrations_are_named_and_no_longer_used() -> None:
    site = SiteGeometry(exchanged(square(), "east", "north"), list(square()))
    told = run(site, square(), 150)

    (fault,) = site.faults
    assert fault.cameras == ("east", "north")
    assert site.cameras == ("south",)
    used = [second for second, places in enumerate(told) if np.isfinite(places["east"]).any()]
    assert 0 < max(used) < 150 - JUDGED_EVERY_S
    assert all(np.isfinite(places["south"]).all() for places in told)


def test_frames_of_another_size_are_refused() -> None:
    camera = view("a")
    site = SiteGeometry({"a": camera}, ["a"])
    with pytest.raises(InputError, match="320x180 and was calibrated at 640x360"):
        site.locate(0.0, [frame(camera, size=(320, 180))], [standing(np.zeros((0, 2)))])


def test_a_live_camera_that_changes_its_size_is_named_and_the_others_stay() -> None:
    cameras = square()
    site = SiteGeometry(cameras, list(cameras), live=True)
    run(site, cameras, 1)
    found = [standing(np.array([[320.0, 300.0]])) for _ in cameras]
    sizes = {"east": (320, 180)}
    located = site.locate(1.0, [frame(camera, 1.0, size=sizes.get(name)) for name, camera in cameras.items()], found)

    nowhere = {name for name, places in zip(cameras, located, strict=True) if np.isnan(places).all()}
    assert nowhere == {"east"}
    (fault,) = site.faults
    assert fault.cameras == ("east",)
    assert "320x180 and was calibrated at 640x360" in str(fault)
    assert set(site.cameras) == set(cameras) - {"east"}


def test_a_calibration_of_no_camera_is_refused() -> None:
    with pytest.raises(InputError, match="none of which is a camera of this run"):
        SiteGeometry({"a": view("a")}, ["cam0"])
