from __future__ import annotations

import numpy as np
import pytest

from keyreid_stream.world.camera import Camera
from keyreid_stream.world.render.renderer import Renderer
from keyreid_stream.world.scene import CameraView, Scene

VIEW = CameraView(name="near", at=(0, 0, 1.4), look_at=(4, 0, 1.0), fov_deg=50, width=480, height=360)


@pytest.fixture(scope="session")
def near_camera() -> Camera:
    """Looks along x from head height; someone 4 m away is some 180 pixels tall."""
    return Camera.of(VIEW)


@pytest.fixture(scope="session")
def near(near_camera: Camera) -> Renderer:
    return Renderer(Scene(name="empty"), VIEW, near_camera)


TOWARDS = np.pi
"""The heading of someone who faces the camera."""
