"""Scenes drawn at random: what a pose detector for drawn people is trained on (domain randomisation)."""

from __future__ import annotations

from typing import Any

import numpy as np

from keyreid_stream.errors import ConfigError, KeyReIDError
from keyreid_stream.world.scene import Scene, check_scene
from keyreid_stream.world.world import World

_ATTEMPTS = 100
_MARGIN_M = 0.25
"""Entrances and cameras keep this distance from the floor's edge."""

_FLOORS = ("tiles", "concrete", "carpet", "paving")


def random_world(seed: int, *, cameras: int = 3, seconds: float = 40.0) -> World:
    """A world of a scene that no other seed gives: floor, walls, furniture, light, people, cameras and sensors.

    Scenes in which people cannot walk are drawn again. None is a ready scene, so that those stay unseen in training.

    Args:
        seed: of everything, the people's clothes and ways too.
        cameras: how many look at it, each from elsewhere and with a sensor of its own.
        seconds: how long the world lasts.

    Raises:
        KeyReIDError: a hundred drawings gave no scene that people can walk in.
    """
    for attempt in range(_ATTEMPTS):
        rng = np.random.default_rng([seed, attempt])
        try:
            return World(check_scene(_scene(rng, f"random_{seed:06d}", cameras)), seed, seconds)
        except ConfigError:
            continue
    raise KeyReIDError(f"no scene of seed {seed} can be walked in; take another seed")


def _scene(rng: np.random.Generator, name: str, cameras: int) -> Scene:
    width, depth = rng.uniform(7, 18), rng.uniform(6, 14)
    together = int(rng.integers(3, 13))
    return Scene.model_validate(
        {
            "name": name,
            "floor": {
                "size": (width, depth),
                "style": str(rng.choice(_FLOORS)),
                "colour": _colour(rng),
                "second_colour": _colour(rng),
            },
            "light": {
                "time": "night" if rng.random() < 0.2 else "day",
                "azimuth_deg": rng.uniform(0, 360),
                "elevation_deg": rng.uniform(25, 85),
                "ambient": rng.uniform(0.3, 0.75),
            },
            "people": {
                "count": together + 8,
                "together": together,
                "looks": "uniform" if rng.random() < 0.1 else "varied",
                "group_share": 0.3,
                "sit_share": 0.4,
                "stay_s": (10.0, 40.0),
                "away_s": (5.0, 20.0),
            },
            "walls": _outer_walls(rng, width, depth) + [_inner_wall(rng, width, depth) for _ in range(rng.integers(3))],
            "furniture": [_furniture(rng, width, depth) for _ in range(rng.integers(2, 10))],
            "pillars": [_pillar(rng, width, depth) for _ in range(rng.integers(3))],
            "entrances": _entrances(rng, width, depth),
            "seats": [
                {"at": _place(rng, width, depth), "heading_deg": rng.uniform(0, 360)} for _ in range(rng.integers(5))
            ],
            "cameras": [_camera(rng, f"{name}_{number}", width, depth) for number in range(cameras)],
        }
    )


def _outer_walls(rng: np.random.Generator, width: float, depth: float) -> list[dict[str, Any]]:
    """Walls along some of the floor's sides, of a height of their own."""
    corners = [(0.1, 0.1), (width - 0.1, 0.1), (width - 0.1, depth - 0.1), (0.1, depth - 0.1)]
    return [
        {"start": start, "end": end, "height": rng.uniform(1.0, 4.0), "thickness": 0.15, "colour": _colour(rng)}
        for start, end in zip(corners, corners[1:] + corners[:1], strict=True)
        if rng.random() < 0.75
    ]


def _inner_wall(rng: np.random.Generator, width: float, depth: float) -> dict[str, Any]:
    start = np.array(_place(rng, width, depth))
    length, along_x = rng.uniform(1.0, 3.5), rng.random() < 0.5
    end = start + np.array((length, 0.0) if along_x else (0.0, length))
    return {
        "start": tuple(start),
        "end": tuple(np.minimum(end, (width - 0.5, depth - 0.5))),
        "height": rng.uniform(0.9, 2.6),
        "thickness": 0.12,
        "colour": _colour(rng),
    }


def _furniture(rng: np.random.Generator, width: float, depth: float) -> dict[str, Any]:
    size = (rng.uniform(0.4, 2.0), rng.uniform(0.4, 1.2), rng.uniform(0.35, 1.6))
    turned = rng.uniform(0, 180) if rng.random() < 0.3 else 90.0 * rng.integers(2)
    return {"centre": _place(rng, width, depth), "size": size, "heading_deg": turned, "colour": _colour(rng)}


def _pillar(rng: np.random.Generator, width: float, depth: float) -> dict[str, Any]:
    return {"centre": _place(rng, width, depth), "radius": rng.uniform(0.12, 0.4), "colour": _colour(rng)}


def _entrances(rng: np.random.Generator, width: float, depth: float) -> list[dict[str, Any]]:
    sides = {
        "south": (rng.uniform(1, width - 1), _MARGIN_M + 0.2),
        "north": (rng.uniform(1, width - 1), depth - _MARGIN_M - 0.2),
        "west": (_MARGIN_M + 0.2, rng.uniform(1, depth - 1)),
        "east": (width - _MARGIN_M - 0.2, rng.uniform(1, depth - 1)),
    }
    chosen = rng.permutation(list(sides))[: rng.integers(2, 5)]
    return [{"name": str(side), "at": sides[str(side)]} for side in chosen]


def _camera(rng: np.random.Generator, name: str, width: float, depth: float) -> dict[str, Any]:
    """Somewhere near the floor's edge, looking at a place well inside."""
    along = rng.random()
    x, y = [(along, 0.04), (0.96, along), (along, 0.96), (0.04, along)][rng.integers(4)]
    towards = rng.uniform(0.25, 0.75, 2)
    bend = rng.uniform(-0.1, 0.02)
    return {
        "name": name,
        "at": (x * width, y * depth, rng.uniform(2.0, 4.8)),
        "look_at": (towards[0] * width, towards[1] * depth, rng.uniform(0.2, 1.3)),
        "fov_deg": rng.uniform(48, 88),
        "fps": 5.0,
        "distortion": (bend, 0.01 if bend < 0 else 0.0, 0.0, 0.0, 0.0),
        "sensor": {
            "exposure": rng.uniform(0.65, 1.35),
            "white_balance": tuple(rng.uniform(0.88, 1.12, 3)),
            "blur_px": rng.uniform(0, 1.2) if rng.random() < 0.5 else 0.0,
            "noise": rng.uniform(0, 8),
            "jpeg_quality": int(rng.integers(35, 95)) if rng.random() < 0.5 else None,
        },
    }


def _place(rng: np.random.Generator, width: float, depth: float) -> tuple[float, float]:
    """A place that leaves a way along the edges."""
    return rng.uniform(1.2, width - 1.2), rng.uniform(1.2, depth - 1.2)


def _colour(rng: np.random.Generator) -> tuple[int, int, int]:
    """Mostly muted, sometimes loud."""
    grey = rng.uniform(40, 225)
    spread = 60 if rng.random() < 0.3 else 22
    red, green, blue = np.clip(grey + rng.normal(0, spread, 3), 5, 250)
    return int(red), int(green), int(blue)
