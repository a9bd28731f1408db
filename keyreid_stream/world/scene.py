"""The description of a world: what stands where, who walks in it, what the cameras are. One TOML file each."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

Channel: TypeAlias = Annotated[int, Field(ge=0, le=255)]
RGB: TypeAlias = tuple[Channel, Channel, Channel]
Place: TypeAlias = tuple[float, float]
"""x and y on the floor plan, metres."""
Spot: TypeAlias = tuple[float, float, float]
"""x, y and height above the floor, metres."""
Positive: TypeAlias = Annotated[float, Field(gt=0)]
Share: TypeAlias = Annotated[float, Field(ge=0, le=1)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Floor(_Section):
    """The ground: a rectangle from (0, 0) to `size`, metres."""

    size: tuple[Positive, Positive] = (16.0, 12.0)
    style: Literal["tiles", "concrete", "carpet", "paving"] = "tiles"
    colour: RGB = (178, 174, 166)
    second_colour: RGB = (150, 146, 140)


class Wall(_Section):
    """An upright wall between two places."""

    start: Place
    end: Place
    height: Positive = 2.8
    thickness: Positive = 0.15
    colour: RGB = (205, 203, 196)


class Furniture(_Section):
    """A box that stands on the floor: desk, shelf, counter, planter, bench.

    `size` is width, depth and height, metres; `heading_deg` turns its width counter-clockwise from the x axis.
    """

    centre: Place
    size: tuple[Positive, Positive, Positive]
    heading_deg: float = 0.0
    colour: RGB = (140, 110, 80)


class Pillar(_Section):
    """A round pillar."""

    centre: Place
    radius: Positive = 0.25
    height: Positive = 3.0
    colour: RGB = (190, 188, 182)


class Entrance(_Section):
    """Where people come in and leave."""

    name: str
    at: Place


class Seat(_Section):
    """Where someone may sit; `heading_deg` is where they then face."""

    at: Place
    heading_deg: float = 0.0
    height: Positive = 0.45


class Light(_Section):
    """Sun or lamps: `azimuth_deg` and `elevation_deg` say where the light comes from, `ambient` what shadow keeps."""

    time: Literal["day", "night"] = "day"
    azimuth_deg: float = 50.0
    elevation_deg: Annotated[float, Field(gt=5, le=90)] = 55.0
    ambient: Share = 0.5


class People(_Section):
    """Who comes and what they do.

    Attributes:
        count: different people, all in all.
        looks: `varied`, or `uniform` for look-alikes in the same clothes.
        together: most people in the world at one time.
        group_share: share of people who walk with another.
        sit_share: share of visits in which someone sits down, where there are seats.
        return_share: share of people who come back once they left.
        stay_s: shortest and longest visit.
        away_s: shortest and longest absence before a return.
        speed_m_s: slowest and fastest usual walking speed.
    """

    count: Annotated[int, Field(ge=1, le=1000)] = 8
    looks: Literal["varied", "uniform"] = "varied"
    together: Annotated[int, Field(ge=1, le=200)] = 8
    group_share: Share = 0.2
    sit_share: Share = 0.3
    return_share: Share = 0.5
    stay_s: tuple[Positive, Positive] = (20.0, 60.0)
    away_s: tuple[Positive, Positive] = (10.0, 60.0)
    speed_m_s: tuple[Positive, Positive] = (0.9, 1.5)


class Sensor(_Section):
    """What a camera does to its pictures and to time.

    Attributes:
        exposure: multiplies brightness.
        white_balance: multiplies red, green and blue.
        blur_px: standard deviation of a Gaussian.
        noise: standard deviation of the noise, 0 to 255.
        jpeg_quality: of a compression every frame passes; None for none.
        clock_offset_s: added to its timestamps.
        dropped: share of frames that get lost.
        outages: (from, to) seconds without any frame.
    """

    exposure: Positive = 1.0
    white_balance: tuple[Positive, Positive, Positive] = (1.0, 1.0, 1.0)
    blur_px: Annotated[float, Field(ge=0, le=20)] = 0.0
    noise: Annotated[float, Field(ge=0, le=100)] = 2.0
    jpeg_quality: Annotated[int, Field(ge=1, le=100)] | None = None
    clock_offset_s: float = 0.0
    dropped: Share = 0.0
    outages: tuple[tuple[float, float], ...] = ()


class CameraView(_Section):
    """A camera: where it is, where it looks, what it is.

    `fov_deg` is the horizontal field of view; `distortion` are OpenCV's k1, k2, p1, p2, k3.
    """

    name: str
    at: Spot
    look_at: Spot
    fov_deg: Annotated[float, Field(ge=10, le=120)] = 70.0
    width: Annotated[int, Field(ge=64, le=7680)] = 640
    height: Annotated[int, Field(ge=64, le=4320)] = 360
    fps: Annotated[float, Field(gt=0, le=120)] = 10.0
    distortion: tuple[float, float, float, float, float] = (0.0, 0.0, 0.0, 0.0, 0.0)
    sensor: Sensor = Sensor()


class Scene(_Section):
    """A whole world."""

    name: str
    floor: Floor = Floor()
    walls: tuple[Wall, ...] = ()
    furniture: tuple[Furniture, ...] = ()
    pillars: tuple[Pillar, ...] = ()
    entrances: tuple[Entrance, ...] = ()
    seats: tuple[Seat, ...] = ()
    light: Light = Light()
    people: People = People()
    cameras: tuple[CameraView, ...] = ()
