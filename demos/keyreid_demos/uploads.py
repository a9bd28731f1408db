"""What visitors bring: videos and pictures, by their content and size, never by the name they came with."""

from __future__ import annotations

import contextlib
import io
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from PIL import ImageFile
from PIL.BmpImagePlugin import BmpImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from keyreid_stream.errors import InputError
from keyreid_stream.structures import ImageArray

MAX_VIDEO_BYTES = 512 * 2**20
MAX_VIDEOS = 16
MAX_PICTURE_BYTES = 20 * 2**20
MAX_PICTURE_PIXELS = 64_000_000

_PICTURE_KINDS: Final[Sequence[tuple[type[ImageFile.ImageFile], int, bytes]]] = (
    (JpegImageFile, 0, b"\xff\xd8\xff"),
    (PngImageFile, 0, b"\x89PNG\r\n\x1a\n"),
    (WebPImageFile, 8, b"WEBP"),
    (BmpImageFile, 0, b"BM"),
)
"""Who reads the header, and by which bytes from where on a file is one."""

_HEAD = 400
_TS_PACKET = 188
_TS_SYNC = 0x47
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_-]+")
_MOST_NAME = 32


def video_kind(head: bytes) -> str | None:
    """Which of the allowed containers a file is, by its first bytes: a file name's ending, or None.

    Playlists and other files that name further files (HLS, DASH, concat) are none of them, whatever they are called:
    FFmpeg would open what they name.
    """
    if head[4:8] == b"ftyp":
        return ".mp4"
    if head[:4] == b"\x1a\x45\xdf\xa3":
        return ".mkv"
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return ".avi"
    if len(head) > _TS_PACKET and head[0] == _TS_SYNC == head[_TS_PACKET]:
        return ".ts"
    return None


def take_videos(uploaded: Sequence[str | Path], folder: Path) -> list[tuple[str, Path]]:
    """Move uploaded videos into a visit's folder, under names of our own.

    Args:
        uploaded: where the page's server put them.
        folder: the visit's.

    Returns:
        camera name, after the name the file came with, and path, in order.

    Raises:
        InputError: there are too many, one is too large or no video that is taken.
    """
    if not uploaded:
        raise InputError("no video was given; drop one or more files, or take the built-in world")
    if len(uploaded) > MAX_VIDEOS:
        raise InputError(f"{len(uploaded)} videos are too many for one run; give at most {MAX_VIDEOS}")
    kinds = [_checked_kind(Path(path)) for path in uploaded]
    place = folder / "uploads"
    place.mkdir(mode=0o700, exist_ok=True)
    already = sum(1 for _ in place.iterdir())
    taken: list[tuple[str, Path]] = []
    names: set[str] = set()
    for number, (path, kind) in enumerate(zip(map(Path, uploaded), kinds, strict=True), start=already + 1):
        name = _camera_name(path.stem, names)
        kept = place / f"{number}{kind}"
        shutil.move(path, kept)
        taken.append((name, kept))
    return taken


def checked_picture(image: ImageArray | None) -> ImageArray:
    """A picture that was dropped.

    Raises:
        InputError: there is none, or it is too large.
    """
    if image is None:
        raise InputError("no picture was given; drop a JPEG or PNG file, or paste one")
    if image.ndim != 3 or image.shape[0] * image.shape[1] > MAX_PICTURE_PIXELS:
        raise _too_many_pixels()
    return image


def read_picture(path: str | Path) -> ImageArray:
    """An uploaded picture, (H, W, 3) uint8, RGB.

    Raises:
        InputError: it is too large, or no picture.
    """
    path = Path(path)
    try:
        if path.stat().st_size > MAX_PICTURE_BYTES:
            raise InputError(f"a picture may have {MAX_PICTURE_BYTES // 2**20} MB; give a smaller one")
        content = path.read_bytes()
    except OSError:
        raise InputError(f"{path.name} is there no more; drop it again") from None
    size = _picture_size(content)
    if size is not None and size[0] * size[1] > MAX_PICTURE_PIXELS:
        raise _too_many_pixels()
    image = None
    if size is not None:
        with contextlib.suppress(cv2.error):
            image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR_RGB)
    if image is None:
        raise InputError(f"{path.name} is no picture that can be read; give a JPEG, PNG, WebP or BMP file")
    return checked_picture(np.asarray(image, np.uint8))


def _picture_size(content: bytes) -> tuple[int, int] | None:
    """Width and height that a picture's header tells; None where it is no picture that is taken.

    A few kilobytes can hold a gigapixel, which must not be decoded to be refused.
    """
    for kind, start, signature in _PICTURE_KINDS:
        if content[start : start + len(signature)] == signature:
            try:
                # Not `Image.open`: Ultralytics puts its own there, which wants to install packages for what it misses.
                return kind(io.BytesIO(content)).size
            except Exception:  # noqa: BLE001 - Pillow raises a dozen kinds for broken headers
                return None
    return None


def _too_many_pixels() -> InputError:
    return InputError(f"a picture may have {MAX_PICTURE_PIXELS // 1_000_000} megapixels; give a smaller one")


def _checked_kind(path: Path) -> str:
    size = path.stat().st_size
    if size > MAX_VIDEO_BYTES:
        raise InputError(
            f"{path.name} has {size // 2**20} MB; a video may have {MAX_VIDEO_BYTES // 2**20}: use `keyreid track`"
        )
    with path.open("rb") as file:
        kind = video_kind(file.read(_HEAD))
    if kind is None:
        raise InputError(f"{path.name} is no video that is taken here; give an MP4, MOV, MKV, WebM, AVI or TS file")
    return kind


def _camera_name(stem: str, taken: set[str]) -> str:
    """Of the file's name what can be a camera's; numbered where it is taken or nothing is left."""
    wanted = _NOT_IN_NAMES.sub("_", stem).strip("_-")[:_MOST_NAME] or "camera"
    name, number = wanted, 1
    while name.lower() in taken:
        number += 1
        name = f"{wanted}_{number}"
    taken.add(name.lower())
    return name
