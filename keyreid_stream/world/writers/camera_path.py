"""One file or folder per camera, inside one folder and nowhere else."""

from __future__ import annotations

from pathlib import Path

from keyreid_stream.camera_names import checked_camera_id


def camera_path(folder: Path, camera_id: str, suffix: str = "") -> Path:
    """The path of what is a camera's.

    Raises:
        InputError: the camera's name cannot be a file's.
    """
    return folder / f"{checked_camera_id(camera_id)}{suffix}"
