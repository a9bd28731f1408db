"""CUHK03 and CUHK01 as folders of images named by person, camera and number."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path
from typing import Literal

from keyreid_stream.errors import InputError
from keyreid_train.data.structures import Tracklet, TrackletSet

CUHK03_PEOPLE = {"train": 743, "val": 100}
CUHK01_PEOPLE = 871


def load_cuhk03(folder: Path, split: Literal["train", "val"] = "train", *, people: int | None = None) -> TrackletSet:
    """`{train,val}_PPPP_cC_I.jpg`: up to five images of a person in each of two cameras.

    Args:
        folder: with the images.
        split: which people.
        people: how many there must be; None for the known number.

    Raises:
        InputError: the folder is missing or not complete.
    """
    expected = CUHK03_PEOPLE[split] if people is None else people
    return _load(folder, f"cuhk03-{split}", re.compile(rf"{split}_(\d+)_c(\d+)_(\d+)\.jpg"), expected)


def load_cuhk01(folder: Path, *, people: int | None = None) -> TrackletSet:
    """`PPPP_cC_I.jpg`: two images of a person in each of two cameras.

    Args:
        folder: with the images.
        people: how many there must be; None for the known number.

    Raises:
        InputError: the folder is missing or not complete.
    """
    return _load(folder, "cuhk01", re.compile(r"(\d+)_c(\d+)_(\d+)\.jpg"), CUHK01_PEOPLE if people is None else people)


def _load(folder: Path, name: str, pattern: re.Pattern[str], people: int) -> TrackletSet:
    if not folder.is_dir():
        raise InputError(f"no folder {folder} for {name}; give its images with --data")
    found: dict[tuple[str, str], list[tuple[int, Path]]] = defaultdict(list)
    for path in folder.iterdir():
        if match := pattern.fullmatch(path.name):
            person, camera, number = match.groups()
            found[person, camera].append((int(number), path))
    there = len({person for person, _ in found})
    if there != people:
        raise InputError(
            f"{folder} has images of {there} people named like {pattern.pattern!r}, "
            f"{name} has {people}; get it complete"
        )
    tracklets = [
        Tracklet(person, f"c{camera}", f"{person}_c{camera}", tuple(path for _, path in sorted(images)))
        for (person, camera), images in sorted(found.items())
    ]
    return TrackletSet(name, tuple(tracklets))
