"""Pictures that are dropped: uploads alone are read, and deleted with the visit."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from keyreid_demos.dropped import dropped_picture
from keyreid_demos.visits import Visit
from keyreid_stream.errors import InputError


@pytest.fixture
def uploads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where Gradio puts what is uploaded."""
    folder = tmp_path / "gradio"
    folder.mkdir()
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(folder))
    return folder


@pytest.fixture
def visit(tmp_path: Path) -> Visit:
    (tmp_path / "visit").mkdir()
    return Visit("token", tmp_path / "visit")


def blue(path: Path) -> Path:
    cv2.imwrite(str(path), np.full((8, 6, 3), (255, 0, 0), np.uint8))
    return path


def test_an_upload_is_read_and_goes_with_the_visit(uploads: Path, visit: Visit) -> None:
    path = blue(uploads / "a.png")
    image = dropped_picture(visit, {"path": str(path), "url": None})
    assert image is not None
    assert image[0, 0].tolist() == [0, 0, 255]
    visit.close()
    assert not path.exists()


def test_a_broken_upload_is_refused_and_goes_too(uploads: Path, visit: Visit) -> None:
    path = uploads / "broken.png"
    path.write_bytes(b"nothing")
    with pytest.raises(InputError, match=r"broken\.png is no picture"):
        dropped_picture(visit, {"path": str(path)})
    visit.close()
    assert not path.exists()


def test_files_from_elsewhere_are_neither_read_nor_deleted(uploads: Path, visit: Visit, tmp_path: Path) -> None:
    own = blue(tmp_path / "own.png")
    (uploads / "link.png").symlink_to(own)
    for sent in (str(own), str(uploads / ".." / "own.png"), str(uploads / "link.png")):
        with pytest.raises(InputError, match="was not uploaded"):
            dropped_picture(visit, {"path": sent})
    for odd in ({"path": None, "url": "data:image/png;base64,AAAA"}, {}, "own.png", 3):
        with pytest.raises(InputError, match="was not uploaded"):
            dropped_picture(visit, odd)
    visit.close()
    assert own.exists()


def test_no_picture_is_none_and_one_that_is_gone_is_told(uploads: Path, visit: Visit) -> None:
    assert dropped_picture(visit, None) is None
    with pytest.raises(InputError, match=r"gone\.png is there no more"):
        dropped_picture(visit, {"path": str(uploads / "gone.png")})
