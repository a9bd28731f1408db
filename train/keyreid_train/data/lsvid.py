"""LS-VID's training people."""

from __future__ import annotations

from pathlib import Path

from keyreid_stream.errors import InputError
from keyreid_train.data.counts import Counts, checked, images_in, needed
from keyreid_train.data.structures import Tracklet, TrackletSet

LSVID_TRAIN = Counts(842, 2831)

_FIELDS = 4
"""Of an image's name, between underscores; the third is the camera."""


def load_lsvid(folder: Path, *, complete: bool = True) -> TrackletSet:
    """`list_sequence/list_seq_train.txt`, a line for each tracklet: what its images' paths begin with, and the person.

    Args:
        folder: with the list and `tracklet_train/`.
        complete: refuse a set that is not of the known size.

    Raises:
        InputError: files are missing or damaged.
    """
    listed = folder / "list_sequence/list_seq_train.txt"
    needed([listed], "LS-VID")
    inside: dict[Path, tuple[Path, ...]] = {}
    tracklets = []
    for number, line in enumerate(listed.read_text(encoding="utf-8").splitlines(), start=1):
        begin, _, person = line.strip().rpartition(" ")
        if not begin or not person.isdigit():
            raise InputError(f"{listed} line {number} is {line!r}, not a path and a person; get the list again")
        path = folder / begin
        needed([path.parent], "LS-VID")
        if path.parent not in inside:
            inside[path.parent] = images_in(path.parent)
        images = tuple(image for image in inside[path.parent] if image.name.startswith(path.name))
        tracklets.append(Tracklet(f"{int(person):04d}", _camera(images), begin, images))
    return checked(TrackletSet("lsvid", tuple(tracklets)), LSVID_TRAIN if complete else None, folder)


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
