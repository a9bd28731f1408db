"""DukeMTMC-VideoReID's layout, for those who have the data."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal, TypeAlias

from keyreid_stream.errors import InputError
from keyreid_train.data.counts import Counts, checked, folders_in, images_in, needed
from keyreid_train.data.structures import Tracklet, TrackletSet

Split: TypeAlias = Literal["train", "query", "gallery"]

DUKE_COUNTS: dict[Split, Counts] = {
    "train": Counts(702, 2196),
    "query": Counts(702, 702),
    "gallery": Counts(1110, 2636),
}

_NAME = re.compile(r"\d+_?C(\d+)_?F\d+_?X\d+")


def load_duke_video(folder: Path, split: Split = "train", *, complete: bool = True) -> TrackletSet:
    """`{train,query,gallery}/PPPP/TTTT/PPPPcCFfffXxxx.jpg` (or with underscores): the camera is in the images' names.

    Args:
        folder: with the three.
        split: which of them.
        complete: refuse a set that is not of the known size.

    Raises:
        InputError: files are missing, or images have other names.
    """
    needed([folder / split], "DukeMTMC-VideoReID")
    tracklets = []
    for person in folders_in(folder / split):
        for own in folders_in(person):
            images = images_in(own)
            camera = _camera(images, own) if images else ""
            tracklets.append(Tracklet(person.name, camera, f"{person.name}/{own.name}", images))
    found = TrackletSet(f"duke-{split}", tuple(tracklets))
    return checked(found, DUKE_COUNTS[split] if complete else None, folder / split)


def _camera(images: tuple[Path, ...], folder: Path) -> str:
    matches = [_NAME.match(image.name) for image in images]
    cameras = {match.group(1) for match in matches if match}
    if len(cameras) != 1 or not all(matches):
        raise InputError(f"{folder} is no tracklet of one camera; images are named like 0001C6F0099X30823.jpg")
    return f"c{cameras.pop()}"
