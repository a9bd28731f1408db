"""Pictures of people that int8 is measured out on: which, and what came of them."""

from __future__ import annotations

import hashlib
from pathlib import Path

import cv2
import numpy as np

from keyreid_stream.errors import InputError
from keyreid_stream.structures import ImageArray

SUFFIXES = (".jpg", ".jpeg", ".png")
LEAST, MOST = 32, 200


class Calibration:
    """At most `MOST` pictures of a folder and those inside it, evenly taken from all in the order of their names.

    Attributes:
        paths: which pictures.
        sha256: of their bytes, in that order: an engine that was calibrated on others is another engine.
    """

    def __init__(self, folder: Path) -> None:
        """Choose the pictures and read their bytes; they are decoded when they are asked for.

        Raises:
            InputError: there is no such folder, or it holds fewer than `LEAST` pictures.
        """
        if not folder.is_dir():
            raise InputError(f"there is no folder {str(folder)!r}; calibration wants pictures of people, one in each")
        found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
        if len(found) < LEAST:
            raise InputError(
                f"{str(folder)!r} holds {len(found)} pictures ({', '.join(SUFFIXES)}); calibration needs at least "
                f"{LEAST} pictures of people, one in each"
            )
        self.paths = [found[index * len(found) // min(len(found), MOST)] for index in range(min(len(found), MOST))]
        digest = hashlib.sha256()
        for path in self.paths:
            digest.update(hashlib.sha256(path.read_bytes()).digest())
        self.sha256 = digest.hexdigest()

    def images(self, height: int, width: int) -> ImageArray:
        """(N, height, width, 3) uint8 RGB, every picture stretched to a whole crop.

        Raises:
            InputError: a file is no picture.
        """
        return np.stack([_picture(path, height, width) for path in self.paths])


def _picture(path: Path, height: int, width: int) -> ImageArray:
    decoded = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR)
    if decoded is None:
        raise InputError(f"{str(path)!r} is no picture; remove it from the folder, or take another for calibration")
    resized: ImageArray = cv2.resize(cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB), (width, height)).astype(np.uint8)
    return resized
