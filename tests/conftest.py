from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path

import av
import pytest

ROOT = Path(__file__).parent.parent
LAB_CAMERAS = 4
LAB_CLIP_FRAMES = 12


@pytest.fixture(scope="session")
def data() -> Path:
    """The shared data folder: KEYREID_DATA, or `../shared/data` beside the checkout."""
    folder = Path(os.environ.get("KEYREID_DATA", ROOT / ".." / "shared" / "data")).resolve()
    if not folder.is_dir():
        pytest.skip(f"no shared data at {folder}; set KEYREID_DATA")
    return folder


@pytest.fixture(scope="session")
def lab_clips(data: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The first frames of the four lab cameras: a second of real video, which a test can afford."""
    folder = tmp_path_factory.mktemp("lab")
    names = [f"cam{index}.mp4" for index in range(LAB_CAMERAS)]
    return [_shorten(data / "lab_4cam" / name, folder / name) for name in names]


@pytest.fixture(scope="session")
def pose_weights(data: Path) -> Path:
    return data / "weights" / "yolov8n-pose.pt"


def _shorten(source: Path, target: Path) -> Path:
    with av.open(str(source)) as whole, av.open(str(target), "w") as part:
        incoming = whole.streams.video[0]
        outgoing = part.add_stream("libx264", rate=10, options={"crf": "18"})
        outgoing.width, outgoing.height, outgoing.pix_fmt = incoming.width, incoming.height, "yuv420p"
        for index, frame in enumerate(whole.decode(incoming)):
            if index == LAB_CLIP_FRAMES:
                break
            picture = frame.reformat(format="yuv420p")
            picture.pts, picture.time_base = index, Fraction(1, 10)
            part.mux(outgoing.encode(picture))
        part.mux(outgoing.encode())
    return target
