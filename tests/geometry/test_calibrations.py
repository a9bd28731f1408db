from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from keyreid_stream.errors import InputError
from keyreid_stream.geometry.calibration import CameraCalibration
from keyreid_stream.geometry.calibration_file import MAX_CALIBRATION_BYTES
from keyreid_stream.geometry.calibrations import check_calibrations, check_resolution, read_calibrations
from keyreid_stream.world.camera import Camera
from keyreid_stream.world.scene import load_scene
from keyreid_stream.world.writers.calibration import write_calibration
from tests.geometry.views import square, view


def write(folder: Path, content: object, name: str = "a.json") -> Path:
    path = folder / name
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def tensor(matrix: np.ndarray) -> dict[str, Any]:
    rows, columns = matrix.shape
    dims = [{"size": rows, "name": "rows"}, {"size": columns, "name": "cols"}]
    return {"shape": {"dims": dims}, "type": "DOUBLE_TYPE", "doubles": matrix.ravel().tolist()}


def as_tensors(camera: CameraCalibration) -> dict[str, Any]:
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = camera.R, camera.t
    return {
        "resolution": {"width": camera.width, "height": camera.height},
        "intrinsic": tensor(camera.K),
        "distortion": tensor(camera.distortion[None]),
        "extrinsic": [{"from": "1000", "tf": tensor(pose)}],
    }


def assert_same(read: CameraCalibration, wanted: CameraCalibration) -> None:
    assert (read.camera_id, read.width, read.height) == (wanted.camera_id, wanted.width, wanted.height)
    for name in ("K", "distortion", "R", "t"):
        assert np.array_equal(getattr(read, name), getattr(wanted, name))


def test_what_the_world_writes_is_read_back(tmp_path: Path) -> None:
    views = load_scene("plaza").cameras
    write_calibration(tmp_path, views)

    read = read_calibrations(tmp_path)

    assert sorted(read) == sorted(one.name for one in views)
    for one in views:
        assert_same(read[one.name], Camera.of(one))


def test_tensors_are_read_and_named_after_their_file(tmp_path: Path) -> None:
    path = write(tmp_path, as_tensors(view("b")), "b.json")

    assert_same(read_calibrations(path)["b"], view("b"))


def test_an_id_in_tensors_names_the_camera(tmp_path: Path) -> None:
    content = as_tensors(view("b")) | {"id": "7"}
    content["extrinsic"][0]["to"] = "7"

    assert list(read_calibrations(write(tmp_path, content))) == ["7"]


def test_four_distortion_coefficients_are_five_with_k3_0(tmp_path: Path) -> None:
    content = view().as_json() | {"distortion": [-0.1, 0.01, 0.001, 0.002]}

    assert read_calibrations(write(tmp_path, content))["a"].distortion.tolist() == [-0.1, 0.01, 0.001, 0.002, 0.0]


def changed(**changes: object) -> Callable[[dict[str, Any]], object]:
    return lambda content: content | changes


def without(name: str) -> Callable[[dict[str, Any]], object]:
    return lambda content: {key: value for key, value in content.items() if key != name}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (changed(colour="red"), "'colour': Extra inputs"),
        (without("K"), "'K': Field required"),
        (without("width"), "'width': Field required"),
        (changed(width="640"), "'width'"),
        (changed(width=640.5), "'width'"),
        (changed(K=[[1, 2], [3, 4]]), "'K"),
        (changed(t=[0, 0, float("nan")]), "'t.2': Input should be a finite number"),
        (changed(t=[0, 0, "3"]), "'t.2'"),
        (changed(t=[0, 0, 10**400]), "t.2"),
        (changed(distortion=[0.1] * 8), "'distortion'"),
        (changed(position=[0, 0, 0]), "position .* is 5.83 m from where R and t put the camera"),
        (changed(conventions={"units": "millimetres, pixels"}), "'units' is 'millimetres, pixels'"),
        (changed(conventions={"handed": "left"}), "'handed'"),
        (changed(camera_id="../a"), "cannot be a file name"),
        (lambda content: [content], "one file holds one camera"),
    ],
)
def test_faults_of_a_file_are_named(tmp_path: Path, change: Callable[[dict[str, Any]], object], message: str) -> None:
    path = write(tmp_path, change(view().as_json()))

    with pytest.raises(InputError, match=message) as caught:
        read_calibrations(path)

    assert "\n" not in str(caught.value)


def broken_tensor(content: dict[str, Any], name: str, **changes: object) -> dict[str, Any]:
    return content | {name: content[name] | changes}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: broken_tensor(c, "intrinsic", doubles=[1.0] * 8), "intrinsic says 3x3 and holds 8 numbers"),
        (lambda c: broken_tensor(c, "intrinsic", doubles=[0.0] * 9), "K is singular"),
        (lambda c: broken_tensor(c, "intrinsic", type="FLOAT_TYPE"), "intrinsic.type"),
        (lambda c: c | {"distortion": tensor(np.zeros((1, 8)))}, "distortion has 8 coefficients"),
        (lambda c: c | {"extrinsic": []}, "extrinsic"),
        (lambda c: c | {"extrinsic": c["extrinsic"] * 2}, "extrinsic"),
        (lambda c: c | {"extrinsic": [{"from": "1000", "tf": tensor(np.eye(3))}]}, "extrinsic must be 4x4"),
        (
            lambda c: c | {"id": "1", "extrinsic": [c["extrinsic"][0] | {"to": "2"}]},
            "'1' and its extrinsic leads to '2'",
        ),
        (lambda c: without("resolution")(c), "'resolution': Field required"),
    ],
)
def test_faults_of_tensors_are_named(
    tmp_path: Path, change: Callable[[dict[str, Any]], dict[str, Any]], message: str
) -> None:
    path = write(tmp_path, change(as_tensors(view())))

    with pytest.raises(InputError, match=message):
        read_calibrations(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not valid JSON"),
        ('{"t": 1, "t": 2}', "'t' is given twice"),
        ("[" * 50_000, "not valid JSON"),
        (" " * (MAX_CALIBRATION_BYTES + 1), "larger than"),
        ("3", "holds no calibration"),
    ],
)
def test_what_is_no_json_object_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(text)

    with pytest.raises(InputError, match=message):
        read_calibrations(path)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b"\xff\xfe\x00\x80")

    with pytest.raises(InputError, match="not valid JSON"):
        read_calibrations(tmp_path)


def test_no_such_place_and_an_empty_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no calibration at"):
        read_calibrations(tmp_path / "nowhere")
    with pytest.raises(InputError, match=r"holds no \.json file"):
        read_calibrations(tmp_path)


def test_two_files_of_one_camera_are_refused(tmp_path: Path) -> None:
    for name in ("a.json", "b.json"):
        write(tmp_path, view("a").as_json(), name)

    with pytest.raises(InputError, match=r"a\.json and .*b\.json are both of camera 'a'"):
        read_calibrations(tmp_path)


def test_exchanged_files_are_noticed(tmp_path: Path) -> None:
    cameras = square()
    write(tmp_path, cameras["south"].as_json(), "east.json")
    write(tmp_path, cameras["east"].as_json(), "south.json")

    with pytest.raises(InputError, match="exchanged"):
        read_calibrations(tmp_path)


def test_files_may_be_called_otherwise(tmp_path: Path) -> None:
    cameras = square()
    write(tmp_path, cameras["south"].as_json(), "first.json")
    write(tmp_path, cameras["east"].as_json(), "second.json")

    assert set(read_calibrations(tmp_path)) == {"south", "east"}


def test_a_copied_calibration_is_refused() -> None:
    with pytest.raises(InputError, match="'a' and 'b' have the same calibration"):
        check_calibrations({"a": view("a"), "b": view("b")})


def test_a_camera_below_the_floor_is_refused() -> None:
    with pytest.raises(InputError, match=r"at -2 m, below the floor"):
        check_calibrations({"a": view(at=(0.0, -5.0, -2.0))})


def test_a_camera_that_sees_no_floor_is_refused() -> None:
    up = replace(view(), R=np.diag([1.0, 1.0, 1.0]), t=np.array([0.0, 0.0, -3.0]))

    with pytest.raises(InputError, match="shows no floor"):
        check_calibrations({"a": up})


def test_a_calibration_of_no_camera_of_the_run_is_refused() -> None:
    with pytest.raises(
        InputError, match=r"'south', 'east', 'north', none of which is a camera of this run \('cam0', 'cam1'\)"
    ):
        check_calibrations(square(), ["cam0", "cam1"])

    check_calibrations(square(), ["cam0", "north"])


def test_a_calibration_filed_under_another_camera_is_refused() -> None:
    with pytest.raises(InputError, match="given for camera 'b' is of 'a'"):
        check_calibrations({"b": view("a")})


def test_another_resolution_is_never_scaled() -> None:
    check_resolution(view(), 640, 360)
    with pytest.raises(InputError, match="'a' gives frames of 1280x720 and was calibrated at 640x360"):
        check_resolution(view(), 1280, 720)


@pytest.mark.data
def test_the_lab_is_read(data: Path) -> None:
    read = read_calibrations(data / "lab_4cam" / "calibration")

    assert list(read) == ["0", "1", "2", "3"]
    for camera in read.values():
        assert (camera.width, camera.height) == (1288, 728)
        assert 2.5 < camera.position[2] < 3.5
        # All four look at the middle of the room.
        assert np.linalg.norm(camera.floor_point((644, 364))) < 1.2
