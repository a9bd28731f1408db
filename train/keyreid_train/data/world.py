"""Tracklets that `keyreid world render --crops` wrote."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from keyreid_stream.errors import InputError
from keyreid_train.data.structures import Tracklet, TrackletSet

SCHEMA = "keyreid.tracklet/1"

_CONFIDENCE = np.array([0.0, 0.5, 1.0], np.float32)
"""Of keypoints outside the picture, hidden, and visible: a pose network also finds most of the hidden ones."""


LEAST_VISIBLE = 4
"""Keypoints; of crops that show fewer, many are a foot at the picture's edge, or a stripe of somebody."""


def load_worlds(folder: Path, *, least_visible: int = LEAST_VISIBLE) -> TrackletSet:
    """All worlds in a folder, or the one that the folder is; people and cameras of each are its own.

    Args:
        folder: an `--out` folder of `keyreid world render`, or a folder of several.
        least_visible: crops that show fewer keypoints are left out, and with them tracklets of such crops alone.

    Raises:
        InputError: there is no world with crops, a file in it is bad, or all crops are left out.
    """
    worlds = [folder] if (folder / "crops").is_dir() else sorted(path.parent for path in folder.glob("*/crops"))
    records = [(world, path) for world in worlds for path in sorted(world.glob("crops/*/*/*/keypoints.json"))]
    if not records:
        raise InputError(
            f"{folder} holds no worlds with crops; make one with: "
            f"keyreid world render plaza --crops --out {folder}/plaza"
        )
    read = [_seen(_tracklet(world, path), least_visible) for world, path in records]
    tracklets = tuple(tracklet for tracklet in read if tracklet.images)
    if not tracklets:
        raise InputError(
            f"{folder}: no crop shows {least_visible} keypoints; render longer, with more people or cameras"
        )
    return TrackletSet("worlds", tracklets)


def _seen(tracklet: Tracklet, least_visible: int) -> Tracklet:
    """The crops that show enough of the person."""
    assert tracklet.keypoints is not None  # noqa: S101 -- worlds always have them; for the type checker
    kept = np.flatnonzero((tracklet.keypoints[..., 2] == _CONFIDENCE[2]).sum(axis=1) >= least_visible)
    images = tuple(tracklet.images[place] for place in kept)
    return replace(tracklet, images=images, keypoints=tracklet.keypoints[kept])


def _tracklet(world: Path, path: Path) -> Tracklet:
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        schema = record["schema"]
        images = tuple(path.parent / str(frame["file"]) for frame in record["frames"])
        keypoints = np.array([frame["keypoints"] for frame in record["frames"]], np.float32).reshape(-1, 17, 3)
        keypoints[..., 2] = _CONFIDENCE[keypoints[..., 2].astype(int)]
        person, camera = f"{world.name}/{record['person_id']}", f"{world.name}/{record['camera_id']}"
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise InputError(f"{path} is damaged ({error}); render the world again") from error
    if schema != SCHEMA:
        raise InputError(f"{path} is of schema {schema!r}, not {SCHEMA!r}; render the world again")
    if not images:
        raise InputError(f"{path} lists no frames; render the world again")
    return Tracklet(person, camera, f"{world.name}/{path.parent.relative_to(world / 'crops')}", images, keypoints)
