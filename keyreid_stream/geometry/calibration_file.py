"""What a calibration's JSON may say: our own form, and that of camera networks whose matrices are flat `doubles`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from keyreid_stream.errors import InputError
from keyreid_stream.geometry.calibration import CONVENTIONS, CameraCalibration, Points
from keyreid_stream.validation import first_fault

MAX_CALIBRATION_BYTES = 100_000

_Number = Annotated[float, Field(allow_inf_nan=False, strict=True)]
_Row = Annotated[tuple[_Number, _Number, _Number], Field(strict=False)]
_Pixels = Annotated[int, Field(ge=1, le=100_000, strict=True)]

_POSITION_TOLERANCE_M = 0.01


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _OwnFile(_Section):
    """As `CameraCalibration.as_json` and `keyreid world render` write it."""

    camera_id: str | None = None
    width: _Pixels
    height: _Pixels
    K: tuple[_Row, _Row, _Row]
    distortion: Annotated[list[_Number], Field(min_length=4, max_length=5)]
    R: tuple[_Row, _Row, _Row]
    t: _Row
    position: _Row | None = None
    conventions: dict[str, str] = Field(default_factory=dict)
    fps: _Number | None = None
    clock_offset_s: _Number | None = None


class _Size(_Section):
    name: str
    size: Annotated[int, Field(ge=1)]


class _Shape(_Section):
    dims: tuple[_Size, _Size]


class _Tensor(_Section):
    shape: _Shape
    type: Literal["DOUBLE_TYPE"]
    doubles: Annotated[list[_Number], Field(max_length=16)]

    def array(self, name: str) -> Points:
        """The matrix, in the shape that the file says it has."""
        rows, columns = (dim.size for dim in self.shape.dims)
        if rows * columns != len(self.doubles):
            raise InputError(f"{name} says {rows}x{columns} and holds {len(self.doubles)} numbers; correct it")
        return np.array(self.doubles).reshape(rows, columns)


class _Transform(_Section):
    source: Annotated[str, Field(alias="from")]
    target: Annotated[str | None, Field(alias="to")] = None
    tf: _Tensor


class _Resolution(_Section):
    width: _Pixels
    height: _Pixels


class _TensorFile(_Section):
    """`intrinsic`, `distortion` and one `extrinsic` from the world to the camera, in tensors of shape and numbers."""

    id: str | None = None
    calibratedAt: str | None = None  # noqa: N815 - the file's own name
    error: _Number | None = None
    resolution: _Resolution
    intrinsic: _Tensor
    distortion: _Tensor
    extrinsic: Annotated[list[_Transform], Field(min_length=1, max_length=1)]


def read_calibration(path: Path) -> CameraCalibration:
    """Read one camera's file; a file that names no camera is of the camera it is called after.

    Raises:
        InputError: it cannot be read, is no calibration, or its numbers are no camera's; the line says which file.
    """
    content = _json_object(path)
    try:
        if "intrinsic" in content:
            return _of_tensors(_TensorFile.model_validate(content), path.stem)
        return _of_own(_OwnFile.model_validate(content), path.stem)
    except ValidationError as error:
        raise InputError(f"{path} is no calibration: {first_fault(error)}") from None
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def _json_object(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > MAX_CALIBRATION_BYTES:
            raise InputError(f"{path} is larger than {MAX_CALIBRATION_BYTES} bytes; this is no calibration")
        content = json.loads(path.read_text(encoding="utf-8-sig"), object_pairs_hook=_distinct)
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); give a calibration's JSON") from None
    except InputError:
        raise
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is not valid JSON: {' '.join(str(error).split())}") from None
    if not isinstance(content, dict):
        raise InputError(f"{path} holds no calibration: a JSON object is wanted; one file holds one camera")
    return content


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of these members; JSON itself would let the last of two with one name win."""
    result: dict[str, Any] = {}
    for name, value in pairs:
        if name in result:
            raise ValueError(f"{name!r} is given twice")
        result[name] = value
    return result


def _of_own(file: _OwnFile, stem: str) -> CameraCalibration:
    for name, meaning in file.conventions.items():
        if CONVENTIONS.get(name) != meaning:
            allowed = CONVENTIONS.get(name, f"one of {', '.join(CONVENTIONS)}")
            raise InputError(f"convention {name!r} is {meaning!r}; only {allowed!r} is understood: convert the numbers")
    calibration = CameraCalibration(
        camera_id=file.camera_id or stem,
        width=file.width,
        height=file.height,
        K=np.array(file.K),
        distortion=_five(file.distortion),
        R=np.array(file.R),
        t=np.array(file.t),
    )
    if file.position is not None:
        off_m = float(np.linalg.norm(calibration.position - np.array(file.position)))
        if off_m > _POSITION_TOLERANCE_M:
            raise InputError(
                f"position {list(file.position)} is {off_m:.3g} m from where R and t put the camera; "
                "one of them is wrong: correct or remove it"
            )
    return calibration


def _of_tensors(file: _TensorFile, stem: str) -> CameraCalibration:
    (to_camera,) = file.extrinsic
    if to_camera.target is not None and file.id is not None and to_camera.target != file.id:
        raise InputError(
            f"the file is of camera {file.id!r} and its extrinsic leads to {to_camera.target!r}; correct it"
        )
    pose = to_camera.tf.array("extrinsic")
    if pose.shape != (4, 4) or not np.array_equal(pose[3], [0, 0, 0, 1]):
        raise InputError("extrinsic must be 4x4 with the last row 0, 0, 0, 1; correct it")
    return CameraCalibration(
        camera_id=file.id or to_camera.target or stem,
        width=file.resolution.width,
        height=file.resolution.height,
        K=file.intrinsic.array("intrinsic"),
        distortion=_five(file.distortion.array("distortion").ravel().tolist()),
        R=pose[:3, :3],
        t=pose[:3, 3],
    )


def _five(coefficients: list[float]) -> Points:
    """OpenCV's four or five coefficients as five."""
    if len(coefficients) not in (4, 5):
        raise InputError(f"distortion has {len(coefficients)} coefficients; 4 or 5 (k1, k2, p1, p2, k3) are understood")
    return np.array([*coefficients, *[0.0] * (5 - len(coefficients))])
