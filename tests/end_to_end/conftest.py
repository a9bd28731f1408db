from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import pytest

CAMERAS = 4


@pytest.fixture(scope="session")
def lab_clips(data: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The first 16 frames of the four lab cameras: two seconds of real video that a test can afford."""
    folder = tmp_path_factory.mktemp("lab")
    return [_shorten(data / "lab_4cam" / f"cam{i}.mp4", folder / f"cam{i}.mp4", 16) for i in range(CAMERAS)]


@pytest.fixture(scope="session")
def pose_weights(data: Path) -> Path:
    return data / "weights" / "yolov8n-pose.pt"


def _shorten(source: Path, target: Path, frames: int) -> Path:
    with av.open(str(source)) as whole, av.open(str(target), "w") as part:
        incoming = whole.streams.video[0]
        outgoing = part.add_stream("libx264", rate=10, options={"crf": "18"})
        outgoing.width, outgoing.height, outgoing.pix_fmt = incoming.width, incoming.height, "yuv420p"
        for index, frame in enumerate(whole.decode(incoming)):
            if index == frames:
                break
            picture = frame.reformat(format="yuv420p")
            picture.pts, picture.time_base = index, Fraction(1, 10)
            part.mux(outgoing.encode(picture))
        part.mux(outgoing.encode())
    return target
