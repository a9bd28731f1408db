from __future__ import annotations

from collections.abc import Callable

import numpy as np

from keyreid_stream.sinks.plain import without_pictures
from keyreid_stream.structures import CameraTick, Tick


def test_nothing_of_the_picture_is_left_and_everything_else_is(
    camera_tick: Callable[..., CameraTick], tick: Callable[..., Tick]
) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (40, 60, 3), np.uint8)
    before = tick(camera_tick("a", 3, [(1, 2, (5, 5, 20, 30), 0.9)], image=noise))
    after = without_pictures(before)
    assert after.cameras[0].frame.image.shape == noise.shape
    assert len(np.unique(after.cameras[0].frame.image.reshape(-1, 3), axis=0)) == 1
    assert after.cameras[0].frame.frame_index == 3
    assert after.cameras[0].tracks is before.cameras[0].tracks
    assert before.cameras[0].frame.image is noise
