from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

MakeVideo = Callable[..., Path]

TIME_BASE = Fraction(1, 1000)


def numbered_picture(number: int, height: int = 64, width: int = 96) -> np.ndarray:
    """A grey picture whose brightness says its number, with a red block in its upper left corner."""
    image = np.full((height, width, 3), 40 + 8 * number, np.uint8)
    image[: height // 4, : width // 4] = (230, 20, 20)
    return image


@pytest.fixture
def make_video(tmp_path: Path) -> MakeVideo:
    """Write numbered pictures at the given milliseconds into a video file."""

    def make(
        name: str = "cam.mkv",
        milliseconds: Sequence[int] = tuple(range(0, 1000, 100)),
        *,
        codec: str = "mjpeg",
        size: tuple[int, int] = (64, 96),
        rotation: int | None = None,
    ) -> Path:
        path = tmp_path / name
        with av.open(str(path), "w") as container:
            stream = container.add_stream(codec, rate=10)
            stream.height, stream.width = size
            stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
            stream.codec_context.time_base = TIME_BASE
            if rotation is not None:
                stream.set_display_rotation(rotation)
            for number, time in enumerate(milliseconds):
                frame = av.VideoFrame.from_ndarray(numbered_picture(number, *size), format="rgb24")
                frame.pts, frame.time_base = time, TIME_BASE
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        return path

    return make
