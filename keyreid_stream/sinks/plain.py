"""Pictures without anyone's picture: plain ground under what is drawn."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from keyreid_stream.structures import Frame, Tick

_GROUND = (38, 40, 48)


def without_pictures(tick: Tick) -> Tick:
    """The tick with every camera's picture replaced by plain ground of the same size; all else stays."""
    return replace(tick, cameras=tuple(replace(camera, frame=_plain(camera.frame)) for camera in tick.cameras))


def _plain(frame: Frame) -> Frame:
    return replace(frame, image=np.full(frame.image.shape, _GROUND, np.uint8))
