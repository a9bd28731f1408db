from __future__ import annotations

import base64
from pathlib import Path

import cv2
import numpy as np
import pytest

from keyreid_stream.report.embedding import data_address, encoded, middle_picture
from keyreid_stream.sinks.mp4 import Mp4File


def test_an_address_holds_its_content() -> None:
    kind, _, content = data_address(b"\x00\xffpage", "image/png").partition(";base64,")
    assert kind == "data:image/png"
    assert base64.b64decode(content) == b"\x00\xffpage"


def test_pictures_keep_their_colours() -> None:
    image = np.full((16, 16, 3), (200, 100, 50), np.uint8)
    for ending in (".png", ".jpg"):
        back = cv2.imdecode(np.frombuffer(encoded(image, ending), np.uint8), cv2.IMREAD_COLOR)[:, :, ::-1]
        assert np.abs(back.astype(int) - image).max() <= (0 if ending == ".png" else 4)


def test_the_poster_is_from_the_middle(tmp_path: Path) -> None:
    file = Mp4File(tmp_path / "a:b.mp4", 10)  # a colon must not be read as a protocol
    for index in range(81):
        file.write(np.full((48, 64, 3), 3 * index, np.uint8), index / 10)
    file.close()
    level = middle_picture(tmp_path / "a:b.mp4").mean()
    assert level == pytest.approx(3 * 40, abs=3 * 20 + 3)  # the key frame at most two seconds before
    assert level <= 3 * 40 + 3
