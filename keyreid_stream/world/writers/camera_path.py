"""One file or folder per camera, inside one folder and nowhere else."""

from __future__ import annotations

from pathlib import Path

from keyreid_stream.errors import InputError


def camera_path(folder: Path, camera_id: str, suffix: str = "") -> Path:
    """The path of what is a camera's.

    Raises:
        InputError: the camera's name would lead out of the folder or is no file name.
    """
    if not camera_id or camera_id in {".", ".."} or any(character in camera_id for character in "/\\:\0"):
        raise InputError(f"camera name {camera_id!r} cannot be a file name; name the camera without / \\ and :")
    return folder / f"{camera_id}{suffix}"
