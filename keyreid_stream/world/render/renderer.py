"""One camera's pictures of a scene with people in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from keyreid_stream.structures import ImageArray
from keyreid_stream.world.camera import Camera
from keyreid_stream.world.render.background import Stage
from keyreid_stream.world.render.figure import figure
from keyreid_stream.world.render.projection import Outlines, Surfaces, project
from keyreid_stream.world.render.raster import Rasteriser, Sheet
from keyreid_stream.world.render.shading import Shading
from keyreid_stream.world.render.shadows import darkness
from keyreid_stream.world.render.shapes import ShapeTable
from keyreid_stream.world.scene import CameraView, Scene
from keyreid_stream.world.structures import Body, Person, Rendered, Silhouette, WorldState

_PIXEL_CENTRE = 0.5
"""A projected point of x = 0 is the centre of the first pixel, which reaches from 0 to 1 in a box's pixels."""


@dataclass(frozen=True, slots=True, eq=False)
class _Cast:
    """Everyone in a frame: their figures, K shapes in all as the camera sees them, whose each is, and their ids."""

    tables: Sequence[ShapeTable]
    outlines: Outlines
    surfaces: Surfaces
    owners: NDArray[np.int64]
    person_ids: NDArray[np.int32]


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
        image, depth = self._background.image.copy(), self._background.depth_m.copy()
        person_ids = np.zeros(depth.shape, np.int32)
        if not state.bodies:
            return Rendered(image, person_ids, depth, {})
        self._darken_floor(image, state.bodies)
        cast = self._cast(state.bodies)
        canvas, silhouettes = self._draw(cast)
        window = _around(canvas)
        seen, shape = canvas.shape[window] >= 0, canvas.shape[window]
        owner = cast.owners[shape[seen]]
        person_ids[window][seen] = cast.person_ids[owner]
        np.copyto(depth, canvas.depth, where=canvas.shape >= 0)
        level, direct = self._stage.light_at(np.array([body.floor_xy for body in state.bodies]))
        disc = canvas.u[window][seen], canvas.v[window][seen], canvas.t[window][seen]
        light = level[owner], direct[owner]
        image[window][seen] = self._shading.colours(cast.tables, cast.surfaces, shape[seen], disc, light)
        _soften_edges(image[window], shape)
        return Rendered(image, person_ids, depth, silhouettes)

    def _cast(self, bodies: Sequence[Body]) -> _Cast:
        tables = [self._figure(body.person) for body in bodies]
        outlines, surfaces = project(tables, bodies, self._camera)
        owners = np.repeat(np.arange(len(tables)), [len(table) for table in tables])
        ids = np.array([body.person.person_id for body in bodies], np.int32)
        return _Cast(tables, outlines, surfaces, owners, ids)

    def _draw(self, cast: _Cast) -> tuple[Sheet, dict[int, Silhouette]]:
        """Everyone's nearest surfaces on one sheet, and what each would cover alone."""
        size = (self._camera.width, self._camera.height)
        rasteriser = Rasteriser(cast.outlines, np.concatenate([table.balls for table in cast.tables]), size)
        canvas = Sheet.blank((0, 0, *size))
        # The floor hides nobody: soles that touch it would else lose pixels to it.
        np.copyto(canvas.depth, self._background.depth_m, where=~self._background.floor)
        silhouettes: dict[int, Silhouette] = {}
        first = 0
        for table, person_id in zip(cast.tables, cast.person_ids.tolist(), strict=True):
            rows = slice(first, first + len(table))
            first = rows.stop
            sheet, extent = rasteriser.draw(rows), rasteriser.extent(rows)
            if sheet is not None and extent is not None:
                canvas.merge(sheet)
                x1, y1, x2, y2 = (edge + _PIXEL_CENTRE for edge in extent)
                silhouettes[person_id] = Silhouette((x1, y1, x2, y2), int(np.count_nonzero(sheet.shape >= 0)))
        return canvas, silhouettes

    def _darken_floor(self, image: ImageArray, bodies: Sequence[Body]) -> None:
        """Take away the light that people keep from the floor."""
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


def _around(canvas: Sheet) -> tuple[slice, slice]:
    """Rows and columns around all people, so that the rest of the picture costs nothing."""
    x, y, width, height = cv2.boundingRect((canvas.shape >= 0).view(np.uint8))
    return slice(y, y + height), slice(x, x + width)


def _soften_edges(image: ImageArray, shape: NDArray[np.int32]) -> None:
    """Mix the pixels along the edges of shapes with their neighbours, as a lens would; ids and depths stay exact."""
    if not shape.size:
        return
    edge = np.zeros(shape.shape, bool)
    for a, b in ((np.s_[:, 1:], np.s_[:, :-1]), (np.s_[1:], np.s_[:-1])):
        changes = shape[a] != shape[b]
        edge[a] |= changes
        edge[b] |= changes
    soft = cv2.GaussianBlur(image, (3, 3), 0.7)
    image[edge] = soft[edge]
