"""One camera's pictures of a scene with people in it."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from keyreid_stream.structures import ImageArray
from keyreid_stream.world.camera import Camera
from keyreid_stream.world.render.background import Stage
from keyreid_stream.world.render.figure import figure
from keyreid_stream.world.render.projection import Surfaces, project
from keyreid_stream.world.render.raster import Rasteriser, Sheet
from keyreid_stream.world.render.shading import Shading
from keyreid_stream.world.render.shadows import darkness
from keyreid_stream.world.render.shapes import ShapeTable
from keyreid_stream.world.scene import CameraView, Scene
from keyreid_stream.world.structures import Body, Person, Rendered, Silhouette, WorldState

_PIXEL_CENTRE = 0.5
"""A projected point of x = 0 is the centre of the first pixel, which reaches from 0 to 1 in a box's pixels."""


class Renderer:
    """Renders a scene through one camera.

    The background is ray-cast when the renderer is made. People are drawn per frame, each on a sheet of their own,
    and the nearest surface wins at every pixel.

    Args:
        scene: what stands where, and the light.
        view: the camera's description.
        camera: the camera itself.

    Raises:
        ValueError: if the camera's pictures are not of the size that the view says.
    """

    def __init__(self, scene: Scene, view: CameraView, camera: Camera) -> None:
        if (view.width, view.height) != (camera.width, camera.height):
            raise ValueError(
                f"camera {camera.name!r} takes {camera.width}x{camera.height} pictures, its view says "
                f"{view.width}x{view.height}; make it by Camera.of(view)"
            )
        self._camera = camera
        self._stage = Stage(scene)
        self._background = self._stage.background(camera)
        self._direct_share = self._stage.direct_share
        self._shading = Shading(self._stage.lighting)
        self._figures: dict[Person, ShapeTable] = {}

    def render(self, state: WorldState) -> Rendered:
        """The camera's view of a moment; always the same for the same state.

        Boxes of silhouettes are in pixels of the frame where the first pixel reaches from 0 to 1. What a person
        carries or wears belongs to their silhouette.
        """
        image = self._background.image.copy()
        self._darken_floor(image, state.bodies)
        depth = self._background.depth_m.copy()
        person_ids = np.zeros(depth.shape, np.int32)
        silhouettes: dict[int, Silhouette] = {}
        if state.bodies:
            self._draw_people(state.bodies, image, depth, person_ids, silhouettes)
        return Rendered(image, person_ids, depth, silhouettes)

    def _draw_people(
        self,
        bodies: Sequence[Body],
        image: ImageArray,
        depth: NDArray[np.float32],
        person_ids: NDArray[np.int32],
        silhouettes: dict[int, Silhouette],
    ) -> None:
        tables = [self._figure(body.person) for body in bodies]
        outlines, surfaces = project(tables, bodies, self._camera)
        balls = np.concatenate([table.balls for table in tables])
        rasteriser = Rasteriser(outlines, balls, (self._camera.width, self._camera.height))
        canvas = Sheet.blank((0, 0, self._camera.width, self._camera.height))
        # The floor hides nobody: soles that touch it would else lose pixels to it.
        np.copyto(canvas.depth, depth, where=~self._background.floor)
        owners = np.concatenate([np.full(len(table), row) for row, table in enumerate(tables)])
        first, drawn = 0, []
        for body, table in zip(bodies, tables, strict=True):
            rows = slice(first, first + len(table))
            first = rows.stop
            sheet = rasteriser.draw(rows)
            extent = rasteriser.extent(rows)
            if sheet is None or extent is None:
                continue
            canvas.merge(sheet)
            drawn.append(sheet.box)
            x1, y1, x2, y2 = (edge + _PIXEL_CENTRE for edge in extent)
            pixels = int(np.count_nonzero(sheet.shape >= 0))
            silhouettes[body.person.person_id] = Silhouette((x1, y1, x2, y2), pixels)
        if not drawn:
            return
        np.copyto(depth, canvas.depth, where=canvas.shape >= 0)
        ids = np.array([body.person.person_id for body in bodies], np.int32)
        boxes = np.array(drawn)
        x1, y1 = boxes[:, :2].min(axis=0)
        x2, y2 = boxes[:, 2:].max(axis=0)
        window = slice(int(y1), int(y2)), slice(int(x1), int(x2))
        self._paint(canvas, window, bodies, tables, surfaces, owners, ids, image, person_ids)
        _soften_edges(image[window], canvas.shape[window])

    def _paint(
        self,
        canvas: Sheet,
        window: tuple[slice, slice],
        bodies: Sequence[Body],
        tables: Sequence[ShapeTable],
        surfaces: Surfaces,
        owners: NDArray[np.int64],
        ids: NDArray[np.int32],
        image: ImageArray,
        person_ids: NDArray[np.int32],
    ) -> None:
        seen = canvas.shape[window] >= 0
        shape = canvas.shape[window][seen]
        level, direct = self._stage.light_at(np.array([body.floor_xy for body in bodies]))
        owner = owners[shape]
        person_ids[window][seen] = ids[owner]
        disc = canvas.u[window][seen], canvas.v[window][seen], canvas.t[window][seen]
        image[window][seen] = self._shading.colours(tables, surfaces, shape, disc, (level[owner], direct[owner]))

    def _darken_floor(self, image: ImageArray, bodies: Sequence[Body]) -> None:
        """Take away the light that people keep from the floor."""
        if not bodies:
            return
        plan = darkness(self._stage.grid, bodies, self._stage.lighting, self._direct_share)
        # Pixels that show no floor look outside the plan, where nothing is taken away.
        taken = cv2.remap(plan, self._background.floor_cells, None, cv2.INTER_LINEAR)
        x, y, width, height = cv2.boundingRect(taken)
        if not width:
            return
        window = slice(y, y + height), slice(x, x + width)
        left = cv2.merge([255 - taken[window]] * 3)
        image[window] = cv2.multiply(image[window], left, scale=1 / 255)

    def _figure(self, person: Person) -> ShapeTable:
        if person not in self._figures:
            self._figures[person] = figure(person)
        return self._figures[person]


def _soften_edges(image: ImageArray, shape: NDArray[np.int32]) -> None:
    """Mix the pixels along the edges of shapes with their neighbours, as a lens would; ids and depths stay exact."""
    edge = np.zeros(shape.shape, bool)
    for a, b in ((np.s_[:, 1:], np.s_[:, :-1]), (np.s_[1:], np.s_[:-1])):
        changes = shape[a] != shape[b]
        edge[a] |= changes
        edge[b] |= changes
    soft = cv2.GaussianBlur(image, (3, 3), 0.7)
    image[edge] = soft[edge]
