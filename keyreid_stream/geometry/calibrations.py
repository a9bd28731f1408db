"""The calibrations of a site: read them, and refuse what cannot be true before anything is measured with it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from keyreid_stream.camera_names import check_distinct, checked_camera_id
from keyreid_stream.errors import InputError
from keyreid_stream.geometry.calibration import CameraCalibration
from keyreid_stream.geometry.calibration_file import read_calibration

MAX_CAMERAS = 10_000

_LOOKS = 5
"""Rays along each side of a picture that are followed to find out whether it shows any floor."""


def read_calibrations(path: str | Path) -> dict[str, CameraCalibration]:
    """Read the calibration of every camera of a site.

    Args:
        path: a folder with one JSON file per camera, or one such file. A file is of the camera that it names, else of
            the one it is called after.

    Returns:
        Calibrations by camera id, in the order of the files' names.

    Raises:
        InputError: there is none, a file is no calibration, two are of one camera, or what `check_calibrations`
            raises; the line says which file or camera and why.
    """
    path = Path(path)
    files = _files(path)
    calibrations: dict[str, CameraCalibration] = {}
    origin: dict[str, Path] = {}
    for file in files:
        calibration = read_calibration(file)
        camera_id = checked_camera_id(calibration.camera_id)
        if camera_id in calibrations:
            raise InputError(f"{origin[camera_id]} and {file} are both of camera {camera_id!r}; keep one")
        calibrations[camera_id], origin[camera_id] = calibration, file
    check_distinct([(camera_id, str(file)) for camera_id, file in origin.items()])
    for camera_id, file in origin.items():
        # A file called after one camera and made for another: two were exchanged, or one copied over the other.
        if file.stem != camera_id and file.stem in calibrations:
            raise InputError(
                f"{file} says it is of camera {camera_id!r}, but {file.stem!r} is another camera; were two files "
                "exchanged? Correct camera_id or the files' names"
            )
    check_calibrations(calibrations)
    return calibrations


def check_calibrations(calibrations: Mapping[str, CameraCalibration], cameras: Iterable[str] | None = None) -> None:
    """Refuse calibrations that cannot be true.

    Args:
        calibrations: by camera id.
        cameras: the cameras of a run; None where they are not known yet.

    Raises:
        InputError: a calibration is filed under another camera's id, its camera hangs below the floor or sees none of
            it, two cameras have one and the same place, direction and lens, or none of them is in the run.
    """
    for camera_id, calibration in calibrations.items():
        if camera_id != calibration.camera_id:
            raise InputError(f"the calibration given for camera {camera_id!r} is of {calibration.camera_id!r}")
        _check_sees_floor(calibration)
    listed = list(calibrations.values())
    for row, one in enumerate(listed):
        for other in listed[row + 1 :]:
            if _same(one, other):
                raise InputError(
                    f"cameras {one.camera_id!r} and {other.camera_id!r} have the same calibration; "
                    "one of them is a copy: calibrate that camera"
                )
    if cameras is not None:
        _check_named(calibrations, list(cameras))


def check_resolution(calibration: CameraCalibration, width: int, height: int) -> None:
    """Refuse frames of another size than the calibrated one.

    They are never scaled: a cropped picture and one of another sensor mode can have the same aspect, and nothing tells.

    Raises:
        InputError: naming both sizes and what to do.
    """
    if (width, height) != (calibration.width, calibration.height):
        raise InputError(
            f"camera {calibration.camera_id!r} gives frames of {width}x{height} and was calibrated at "
            f"{calibration.width}x{calibration.height}; "
            f"give frames of that size, calibrate at {width}x{height}, or "
            "(if frames are that whole picture, scaled) multiply K by the scale and write the new width and height"
        )


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise InputError(f"no calibration at {path}; give a folder with one JSON file per camera, or one such file")
    files = sorted(file for file in path.iterdir() if file.suffix.lower() == ".json" and file.is_file())
    if not files:
        raise InputError(f"{path} holds no .json file; give the folder with one calibration per camera")
    if len(files) > MAX_CAMERAS:
        raise InputError(f"{path} holds more than {MAX_CAMERAS} .json files; give the folder of the calibrations")
    return files


def _check_sees_floor(calibration: CameraCalibration) -> None:
    height_m = calibration.position[2]
    named = f"calibration of camera {calibration.camera_id!r}"
    if height_m <= 0:
        raise InputError(
            f"{named}: it hangs at {height_m:.3g} m, below the floor (z = 0, z upwards); "
            "R and t must lead from the world to the camera"
        )
    columns = np.linspace(0, calibration.width - 1, _LOOKS)
    rows = np.linspace(0, calibration.height - 1, _LOOKS)
    pixels = np.stack(np.meshgrid(columns, rows), axis=-1).reshape(-1, 2)
    if np.isnan(calibration.floor_points(pixels)[0]).all():
        raise InputError(
            f"{named}: its picture shows no floor; z must point upwards, and R lead from the world to the camera"
        )


def _same(one: CameraCalibration, other: CameraCalibration) -> bool:
    return all(
        np.allclose(getattr(one, name), getattr(other, name), rtol=0, atol=1e-6)
        for name in ("R", "t", "K", "distortion")
    )


def _check_named(calibrations: Mapping[str, CameraCalibration], cameras: list[str]) -> None:
    if not any(camera_id in calibrations for camera_id in cameras):
        raise InputError(
            f"the calibration is of {_listed(calibrations)}, none of which is a camera of this run "
            f"({_listed(cameras)}); name cameras as it does: NAME=PATH"
        )


def _listed(names: Iterable[str]) -> str:
    names = [repr(name) for name in names]
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "") or "nothing"
