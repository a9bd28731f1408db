from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest


@pytest.fixture
def small_video(tmp_path: Path) -> Path:
    """Eight grey frames that no one is in."""
    path = tmp_path / "lobby.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for level in range(8):
            picture = np.full((48, 64, 3), 20 * level, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    return path
