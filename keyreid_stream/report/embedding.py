"""Pictures and video as addresses that hold their own content, so that a page needs no second file."""

from __future__ import annotations

import base64
from pathlib import Path

import av
import cv2
import numpy as np

from keyreid_stream.structures import ImageArray


def data_address(content: bytes, kind: str) -> str:
    """`data:` address of some bytes of a media type such as `image/png`."""
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"


def encoded(image: ImageArray, ending: str, quality: int = 88) -> bytes:
    """An (H, W, 3) RGB image as a file of this ending holds it: `.png`, or `.jpg` of this quality."""
    bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    options = [cv2.IMWRITE_JPEG_QUALITY, quality] if ending == ".jpg" else []
    _, content = cv2.imencode(ending, bgr, options)
    return content.tobytes()


def middle_picture(video: Path) -> ImageArray:
    """The (H, W, 3) RGB picture in the middle of a video's time.

    Raises:
        ValueError: the video holds no picture.
    """
    with av.open(f"file:{video}") as container:
        stream = container.streams.video[0]
        if stream.duration is not None:
            # Lands on the key frame before; good enough, and it does not decode half the video.
            container.seek(stream.duration // 2, stream=stream)
        frame = next(container.decode(stream), None)
        if frame is None:
            raise ValueError(f"{video} holds no picture")
        picture: ImageArray = frame.to_ndarray(format="rgb24").astype(np.uint8, copy=False)
        return picture
