"""A folder of images as one camera, MOTChallenge sequences included.

Images are decoded with OpenCV, not PyAV: FFmpeg's picture reader takes `%` in a file name for a pattern, ignores EXIF
orientation, and passes half a JPEG off as a whole one.
"""

from __future__ import annotations

import configparser
import re
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from keyreid_stream.errors import InputError, SourceError
from keyreid_stream.sources.timing import RateLimit, checked_fps
from keyreid_stream.structures import Frame, ImageArray

_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp"})
_DEFAULT_FPS = 25.0
_MOT_IMAGES = "img1"
_MOT_SETTINGS = "seqinfo.ini"


class ImageFolderSource:
    """The images of a folder in natural order (`2.jpg` before `10.jpg`), at a constant rate.

    A MOTChallenge sequence may be given by its folder or by its `img1`; the rate in its `seqinfo.ini` is used. Images
    that cannot be read are counted in `corrupt_frames` and left out; `frame_index` is an image's place in the folder,
    so they take a number too. Images of different sizes are passed on as they are.

    Args:
        path: the folder.
        camera_id: the camera's name; by default the folder's (the sequence's for `img1`).
        fps: the rate at which the images were taken; by default the sequence's, else 25.
        max_fps: give at most so many frames a second; None for all.

    Raises:
        SourceError: there is no such folder, or no image in it can be read.
        InputError: a rate is not above 0.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        camera_id: str | None = None,
        fps: float | None = None,
        max_fps: float | None = None,
    ) -> None:
        self.corrupt_frames = 0
        sequence, self._folder = _sequence_and_images(Path(path))
        self._camera_id = sequence.resolve().name if camera_id is None else camera_id
        self._taken_fps = checked_fps(fps) if fps is not None else _sequence_fps(sequence / _MOT_SETTINGS)
        self._max_fps = None if max_fps is None else checked_fps(max_fps)
        if not any(_read_rgb(image) is not None for image in _images(self._folder)):
            raise SourceError(
                f"{self._folder} holds no readable image; give a folder with {', '.join(sorted(_SUFFIXES))} files"
            )

    @property
    def camera_id(self) -> str:
        """The camera's name."""
        return self._camera_id

    @property
    def fps(self) -> float:
        """Nominal frames per second, after thinning."""
        return self._taken_fps if self._max_fps is None else min(self._taken_fps, self._max_fps)

    def frames(self) -> Iterator[Frame]:
        """Read the images from the first."""
        self.corrupt_frames = 0
        limit = RateLimit(self._max_fps)
        for index, path in enumerate(_images(self._folder)):
            timestamp_s = index / self._taken_fps
            image = _read_rgb(path)
            if image is None:
                self.corrupt_frames += 1
            elif limit.admits(timestamp_s):
                yield Frame(self._camera_id, index, timestamp_s, image)


def _sequence_and_images(path: Path) -> tuple[Path, Path]:
    """The folder that names the sequence and the folder that holds its images; often one and the same."""
    if not path.is_dir():
        raise SourceError(f"{path} is not a folder; check the path and give a folder of images")
    if path.name == _MOT_IMAGES:
        return path.parent, path
    if (path / _MOT_IMAGES).is_dir():
        return path, path / _MOT_IMAGES
    return path, path


def _sequence_fps(settings: Path) -> float:
    """The `frameRate` of a MOTChallenge `seqinfo.ini`; the default where there is no such file."""
    if not settings.is_file():
        return _DEFAULT_FPS
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read(settings, encoding="utf-8")
        return checked_fps(parser.getfloat("Sequence", "frameRate", fallback=_DEFAULT_FPS))
    except (configparser.Error, UnicodeDecodeError, InputError, ValueError) as error:
        raise SourceError(
            f"{settings} names no usable frame rate; write frameRate=<above 0> under [Sequence] or remove the file"
        ) from error


def _images(folder: Path) -> list[Path]:
    images = (entry for entry in folder.iterdir() if entry.suffix.lower() in _SUFFIXES and entry.is_file())
    return sorted(images, key=lambda entry: _natural_key(entry.name))


def _natural_key(name: str) -> tuple[list[tuple[int, int, str]], str]:
    """Digits compare as numbers, all else as text; the plain name settles what is then still equal (`01`, `1`)."""
    pieces = re.findall(r"([0-9]+)|([^0-9]+)", name.casefold())
    return [(0, int(digits), "") if digits else (1, 0, text) for digits, text in pieces], name


def _read_rgb(path: Path) -> ImageArray | None:
    """The image as (H, W, 3) RGB, or None where it cannot be read."""
    try:
        # Read the bytes ourselves: OpenCV cannot open every name on every system.
        image = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR)
    except (OSError, cv2.error):
        return None
    return None if image is None else cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
