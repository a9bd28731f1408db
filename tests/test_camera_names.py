from __future__ import annotations

from pathlib import Path

import pytest

from keyreid_stream.camera_names import check_distinct, checked_camera_id
from keyreid_stream.errors import InputError


@pytest.mark.parametrize("name", ["cam0", "Front Door 2", "a.b-c_d", "Größe", "東口", "x" * 200])
def test_names_that_files_can_have(tmp_path: Path, name: str) -> None:
    assert checked_camera_id(name) == name
    (tmp_path / f"{name}.txt.resolved.part").touch()


@pytest.mark.parametrize("name", ["", ".", "..", ".x", "x.", " x", "x ", "a/b", "a\\b", "a:b", "a*", "a\nb", "a\0b"])
def test_names_that_no_file_can_have(name: str) -> None:
    with pytest.raises(InputError, match=r"camera name .*NAME=PATH") as caught:
        checked_camera_id(name)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["x" * 201, "東" * 67])
def test_names_longer_than_a_files(name: str) -> None:
    with pytest.raises(InputError, match="longer than 200 bytes"):
        checked_camera_id(name)


@pytest.mark.parametrize("names", [("a", "a"), ("Gate", "gate"), ("\u00e9", "e\u0301")])
def test_two_cameras_of_one_file_are_refused(names: tuple[str, str]) -> None:
    with pytest.raises(InputError, match=r"cameras first\.mp4 and second\.mp4 .*NAME=PATH"):
        check_distinct([(names[0], "first.mp4"), ("other", "other.mp4"), (names[1], "second.mp4")])
    check_distinct([("a", "same.mp4"), ("b", "same.mp4")])
