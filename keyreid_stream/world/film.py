"""One camera's pictures of a world, with the truth about them: any frame, in any order, always the same."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from keyreid_stream.structures import Frame, ImageArray
from keyreid_stream.world.render.renderer import Renderer
from keyreid_stream.world.scene import CameraView
from keyreid_stream.world.sensor import expose, frame_times
from keyreid_stream.world.structures import Rendered, WorldState
from keyreid_stream.world.truth import Shot, frame_truth
from keyreid_stream.world.world import World


class Film:
    """The frames that a camera takes of a world.

    A frame is a function of the world and its index alone, so frames may be made in any order and by any process.
    Lost frames (drops, outages) are not in the film and take no index, as in a recorded video.

    Args:
        world: who is filmed.
        place: the camera's place in `world.scene.cameras`.
    """

    def __init__(self, world: World, place: int) -> None:
        self.view: CameraView = world.scene.cameras[place]
        self._world = world
        self._place = place
        self._camera = world.cameras[place]
        self.times_s: tuple[float, ...] = tuple(frame_times(self.view, world.seconds, world.seed))
        """When each frame is taken, on the world's clock."""

    def __len__(self) -> int:
        return len(self.times_s)

    def frame(self, index: int) -> Frame:
        """The frame, its time on the camera's clock."""
        _, rendered = self._render(index)
        return self._expose(index, rendered)

    def shot(self, index: int) -> Shot:
        """The frame with its truth."""
        state, rendered = self._render(index)
        return Shot(self._expose(index, rendered), frame_truth(state, self._camera, rendered))

    @cached_property
    def _renderer(self) -> Renderer:
        # Made for the first frame: it draws the whole scene's background, and a film may be asked for its times only.
        return Renderer(self._world.scene, self.view, self._camera)

    def _render(self, index: int) -> tuple[WorldState, Rendered]:
        state = self._world.state_at(self.times_s[index])
        return state, self._renderer.render(state)

    def _expose(self, index: int, rendered: Rendered) -> Frame:
        noise = np.random.default_rng([self._world.seed, self._place, index])
        image: ImageArray = expose(rendered.image, self.view.sensor, noise)
        timestamp_s = self.times_s[index] + self.view.sensor.clock_offset_s
        return Frame(self.view.name, index, timestamp_s, image)
