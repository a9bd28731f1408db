"""Who comes into a world: bodies, hair, clothes and what people carry."""

from __future__ import annotations

from typing import Literal, TypeAlias, TypeVar

import numpy as np

from keyreid_stream.world.randomness import stream
from keyreid_stream.world.scene import Scene
from keyreid_stream.world.structures import Accessory, Colour, Garment, Pattern, Person

_SKINS: tuple[Colour, ...] = (
    (244, 212, 188),
    (232, 190, 160),
    (214, 166, 132),
    (186, 134, 98),
    (146, 98, 68),
    (108, 70, 48),
    (78, 50, 36),
)
_HAIRS: tuple[Colour, ...] = (
    (24, 20, 20),
    (44, 32, 26),
    (74, 50, 34),
    (112, 78, 48),
    (168, 132, 82),
    (124, 62, 36),
    (150, 148, 146),
)
_TOPS: tuple[Colour, ...] = (
    (34, 36, 42),
    (92, 96, 102),
    (198, 198, 194),
    (232, 228, 218),
    (38, 52, 88),
    (74, 112, 158),
    (132, 164, 190),
    (122, 34, 40),
    (176, 62, 54),
    (196, 132, 126),
    (44, 78, 58),
    (108, 124, 80),
    (190, 152, 64),
    (196, 112, 56),
    (104, 66, 104),
    (148, 116, 84),
    (206, 188, 152),
    (52, 108, 112),
)
_BOTTOMS: tuple[Colour, ...] = (
    (30, 32, 38),
    (58, 60, 66),
    (110, 110, 112),
    (40, 54, 84),
    (66, 88, 124),
    (112, 134, 160),
    (92, 74, 56),
    (164, 144, 110),
    (70, 76, 54),
    (204, 198, 184),
    (98, 44, 46),
)
_SHOES: tuple[Colour, ...] = ((26, 26, 28), (70, 50, 36), (206, 206, 202), (120, 60, 50), (58, 70, 96), (128, 122, 112))
_ACCESSORIES: tuple[tuple[Accessory, float], ...] = (
    ("backpack", 0.22),
    ("shoulder_bag", 0.2),
    ("hat", 0.14),
    ("umbrella", 0.05),
)
"""How often people have each."""

_TOP_KINDS: tuple[Literal["t_shirt", "long_sleeves", "jacket"], ...] = ("t_shirt", "long_sleeves", "jacket")
_BOTTOM_KINDS: tuple[Literal["trousers", "shorts", "skirt"], ...] = ("trousers", "shorts", "skirt")
_PATTERNS: tuple[Pattern, ...] = ("plain", "stripes", "bands", "checks", "print")
_HAIR_STYLES: tuple[Literal["bald", "short", "long"], ...] = ("bald", "short", "long")

_SHORTEST_M, _TALLEST_M = 1.50, 1.98
_SHADE = 10
"""Dyes and dirt: how far a colour may lie from the palette's, per channel."""

T = TypeVar("T")

_Outfit: TypeAlias = tuple[Garment, Garment, Colour]


def make_people(scene: Scene, seed: int) -> tuple[Person, ...]:
    """Everybody who may come into a scene, by person id.

    Each person is drawn from a random stream of their own: who person 3 is does not depend on how many there are. In a
    scene with uniform looks all wear the same clothes and shoes and carry nothing; bodies, skin and hair differ.

    Args:
        scene: how many come, and whether they are look-alikes.
        seed: of the world.
    """
    uniform = _outfit(stream(seed, "uniform"), plain=True) if scene.people.looks == "uniform" else None
    return tuple(_person(person_id, seed, uniform) for person_id in range(1, scene.people.count + 1))


def _person(person_id: int, seed: int, uniform: _Outfit | None) -> Person:
    rng = stream(seed, "appearance", person_id)
    height = float(np.clip(rng.normal(1.72, 0.095), _SHORTEST_M, _TALLEST_M))
    build = float(np.clip(rng.normal(1.0, 0.11), 0.8, 1.3))
    skin = _shaded(rng, _SKINS)
    hair = _shaded(rng, _HAIRS)
    hair_style = _one_of(rng, _HAIR_STYLES, (0.12, 0.5, 0.38))
    top, bottom, shoes = uniform or _outfit(rng, plain=False)
    worn = () if uniform else tuple((kind, _shaded(rng, _TOPS)) for kind, share in _ACCESSORIES if rng.random() < share)
    return Person(person_id, height, build, skin, hair, hair_style, shoes, top, bottom, worn)


def _outfit(rng: np.random.Generator, *, plain: bool) -> _Outfit:
    top_patterns = (1.0, 0.0, 0.0, 0.0, 0.0) if plain else (0.5, 0.12, 0.14, 0.12, 0.12)
    top = Garment(
        _one_of(rng, _TOP_KINDS, (0.4, 0.3, 0.3)),
        _shaded(rng, _TOPS),
        _shaded(rng, _TOPS),
        _one_of(rng, _PATTERNS, top_patterns),
    )
    bottom = Garment(
        _one_of(rng, _BOTTOM_KINDS, (0.68, 0.16, 0.16)),
        _shaded(rng, _BOTTOMS),
        _shaded(rng, _BOTTOMS),
        _one_of(rng, _PATTERNS, (1.0, 0.0, 0.0, 0.0, 0.0) if plain else (0.86, 0.05, 0.02, 0.07, 0.0)),
    )
    return top, bottom, _shaded(rng, _SHOES)


def _one_of(rng: np.random.Generator, options: tuple[T, ...], shares: tuple[float, ...]) -> T:
    return options[int(rng.choice(len(options), p=shares))]


def _shaded(rng: np.random.Generator, palette: tuple[Colour, ...]) -> Colour:
    colour = np.array(palette[int(rng.integers(len(palette)))]) + rng.integers(-_SHADE, _SHADE + 1, 3)
    red, green, blue = np.clip(colour, 0, 255).tolist()
    return red, green, blue
