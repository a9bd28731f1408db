from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyreid_stream.errors import InputError
from keyreid_stream.geometry.calibration import CameraCalibration
from tests.geometry.views import BENT, view


def overhead(**changes: object) -> CameraCalibration:
    """4 m above (1, 2), looking straight down; a pixel is 1 cm of floor; up in the picture is +y."""
    settings: dict[str, object] = {
        "camera_id": "top",
        "width": 641,
        "height": 481,
        "K": np.array([[400.0, 0, 320], [0, 400, 240], [0, 0, 1]]),
        "distortion": np.zeros(5),
        "R": np.diag([1.0, -1.0, -1.0]),
        "t": np.array([-1.0, 2.0, 4.0]),
    }
    return CameraCalibration(**(settings | changes))  # type: ignore[arg-type]


def test_straight_down_a_pixel_is_a_centimetre() -> None:
    places, coarseness = overhead().floor_points(np.array([[320.0, 240], [420, 240], [320, 140]]))

    assert places == pytest.approx(np.array([[1.0, 2.0], [2.0, 2.0], [1.0, 3.0]]))
    assert coarseness[0] == pytest.approx(0.01)


def test_a_higher_plane_is_nearer() -> None:
    places, coarseness = overhead().floor_points(np.array([[420.0, 240], [320, 240]]), height_m=2.0)

    assert places[0] == pytest.approx([1.5, 2.0])
    assert coarseness[1] == pytest.approx(0.005)


def test_no_plane_at_or_above_the_camera() -> None:
    assert np.isnan(overhead().floor_points(np.array([[320.0, 240]]), height_m=4.0)[0]).all()


def test_coarseness_is_what_a_pixel_moves_a_place() -> None:
    camera = view()
    pixels = np.array([[319.5, 200.0], [319.5, 201.0]])
    places, coarseness = camera.floor_points(pixels)

    assert np.linalg.norm(places[1] - places[0]) == pytest.approx(coarseness.mean(), rel=0.02)


def test_pixels_that_no_ray_reaches_have_no_place() -> None:
    strong = replace(view(), distortion=np.array([-0.5, 0.0, 0.0, 0.0, 0.0]))
    at_fold = strong.K[0, 0] * strong.fold_radius * (2 / 3) + strong.K[0, 2]  # r - 0.5 r^3 at its top
    below = 250.0
    places, coarseness = strong.floor_points(np.array([[at_fold + 40, below], [400.0, below]]))

    assert np.isnan(places[0]).all()
    assert np.isnan(coarseness[0])
    assert np.isfinite(places[1]).all()


def test_horizon_and_nan_have_no_place() -> None:
    places, coarseness = view(at=(0.0, -5.0, 1.0)).floor_points(np.array([[320.0, 10], [np.nan, 300], [320, 300]]))

    assert np.isnan(places[:2]).all()
    assert np.isnan(coarseness[:2]).all()
    assert np.isfinite(places[2]).all()


def test_no_pixels_no_places() -> None:
    places, coarseness = view().floor_points(np.zeros((0, 2)))

    assert places.shape == (0, 2)
    assert coarseness.shape == (0,)


@given(st.floats(0, 639), st.floats(190, 359), st.floats(0, 1.5))
def test_places_project_back_to_their_pixels(x: float, y: float, height_m: float) -> None:
    camera = view(distortion=BENT)
    places, _ = camera.floor_points(np.array([[x, y]]), height_m=height_m)
    expected, _ = cv2.projectPoints(
        np.array([[*places[0], height_m]]), cv2.Rodrigues(camera.R)[0], camera.t, camera.K, camera.distortion
    )

    assert expected[0, 0] == pytest.approx([x, y], abs=1e-3)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"K": np.array([[400.0, 0, 320], [0, 0, 240], [0, 0, 1]])}, "K is singular"),
        ({"K": np.zeros((3, 3))}, "K is singular"),
        ({"K": np.array([[-400.0, 0, 320], [0, 400, 240], [0, 0, 1]])}, "focal lengths -400 and 400"),
        ({"K": np.array([[400.0, 3, 320], [0, 400, 240], [0, 0, 1]])}, "skew"),
        ({"K": np.array([[400.0, 0, 700], [0, 400, 240], [0, 0, 1]])}, "principal point .* 641x481"),
        ({"K": np.array([[np.nan, 0, 320], [0, 400, 240], [0, 0, 1]])}, "K holds numbers that are not finite"),
        ({"K": np.eye(2)}, r"K has shape \(2, 2\)"),
        ({"t": np.array([0, np.inf, 1])}, "t holds numbers that are not finite"),
        ({"distortion": np.zeros(8)}, r"distortion has shape \(8,\)"),
        ({"R": np.zeros((3, 3))}, "R is singular"),
        ({"R": np.diag([1.0, -1.01, -1.0])}, "R is not a rotation"),
        ({"R": np.diag([1.0, 1.0, -1.0])}, "mirror image"),
        ({"width": 0}, "0x481"),
    ],
)
def test_what_is_no_camera_is_refused_in_one_line(changes: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        overhead(**changes)

    assert "'top'" in str(caught.value)
    assert "\n" not in str(caught.value)
