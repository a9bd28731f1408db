"""Who looks for whom: the test protocols of the data sets.

Sets whose authors name queries and a gallery are searched so; two-camera sets with ten splits from the first camera to
the second, in every split; all others camera to camera.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from keyreid_stream.errors import ConfigError, InputError
from keyreid_stream.structures import IntArray
from keyreid_train.assembly import load_set, set_names
from keyreid_train.data.keypoints import with_keypoints
from keyreid_train.data.structures import Tracklet, TrackletSet
from keyreid_train.data.two_cameras import SPLITS

QUERY_AND_GALLERY = ("mars", "duke", "lsvid")

TEN_SPLITS = ("ilids", "prid2011")

_DISTRACTOR = {"mars": "0000"}
"""Whom nobody looks for, though the gallery shows such people."""


@dataclass(frozen=True, slots=True, eq=False)
class Search:
    """One test: what is looked for, and where.

    Attributes:
        name: of the set, or of one of its splits.
        protocol: in words, for people and files.
        tracklets: all there are, each once.
        queries: (Q,) places of those that are looked for; None: every camera's in every other camera.
        gallery: (G,) places of those that are searched; None as above.
        people: (tracklets,) whose each is, from 1; 0 for distractors.
        cameras: (tracklets,) places in `camera_names`.
        camera_names: of all cameras.
    """

    name: str
    protocol: str
    tracklets: tuple[Tracklet, ...]
    queries: IntArray | None
    gallery: IntArray | None
    people: IntArray
    cameras: IntArray
    camera_names: tuple[str, ...]


def load_searches(
    name: str, root: Path | None, folders: Mapping[str, Path], keypoints: Path | None = None
) -> tuple[Search, ...]:
    """The tests of a data set: one, or one for each split.

    Args:
        name: of the set; `ilids-3` or `prid2011-3` for one split alone.
        root: folder with the data sets by name.
        folders: of single data sets, before the root.
        keypoints: folder with the keypoints of every part that is read, such as `mars-query.npz`; None for none.

    Raises:
        InputError: the set is missing or bad, or keypoints are.
        ConfigError: nobody knows a set of this name, or where it is.
    """

    def read(part: str) -> TrackletSet:
        parent = folders.get(name, folders.get(name.partition("-")[0]))
        places = dict(folders) if parent is None else {part: parent, **folders}
        tracklets = load_set(part, root, places)
        return tracklets if keypoints is None else with_keypoints(tracklets, keypoints / f"{part}.npz")

    return searches_of(name, read)


def searches_of(name: str, read: Callable[[str], TrackletSet]) -> tuple[Search, ...]:
    """The tests of a data set whose parts are read as `load_set` does; arguments and errors as for `load_searches`."""
    if name in QUERY_AND_GALLERY:
        return (_queries_and_gallery(name, read(f"{name}-query"), read(f"{name}-gallery")),)
    if name in TEN_SPLITS:
        return tuple(_first_to_second(read(test_part(name, split)), split) for split in range(1, SPLITS + 1))
    if match := re.fullmatch(rf"({'|'.join(TEN_SPLITS)})-(\d+)", name):
        split = int(match.group(2))
        if not 1 <= split <= SPLITS:
            raise ConfigError(f"there is no split {split} of {match.group(1)}; choose 1 to {SPLITS}")
        return (_first_to_second(read(test_part(match.group(1), split)), split),)
    if name not in search_names():
        raise ConfigError(f"unknown data set {name!r}; choose from: {', '.join(search_names())}")
    return (_camera_to_camera(read(name)),)


def search_names() -> tuple[str, ...]:
    """The data sets that can be searched."""
    parts = ("-query", "-gallery", "-test")
    return tuple(name for name in set_names() if not name.endswith(parts))


def test_part(name: str, split: int) -> str:
    """The name under which the test half of a split is read."""
    return f"{name}-test" if split == 1 else f"{name}-{split}-test"


def _queries_and_gallery(name: str, queries: TrackletSet, gallery: TrackletSet) -> Search:
    tracklets = [*_marked(queries, "query"), *_marked(gallery, "gallery")]
    places = np.arange(len(tracklets))
    text = (
        f"{len(queries)} queries against {len(gallery)} gallery tracklets; the query's person in the query's camera is "
        "removed, distractors stay, junk is left out"
    )
    return _search(name, text, tracklets, places[: len(queries)], places[len(queries) :], _DISTRACTOR.get(name))


def _first_to_second(tracklets: TrackletSet, split: int) -> Search:
    cameras = tracklets.camera_ids
    if len(cameras) != 2:
        raise InputError(f"{tracklets.name} has {len(cameras)} cameras, not two; get it complete")
    there = np.array([one.camera_id == cameras[0] for one in tracklets.tracklets])
    text = f"people of {cameras[0]} looked for in {cameras[1]}, split {split}"
    own = list(tracklets.tracklets)
    return _search(tracklets.name, text, own, np.flatnonzero(there), np.flatnonzero(~there), None)


def _camera_to_camera(tracklets: TrackletSet) -> Search:
    text = "every camera's tracklets looked for in every other camera, all directions averaged with equal weight"
    return _search(tracklets.name, text, list(tracklets.tracklets), None, None, None)


def _search(
    name: str,
    protocol: str,
    tracklets: list[Tracklet],
    queries: IntArray | None,
    gallery: IntArray | None,
    distractor: str | None,
) -> Search:
    names = sorted({one.person_id for one in tracklets} - {distractor})
    numbers = {person: number for number, person in enumerate(names, start=1)}
    cameras = tuple(sorted({one.camera_id for one in tracklets}))
    return Search(
        name,
        protocol,
        tuple(tracklets),
        queries,
        gallery,
        np.array([numbers.get(one.person_id, 0) for one in tracklets], np.int64),
        np.array([cameras.index(one.camera_id) for one in tracklets], np.int64),
        cameras,
    )


def _marked(tracklets: TrackletSet, part: str) -> list[Tracklet]:
    """Queries and gallery may give their tracklets the same names."""
    return [replace(one, name=f"{part}/{one.name}") for one in tracklets.tracklets]
