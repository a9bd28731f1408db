"""Addresses of worlds: `world://plaza?cameras=4&people=12&seconds=30&seed=7`."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self
from urllib.parse import parse_qsl, unquote, urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from keyreid_stream.errors import ConfigError
from keyreid_stream.validation import first_fault
from keyreid_stream.world.scene import Scene, load_scene, with_overrides
from keyreid_stream.world.source import LiveClock, WorldSource
from keyreid_stream.world.world import World

SCHEME = "world"

MAX_SECONDS = 86_400


class WorldAddress(BaseModel):
    """Which world to make. What is None is as the scene says.

    Attributes:
        scene: a ready scene's name, or the path of a scene's TOML file.
        cameras: take the scene's first so many cameras.
        people: how many different people come, all in all.
        together: how many of them at one time, at most.
        seconds: how long the world lasts.
        seed: of everything random.
        fps, width, height: of all cameras.
        live: paced by the clock, instead of as fast as possible.
        looks: `varied`, or `uniform` for look-alikes.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    scene: Annotated[str, Field(min_length=1)]
    cameras: Annotated[int, Field(ge=1)] | None = None
    people: Annotated[int, Field(ge=1, le=1000)] | None = None
    together: Annotated[int, Field(ge=1, le=200)] | None = None
    seconds: Annotated[float, Field(gt=0, le=MAX_SECONDS)] = 30.0
    seed: Annotated[int, Field(ge=0)] = 0
    fps: Annotated[float, Field(gt=0, le=120)] | None = None
    width: Annotated[int, Field(ge=64, le=7680)] | None = None
    height: Annotated[int, Field(ge=64, le=4320)] | None = None
    live: bool = False
    looks: Literal["varied", "uniform"] | None = None

    @classmethod
    def parse(cls, address: str) -> Self:
        """Read an address.

        Raises:
            ConfigError: it is not `world://SCENE?key=value&…`, or a key is unknown, given twice or out of range.
        """
        parts = urlsplit(address)
        if parts.scheme.lower() != SCHEME or not address[len(SCHEME) :].startswith("://") or parts.fragment:
            raise ConfigError(f"{address!r} is not the address of a world; write {SCHEME}://SCENE?key=value&...")
        return cls.of(scene=unquote(parts.netloc + parts.path), **_values(parts.query, address))

    @classmethod
    def of(cls, **values: Any) -> Self:
        """From single values; None counts as not given.

        Raises:
            ConfigError: a value is unknown or out of range, in one line.
        """
        try:
            return cls.model_validate({key: value for key, value in values.items() if value is not None})
        except ValidationError as error:
            raise ConfigError(f"world: {first_fault(error, cls)}") from None

    def described(self) -> Scene:
        """The scene, with what the address changes.

        Raises:
            ConfigError: there is no such scene, it is bad, or it has fewer cameras.
        """
        return with_overrides(
            load_scene(self.scene),
            cameras=self.cameras,
            people=self.people,
            together=self.together,
            fps=self.fps,
            width=self.width,
            height=self.height,
            looks=self.looks,
        )


def open_world(address: str, *, max_fps: float | None = None, keep_truth: bool = False) -> list[WorldSource]:
    """The cameras of one world, in the scene's order.

    Args:
        address: see `WorldAddress`.
        max_fps: cameras take at most so many frames a second; None for as many as the scene says.
        keep_truth: whether the cameras' `truth_of` may be asked.

    Raises:
        ConfigError: the address or the scene is bad.
    """
    wanted = WorldAddress.parse(address)
    scene = wanted.described()
    if max_fps is not None:
        scene = _slowed(scene, max_fps)
    world = World(scene, wanted.seed, wanted.seconds)
    live = LiveClock() if wanted.live else None
    return [WorldSource(world, place, live=live, keep_truth=keep_truth) for place in range(len(scene.cameras))]


def _slowed(scene: Scene, max_fps: float) -> Scene:
    views = tuple(view.model_copy(update={"fps": min(view.fps, max_fps)}) for view in scene.cameras)
    return scene.model_copy(update={"cameras": views})


def _values(query: str, address: str) -> dict[str, str]:
    if not query:
        return {}
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=True)
    except ValueError as error:
        raise ConfigError(f"{address!r} is not readable after the '?'; write key=value&key=value") from error
    values = dict(pairs)
    if len(values) < len(pairs):
        twice = next(key for key, _ in pairs if [other for other, _ in pairs].count(key) > 1)
        raise ConfigError(f"{address!r} gives {twice!r} twice; give it once")
    if "scene" in values:
        raise ConfigError(f"{address!r} gives the scene twice; write {SCHEME}://SCENE?key=value&...")
    return values
