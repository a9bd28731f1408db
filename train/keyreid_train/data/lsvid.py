"""LS-VID: tracklets as lines of the authors' lists."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np

from keyreid_stream.errors import InputError
from keyreid_train.data.counts import Counts, checked, images_in, needed
from keyreid_train.data.matlab import integers
from keyreid_train.data.structures import Tracklet, TrackletSet

Split: TypeAlias = Literal["train", "query", "gallery"]

LSVID_COUNTS: dict[Split, Counts] = {
    "train": Counts(842, 2831),
    "query": Counts(None, 3504),
    "gallery": Counts(None, 7829),
}

_FIELDS = 4
"""Of an image's name, between underscores; the third is the camera."""


def load_lsvid(folder: Path, split: Split = "train", *, complete: bool = True) -> TrackletSet:
    """`list_sequence/list_seq_{train,test}.txt`, a line for each tracklet: how its images' paths begin, and the person.

    Queries are the test lines, counted from 1, that `query` in `test/data/info_test.mat` names; the gallery is the
    rest.

    Args:
        folder: with the lists, `tracklet_train/` and `tracklet_test/`.
        split: training people, queries, or what is searched.
        complete: refuse a set that is not of the known size.

    Raises:
        InputError: files are missing, damaged, or do not belong together.
        MissingExtraError: h5py, which reads the queries' file, is not installed.
    """
    listed = folder / f"list_sequence/list_seq_{'train' if split == 'train' else 'test'}.txt"
    needed([listed], "LS-VID")
    lines = list(enumerate(listed.read_text(encoding="utf-8").splitlines(), start=1))
    if split != "train":
        asked = _query_lines(folder / "test/data/info_test.mat", len(lines))
        lines = [line for line in lines if (line[0] in asked) == (split == "query")]
    inside: dict[Path, tuple[Path, ...]] = {}
    tracklets = []
    for number, line in lines:
        begin, _, person = line.strip().rpartition(" ")
        if not begin or not person.isdigit():
            raise InputError(f"{listed} line {number} is {line!r}, not a path and a person; get the list again")
        path = folder / begin
        needed([path.parent], "LS-VID")
        if path.parent not in inside:
            inside[path.parent] = images_in(path.parent)
        images = tuple(image for image in inside[path.parent] if image.name.startswith(path.name))
        tracklets.append(Tracklet(f"{int(person):04d}", _camera(images), begin, images))
    name = "lsvid" if split == "train" else f"lsvid-{split}"
    return checked(TrackletSet(name, tuple(tracklets)), LSVID_COUNTS[split] if complete else None, folder)


def _query_lines(path: Path, lines: int) -> frozenset[int]:
    asked = np.unique(integers(path, "query", "LS-VID"))
    if not len(asked) or asked[0] < 1 or asked[-1] > lines:
        named = f"{asked[0]} to {asked[-1]}" if len(asked) else "none"
        raise InputError(f"{path} names lines {named} of a list of {lines}; get both complete")
    return frozenset(asked.tolist())


def _camera(images: tuple[Path, ...]) -> str:
    """The camera of a tracklet's images; nothing where there are none, which is told later."""
    cameras = set()
    for image in images:
        fields = image.stem.split("_")
        if len(fields) != _FIELDS or not fields[2].lstrip("c").isdigit():
            raise InputError(f"{image} is not named like LS-VID's images (four fields, the third the camera)")
        cameras.add(int(fields[2].lstrip("c")))
    if len(cameras) > 1:
        raise InputError(f"a tracklet of LS-VID, {images[0]} and on, is of {len(cameras)} cameras; get it again")
    return f"c{cameras.pop()}" if cameras else ""
