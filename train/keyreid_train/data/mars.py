"""MARS: tracklets as rows of official index files (method section 6)."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np

from keyreid_stream.errors import InputError
from keyreid_stream.structures import IntArray
from keyreid_train.data.counts import Counts, checked, needed
from keyreid_train.data.matlab import integers
from keyreid_train.data.structures import Tracklet, TrackletSet

Split: TypeAlias = Literal["train", "query", "gallery"]

MARS_COUNTS: dict[Split, Counts] = {
    "train": Counts(625, 8298),
    "query": Counts(626, 1980),
    "gallery": Counts(621, 9330),
}

_JUNK = -1
"""Identity of tracklets that show nobody in particular; they are left out. Distractors, 0, stay."""


def load_mars(folder: Path, split: Split = "train", *, complete: bool = True) -> TrackletSet:
    """`bbox_{train,test}/PPPP/*.jpg` and `info/` with the official name lists and index files.

    Args:
        folder: with both.
        split: training people, queries, or what is searched: the other test tracklets without junk, with distractors.
        complete: refuse a set that is not of the known size.

    Raises:
        InputError: files are missing, damaged, or do not belong together.
    """
    part = "train" if split == "train" else "test"
    names_file, images = folder / f"info/{part}_name.txt", folder / f"bbox_{part}"
    needed([names_file, images], "MARS")
    names = names_file.read_text(encoding="utf-8").split()
    rows = tracklet_rows(folder / "info", split)
    if len(rows) and (rows[:, 0].min() < 1 or rows[:, 1].max() > len(names)):
        raise InputError(f"{names_file} has {len(names)} names, its index file asks for {rows[:, 1].max()}; get both")
    tracklets = []
    for first, last, person, camera in rows.tolist():
        own = tuple(images / name[:4] / name for name in names[first - 1 : last])
        name = f"{person:04d}/c{camera}/{first}"
        tracklets.append(Tracklet(f"{person:04d}", f"c{camera}", name, own))
    _check_images(tracklets, images)
    return checked(TrackletSet(f"mars-{split}", tuple(tracklets)), MARS_COUNTS[split] if complete else None, folder)


def tracklet_rows(info: Path, split: Split) -> IntArray:
    """(tracklets, 4): first and last name, counted from 1, person and camera.

    Raises:
        InputError: an index file is missing or damaged.
    """
    if split == "train":
        return integers(info / "tracks_train_info.mat", "track_train_info", "MARS")
    rows = integers(info / "tracks_test_info.mat", "track_test_info", "MARS")
    asked = np.zeros(len(rows), bool)
    asked[integers(info / "query_IDX.mat", "query_IDX", "MARS").ravel() - 1] = True
    return rows[asked] if split == "query" else rows[~asked & (rows[:, 2] != _JUNK)]


def _check_images(tracklets: list[Tracklet], folder: Path) -> None:
    """Look into every person's folder once: half a million single questions would take minutes on a network disk."""
    wanted: dict[Path, list[Path]] = defaultdict(list)
    for tracklet in tracklets:
        for path in tracklet.images:
            wanted[path.parent].append(path)
    missing = []
    for parent, paths in wanted.items():
        there = {entry.name for entry in parent.iterdir()} if parent.is_dir() else set()
        missing += [path for path in paths if path.name not in there]
    if missing:
        total = sum(map(len, wanted.values()))
        raise InputError(
            f"{len(missing)} of {total} images are missing in {folder}, such as {missing[0]}; get them all"
        )
