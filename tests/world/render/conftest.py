from __future__ import annotations

import pytest

from keyreid_stream.world.camera import Camera
from keyreid_stream.world.render.renderer import Renderer
from keyreid_stream.world.scene import Scene
from tests.world.render.bodies import NEAR_VIEW


@pytest.fixture(scope="session")
def near_camera() -> Camera:
    """The camera of `NEAR_VIEW`."""
    return Camera.of(NEAR_VIEW)


@pytest.fixture(scope="session")
def near(near_camera: Camera) -> Renderer:
    return Renderer(Scene(name="empty"), NEAR_VIEW, near_camera)
