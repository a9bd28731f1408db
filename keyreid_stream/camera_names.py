"""Which names a camera may have: they become file names on every system."""

from __future__ import annotations

import re
import unicodedata

from keyreid_stream.errors import InputError

_ALLOWED = re.compile(r"[\w.\- ]+")
_MAX_BYTES = 200
"""Leaves room for suffixes within the 255 bytes that file systems allow a name."""

_CURE = "name the camera yourself: NAME=PATH"


def checked_camera_id(camera_id: str) -> str:
    """The name, if it can be a file's.

    Raises:
        InputError: it is empty or too long, holds other characters than letters, digits, `.`, `_`, `-` and space, or
            starts or ends with a space or dot.
    """
    if not _ALLOWED.fullmatch(camera_id):
        raise InputError(
            f"camera name {camera_id!r} cannot be a file name: only letters, digits, '.', '_', '-' and spaces; {_CURE}"
        )
    if camera_id.strip(" .") != camera_id:
        raise InputError(f"camera name {camera_id!r} starts or ends with a space or a dot; {_CURE}")
    if len(camera_id.encode()) > _MAX_BYTES:
        raise InputError(f"camera name {camera_id[:20]!r}... is longer than {_MAX_BYTES} bytes; {_CURE}")
    return camera_id


def check_distinct(named_specs: list[tuple[str, str]]) -> None:
    """Refuse two cameras of one name; names that differ only by case or by Unicode form are one file on some systems.

    Args:
        named_specs: (camera_id, what the user wrote) of each camera.

    Raises:
        InputError: two are the same.
    """
    seen: dict[str, tuple[str, str]] = {}
    for camera_id, spec in named_specs:
        key = unicodedata.normalize("NFKC", camera_id).casefold()
        if key in seen:
            other_id, other_spec = seen[key]
            same = (
                f"are both named {camera_id!r}"
                if other_id == camera_id
                else f"differ only in case ({other_id!r}, {camera_id!r})"
            )
            raise InputError(f"cameras {other_spec} and {spec} {same}; name one of them otherwise: NAME=PATH")
        seen[key] = (camera_id, spec)
