"""Files that appear whole or not at all."""

from __future__ import annotations

from pathlib import Path

import cv2

from keyreid_stream.structures import ImageArray


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file under another name, then give it its own."""
    part = path.with_name(path.name + ".part")
    part.write_bytes(content)
    part.replace(path)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text with plain line ends, whole."""
    write_bytes(path, text.encode())


def write_jpeg(path: Path, image: ImageArray, quality: int) -> None:
    """Write an (H, W, 3) RGB image as a JPEG of this quality (1 to 100), whole."""
    bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    _, content = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
    write_bytes(path, content.tobytes())
