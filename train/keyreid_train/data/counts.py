"""What is known of a data set's size, and how a set that lacks something is refused."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from keyreid_stream.errors import InputError
from keyreid_train.data.structures import TrackletSet

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp"})


class Counts(NamedTuple):
    """How many people and tracklets a set has; None for people that nobody counted."""

    people: int | None
    tracklets: int


def checked(tracklets: TrackletSet, known: Counts | None, folder: Path) -> TrackletSet:
    """The same set.

    Args:
        tracklets: what was found.
        known: how many there must be; None if nobody knows.
        folder: where they were found, for the message.

    Raises:
        InputError: there are others, or a tracklet is empty.
    """
    empty = [tracklet.name for tracklet in tracklets.tracklets if not tracklet.images]
    if empty:
        raise InputError(
            f"{folder} has {len(empty)} tracklets without images, such as {empty[0]!r}; remove them or give images"
        )
    found = Counts(len(tracklets.person_ids), len(tracklets))
    if known is not None and (found.tracklets != known.tracklets or known.people not in (None, found.people)):
        people = f"{known.people} and " if known.people is not None else ""
        raise InputError(
            f"{folder} has {found.people} people and {found.tracklets} tracklets, "
            f"{tracklets.name} has {people}{known.tracklets}{' tracklets' if not people else ''}; get it complete"
        )
    return tracklets


def needed(paths: Iterable[Path], name: str) -> None:
    """Raise unless all these files and folders are there.

    Raises:
        InputError: one is not.
    """
    missing = [path for path in paths if not path.exists()]
    if missing:
        raise InputError(f"{name} needs {missing[0]}, which is missing; get the data set complete, or correct --data")


def folders_in(folder: Path) -> list[Path]:
    """Its subfolders by name, hidden ones left out."""
    return sorted(entry for entry in folder.iterdir() if entry.is_dir() and not entry.name.startswith("."))


def images_in(folder: Path) -> tuple[Path, ...]:
    """Its images by name, hidden ones left out."""
    entries = (entry for entry in folder.iterdir() if not entry.name.startswith("."))
    return tuple(sorted(entry for entry in entries if entry.suffix.lower() in IMAGE_SUFFIXES))
