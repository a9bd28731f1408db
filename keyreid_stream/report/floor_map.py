"""The floor map as a picture: the plan, what cameras see of it, and everybody's trails in the videos' colours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from keyreid_stream.report.plan import FloorPlan
from keyreid_stream.report.trails import Trail
from keyreid_stream.sinks.palette import DARK, LIGHT, Colour, identity_colour
from keyreid_stream.sinks.text import Chip, Words
from keyreid_stream.structures import ImageArray
from keyreid_stream.world.structures import Points

_LONGER_SIDE_PX = 1400
_MARGIN_PX = 40
_SUB_BITS = 4
"""OpenCV draws at 1/16 of a pixel."""

_GROUND: Colour = (24, 26, 32)
_FLOOR: Colour = (40, 43, 51)
_COLOUR_OF: dict[str, Colour] = {"wall": (139, 144, 160), "furniture": (94, 102, 120), "pillar": (139, 144, 160)}
_SIGHT: Colour = (157, 180, 230)
_SIGHT_OPACITY, _SIGHT_EDGE_OPACITY = 0.045, 0.35
_CHIP_ROOM_PX = 24
"""Between the tops of two names: below it they would cover each other."""


@dataclass(frozen=True, slots=True)
class MapFrame:
    """How metres of a floor become pixels of its map: y upwards on the plan is upwards on the map."""

    floor: tuple[float, float]

    @property
    def px_per_m(self) -> float:
        """The map's scale."""
        return (_LONGER_SIDE_PX - 2 * _MARGIN_PX) / max(self.floor)

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the map, pixels."""
        width, depth = (round(length * self.px_per_m) + 2 * _MARGIN_PX for length in self.floor)
        return depth, width

    def pixels(self, places: Points) -> Points:
        """Pixels (..., 2), x and y, of places (..., 2) in metres."""
        flipped = np.asarray(places, float) * (1, -1) + (0, self.floor[1])
        pixels: Points = flipped * self.px_per_m + _MARGIN_PX
        return pixels


def draw_floor_map(plan: FloorPlan, trails: Sequence[Trail]) -> ImageArray:
    """The map, (H, W, 3) RGB, its longer side 1400 pixels.

    Each identity's newest trail ends in a dot with its name.
    """
    frame = MapFrame(plan.size)
    image = np.full((*frame.shape, 3), _GROUND, np.uint8)
    corners = np.array([(0, 0), (plan.size[0], 0), plan.size, (0, plan.size[1])])
    _fill(image, frame, corners, _FLOOR)
    for sight in plan.sights:
        if len(sight.area):
            image = _lit(image, frame, sight.area)
    for shape in plan.shapes:
        _fill(image, frame, shape.corners, _COLOUR_OF[shape.kind])
    for trail in trails:
        points = _fixed(frame.pixels(trail.floor_xy))
        cv2.polylines(image, [points], False, identity_colour(trail.identity_id), 2, cv2.LINE_AA, _SUB_BITS)
    _draw_names(image, frame, trails)
    for sight in plan.sights:
        _draw_camera(image, frame, sight.camera_id, sight.place)
    _draw_scale(image, frame)
    return image


def _fill(image: ImageArray, frame: MapFrame, corners: Points, colour: Colour) -> None:
    cv2.fillPoly(image, [_fixed(frame.pixels(corners))], colour, cv2.LINE_AA, _SUB_BITS)


def _lit(image: ImageArray, frame: MapFrame, area: Points) -> ImageArray:
    """The image with a camera's area a little brighter, more so at its edge."""
    filled = image.copy()
    _fill(filled, frame, area, _SIGHT)
    image = cv2.addWeighted(filled, _SIGHT_OPACITY, image, 1 - _SIGHT_OPACITY, 0)
    edged = image.copy()
    cv2.polylines(edged, [_fixed(frame.pixels(area))], True, _SIGHT, 1, cv2.LINE_AA, _SUB_BITS)
    lit: ImageArray = cv2.addWeighted(edged, _SIGHT_EDGE_OPACITY, image, 1 - _SIGHT_EDGE_OPACITY, 0)
    return lit


def _draw_names(image: ImageArray, frame: MapFrame, trails: Sequence[Trail]) -> None:
    """A dot at the end of each identity's newest trail, and its name beside it, moved down where another name is."""
    newest = {trail.identity_id: trail for trail in sorted(trails, key=lambda trail: trail.times_s[-1])}
    taken: list[tuple[int, int]] = []
    for identity_id, trail in sorted(newest.items()):
        x, y = (int(value) for value in frame.pixels(trail.floor_xy[-1]))
        colour = identity_colour(identity_id)
        cv2.circle(image, (x, y), 6, colour, cv2.FILLED, cv2.LINE_AA)
        chip = Chip([Words(f"P{identity_id}", 13)], DARK, colour)
        left, top = x + 8, y - 26
        while any(
            abs(left - its_left) < chip.width + 4 and abs(top - its_top) < _CHIP_ROOM_PX for its_left, its_top in taken
        ):
            top += 4
        taken.append((left, top))
        chip.draw(image, left, top)


def _draw_camera(image: ImageArray, frame: MapFrame, name: str, place: Points) -> None:
    x, y = (int(value) for value in frame.pixels(place))
    cv2.circle(image, (x, y), 8, LIGHT, cv2.FILLED, cv2.LINE_AA)
    cv2.circle(image, (x, y), 4, DARK, cv2.FILLED, cv2.LINE_AA)
    chip = Chip([Words(name, 12)], LIGHT, DARK, 0.75)
    below = y < image.shape[0] / 2
    chip.draw(image, x - chip.width // 2, y + 14 if below else y - 14 - chip.height)


def _draw_scale(image: ImageArray, frame: MapFrame) -> None:
    """A bar of a round length in the lower margin."""
    metres = next(length for length in (1, 2, 5, 10, 20) if length >= max(frame.floor) / 12)
    left, y = _MARGIN_PX, image.shape[0] - _MARGIN_PX // 2 + 4
    right = left + round(metres * frame.px_per_m)
    cv2.line(image, (left, y), (right, y), LIGHT, 2, cv2.LINE_AA)
    Words(f"{metres} m", 12).draw(image, right + 10, y + 6, LIGHT)


def _fixed(pixels: Points) -> np.ndarray:
    return np.rint(pixels * (1 << _SUB_BITS)).astype(np.int32)
