"""The description of a world: what stands where, who walks in it, what the cameras are. One TOML file each."""

from __future__ import annotations

import math
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeAlias

import numpy as np
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from keyreid_stream.errors import ConfigError
from keyreid_stream.geometry.lens import bent_radius, fold_radius
from keyreid_stream.validation import first_fault
from keyreid_stream.world.solids import Solid, Solids

MAX_SCENE_BYTES = 256_000
"""The largest scene file that is read."""

SEAT_TO_FEET_M = 0.42
"""How far in front of a seat the feet of someone who sits are."""

FOOTROOM_M = 0.15
"""What a place needs around it so that someone may stand there."""

_READY = Path(__file__).with_name("scenes")

Channel: TypeAlias = Annotated[int, Field(ge=0, le=255)]
RGB: TypeAlias = tuple[Channel, Channel, Channel]
Place: TypeAlias = tuple[float, float]
"""x and y on the floor plan, metres."""
Spot: TypeAlias = tuple[float, float, float]
"""x, y and height above the floor, metres."""
Positive: TypeAlias = Annotated[float, Field(gt=0)]
Share: TypeAlias = Annotated[float, Field(ge=0, le=1)]


def _rising(limits: tuple[float, float]) -> tuple[float, float]:
    if limits[0] > limits[1]:
        raise ValueError("the first must not be larger than the second")
    return limits


Range: TypeAlias = Annotated[tuple[Positive, Positive], AfterValidator(_rising)]
"""Smallest and largest."""


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Floor(_Section):
    """The ground: a rectangle from (0, 0) to `size`, metres."""

    size: tuple[Annotated[float, Field(gt=0, le=100)], Annotated[float, Field(gt=0, le=100)]] = (16.0, 12.0)
    style: Literal["tiles", "concrete", "carpet", "paving"] = "tiles"
    colour: RGB = (178, 174, 166)
    second_colour: RGB = (150, 146, 140)

    def holds(self, place: Place) -> bool:
        """Whether a place lies on it, its edge included."""
        return all(0 <= value <= limit for value, limit in zip(place, self.size, strict=True))


class Wall(_Section):
    """An upright wall between two places."""

    start: Place
    end: Place
    height: Positive = 2.8
    thickness: Positive = 0.15
    colour: RGB = (205, 203, 196)

    def solid(self, label: str) -> Solid:
        """What it takes of the floor."""
        along = np.subtract(self.end, self.start)
        length = math.hypot(*along)
        middle = (float(self.start[0] + along[0] / 2), float(self.start[1] + along[1] / 2))
        return Solid(label, middle, (length / 2, self.thickness / 2), math.atan2(along[1], along[0]), 0.0, self.height)


class Furniture(_Section):
    """A box that stands on the floor: desk, shelf, counter, planter, bench.

    `size` is width, depth and height, metres; `heading_deg` turns its width counter-clockwise from the x axis.
    """

    centre: Place
    size: tuple[Positive, Positive, Positive]
    heading_deg: float = 0.0
    colour: RGB = (140, 110, 80)

    def solid(self, label: str) -> Solid:
        """What it takes of the floor."""
        width, depth, height = self.size
        return Solid(label, self.centre, (width / 2, depth / 2), math.radians(self.heading_deg), 0.0, height)


class Pillar(_Section):
    """A round pillar."""

    centre: Place
    radius: Positive = 0.25
    height: Positive = 3.0
    colour: RGB = (190, 188, 182)

    def solid(self, label: str) -> Solid:
        """What it takes of the floor."""
        return Solid(label, self.centre, (0.0, 0.0), 0.0, self.radius, self.height)


class Entrance(_Section):
    """Where people come in and leave."""

    name: str
    at: Place


class Seat(_Section):
    """Where someone may sit; `heading_deg` is where they then face."""

    at: Place
    heading_deg: float = 0.0
    height: Annotated[float, Field(ge=0.3, le=0.8)] = 0.45

    @property
    def feet(self) -> Place:
        """Where the feet of someone who sits here stand."""
        heading = math.radians(self.heading_deg)
        return self.at[0] + SEAT_TO_FEET_M * math.cos(heading), self.at[1] + SEAT_TO_FEET_M * math.sin(heading)


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
    stay_s: Range = (20.0, 60.0)
    away_s: Range = (10.0, 60.0)
    speed_m_s: Range = (0.9, 1.5)

    @model_validator(mode="after")
    def _speed_is_a_walk(self) -> Self:
        if self.speed_m_s[0] < 0.3 or self.speed_m_s[1] > 2.0:
            raise ValueError(f"speed_m_s must lie between 0.3 and 2.0 metres a second, got {list(self.speed_m_s)}")
        return self


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
    outages: tuple[Annotated[tuple[float, float], AfterValidator(_rising)], ...] = ()


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

    @model_validator(mode="after")
    def _looks_somewhere(self) -> Self:
        if math.dist(self.at, self.look_at) < 1e-6:
            raise ValueError(f"camera {self.name!r} looks at its own position; look_at must differ from at")
        return self

    @model_validator(mode="after")
    def _lens_covers_the_picture(self) -> Self:
        half_width = math.tan(math.radians(self.fov_deg) / 2)
        corner = math.hypot(half_width, half_width * self.height / self.width)
        if bent_radius(fold_radius(self.distortion), self.distortion) < corner:
            raise ValueError(f"distortion of camera {self.name!r} folds inside its picture; use smaller coefficients")
        return self


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

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        for what, names in (
            ("cameras", [camera.name for camera in self.cameras]),
            ("entrances", [entrance.name for entrance in self.entrances]),
        ):
            if twice := next((name for name in names if names.count(name) > 1), None):
                raise ValueError(f"two {what} are called {twice!r}; give each a name of its own")
        return self

    def solids(self) -> Solids:
        """Everything that stands on the floor."""
        return Solids(
            [
                *(wall.solid(f"wall {index}") for index, wall in enumerate(self.walls, 1)),
                *(item.solid(f"furniture {index}") for index, item in enumerate(self.furniture, 1)),
                *(pillar.solid(f"pillar {index}") for index, pillar in enumerate(self.pillars, 1)),
            ]
        )


def scene_names() -> tuple[str, ...]:
    """Names of the ready scenes, sorted."""
    return tuple(sorted(path.stem for path in _READY.glob("*.toml")))


def load_scene(name_or_path: str | Path) -> Scene:
    """A ready scene by its name, or any scene by the path of its TOML file.

    Raises:
        ConfigError: there is no such scene, or it describes a world that cannot be; says what and where.
    """
    path = _scene_file(name_or_path)
    if path.stat().st_size > MAX_SCENE_BYTES:
        raise ConfigError(f"{str(path)!r} is larger than {MAX_SCENE_BYTES} bytes; this is no scene file")
    try:
        settings = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise ConfigError(f"{str(path)!r} is not a TOML file that can be read: {error}") from None
    settings.setdefault("name", path.stem)
    return check_scene(_scene(settings))


def with_overrides(
    scene: Scene,
    *,
    cameras: int | None = None,
    people: int | None = None,
    together: int | None = None,
    looks: Literal["varied", "uniform"] | None = None,
    fps: float | None = None,
    width: int | None = None,
    height: int | None = None,
) -> Scene:
    """The scene with some of its figures changed; None keeps what it says.

    Args:
        scene: to start from.
        cameras: keep only the first so many.
        people: how many different people come.
        together: how many of them at one time.
        looks: varied clothes, or one uniform for all.
        fps: of all cameras.
        width: of all cameras, pixels.
        height: of all cameras, pixels.

    Raises:
        ConfigError: a figure is not allowed, or the scene has fewer cameras.
    """
    if cameras is not None and not 1 <= cameras <= len(scene.cameras):
        raise ConfigError(f"scene {scene.name!r} has {len(scene.cameras)} cameras, got cameras={cameras}; choose fewer")
    settings = scene.model_dump()
    settings["people"] |= _given(count=people, together=together, looks=looks)
    settings["cameras"] = [
        camera | _given(fps=fps, width=width, height=height) for camera in settings["cameras"][:cameras]
    ]
    return check_scene(_scene(settings))


def check_scene(scene: Scene) -> Scene:
    """The scene itself, if people can walk in it and cameras can see it.

    Raises:
        ConfigError: it has no camera or no entrance, or something stands where it cannot.
    """
    solids = scene.solids()
    if fault := _first_misplaced(scene, solids):
        raise ConfigError(f"scene {scene.name!r}: {fault}")
    return scene


def _first_misplaced(scene: Scene, solids: Solids) -> str | None:
    """What is missing or stands where it cannot, in words."""
    if not scene.entrances:
        return "there is no entrance, so nobody can come in; add [[entrances]] with a name and a place"
    if not scene.cameras:
        return "there is no camera; add [[cameras]] with a name, at and look_at"
    width, depth = scene.floor.size
    for entrance in scene.entrances:
        if fault := _unreachable(entrance.at, scene.floor, solids):
            return f"entrance {entrance.name!r} at {list(entrance.at)} {fault} (floor: {width:g} x {depth:g} m)"
    for number, seat in enumerate(scene.seats, 1):
        if fault := _unreachable(seat.feet, scene.floor, solids):
            feet = [round(value, 2) for value in seat.feet]
            return f"the feet of seat {number}, at {feet}, are where it {fault}; move or turn the seat"
    for camera in scene.cameras:
        if camera.at[2] <= 0:
            return f"camera {camera.name!r} is not above the floor: its height is {camera.at[2]:g} m; use 2.5 to 5"
        if (solid := solids.around(*camera.at)) is not None:
            return f"camera {camera.name!r} at {list(camera.at)} is inside {solid.label}; move it out or above"
    return None


def _unreachable(place: Place, floor: Floor, solids: Solids) -> str | None:
    if not floor.holds(place):
        return "is outside the floor"
    near = solids.distances(np.array([place]))[0]
    if len(near) and near.min() < FOOTROOM_M:
        return f"is inside or against {solids.solids[int(near.argmin())].label}"
    return None


def _scene_file(name_or_path: str | Path) -> Path:
    path = Path(name_or_path)
    if isinstance(name_or_path, str) and name_or_path in scene_names():
        return _READY / f"{name_or_path}.toml"
    if not path.is_file():
        raise ConfigError(
            f"no scene {str(name_or_path)!r}; choose from: {', '.join(scene_names())}, or give the path of a TOML file"
        )
    return path


def _scene(settings: dict[str, Any]) -> Scene:
    try:
        return Scene.model_validate(settings)
    except ValidationError as error:
        raise ConfigError(f"scene {str(settings.get('name'))!r}: {first_fault(error, Scene)}") from None


def _given(**values: object) -> dict[str, object]:
    return {name: value for name, value in values.items() if value is not None}
