"""Where in a camera's picture people count: streets to leave out, a door that alone matters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import cv2
import numpy as np
from pydantic import BaseModel, ConfigDict, Field, field_validator

from keyreid_stream.errors import ConfigError
from keyreid_stream.structures import Detections, FloatArray, Frame

Share = Annotated[float, Field(ge=0, le=1)]


class Zone(BaseModel):
    """An area of one camera's picture. People are where they stand: at the middle of the lower edge of their box.

    Attributes:
        camera: its name.
        kind: of `exclude`, whoever stands there is passed over; of `include`, nobody else of this camera counts.
        polygon: corners (x, y) as shares of the picture's width and height, from its top left corner, in order.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    camera: str
    kind: Literal["include", "exclude"]
    polygon: tuple[tuple[Share, Share], ...] = Field(min_length=3, max_length=1000)

    @field_validator("polygon")
    @classmethod
    def _has_area(cls, polygon: tuple[tuple[float, float], ...]) -> tuple[tuple[float, float], ...]:
        if cv2.contourArea(np.array(polygon, np.float32)) == 0:
            raise ValueError("its corners lie on one line; give the corners of an area, in order around it")
        return polygon


class Zones:
    """Passes over people who stand where they do not count.

    Args:
        zones: of any cameras; a camera without any is taken whole.
        cameras: the cameras of the run.

    Raises:
        ConfigError: a zone is of none of these cameras.
    """

    def __init__(self, zones: Sequence[Zone], cameras: Sequence[str]) -> None:
        unknown = sorted({zone.camera for zone in zones} - set(cameras))
        if unknown:
            raise ConfigError(
                f"there is a zone of camera {unknown[0]!r}, but the cameras are {', '.join(map(repr, cameras))}; "
                "name one of these"
            )
        self._zones = {camera: [zone for zone in zones if zone.camera == camera] for camera in cameras}

    def keep(self, frame: Frame, found: Detections) -> Detections:
        """The people of a frame who count, in their order."""
        zones = self._zones.get(frame.camera_id)
        if not zones or not len(found):
            return found
        height, width = frame.image.shape[:2]
        standing = np.stack([found.boxes_xyxy[:, [0, 2]].mean(axis=1) / width, found.boxes_xyxy[:, 3] / height], axis=1)
        included = [_within(zone, standing) for zone in zones if zone.kind == "include"]
        excluded = [_within(zone, standing) for zone in zones if zone.kind == "exclude"]
        kept = np.logical_or.reduce(included) if included else np.ones(len(found), np.bool_)
        for within in excluded:
            kept &= ~within
        return found.select(kept)


def _within(zone: Zone, points: FloatArray) -> np.ndarray:
    """(N,) whether points, as shares of the picture, lie in a zone or on its edge."""
    corners = np.array(zone.polygon, np.float32)
    # Feet below the picture's edge, of people cut off by it, are at the edge.
    return np.array([cv2.pointPolygonTest(corners, (float(x), float(min(y, 1.0))), False) >= 0 for x, y in points])
