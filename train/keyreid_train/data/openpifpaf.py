"""Keypoints that OpenPifPaf found: one JSON file per image, as `openpifpaf.predict --json-output` writes them.

A file is a list of people: `keypoints`, 17 times x, y and confidence in pixels of the image, and `score`. It is called
`IMAGE.jpg.predictions.json`, or `IMAGE.pose` where the data set's users renamed it so.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, TypeAlias

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, TypeAdapter, ValidationError

from keyreid_stream.errors import InputError
from keyreid_stream.structures import COCO_KEYPOINTS, FloatArray
from keyreid_stream.validation import first_fault
from keyreid_train.data.keypoints import write_keypoints
from keyreid_train.data.structures import TrackletSet

ENDINGS = (".predictions.json", ".pose")

_NUMBERS = 3 * COCO_KEYPOINTS

_Place: TypeAlias = tuple[str, ...]
"""Folders and name of an image, below some root; its name without its ending where the file leaves that out."""


class _Person(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    keypoints: Annotated[tuple[FiniteFloat, ...], Field(min_length=_NUMBERS, max_length=_NUMBERS)]
    score: FiniteFloat


_PEOPLE = TypeAdapter(list[_Person])


def holds_openpifpaf(path: Path) -> bool:
    """Whether this is a folder with at least one such file."""
    return path.is_dir() and next(_files(path), None) is not None


def read_openpifpaf(folder: Path, tracklets: TrackletSet, target: Path) -> None:
    """Gather the files of a set's images in one file; see `openpifpaf_keypoints`.

    Args:
        folder: with the files.
        tracklets: the data set.
        target: the `.npz` file, as `with_keypoints` reads it.

    Raises:
        InputError: a file is missing, damaged, of another skeleton, or could be of two images.
    """
    images = [(f"{one.name}/{image.name}", image) for one in tracklets.tracklets for image in one.images]
    keypoints, sha256 = openpifpaf_keypoints(folder, [image for _, image in images])
    target.parent.mkdir(parents=True, exist_ok=True)
    names = np.array([name for name, _ in images])
    write_keypoints(target, names, keypoints.astype(np.float16), f"openpifpaf files {sha256}")


def openpifpaf_keypoints(folder: Path, images: Sequence[Path]) -> tuple[FloatArray, str]:
    """The keypoints of images; a crop's person is the one with the highest score.

    A file belongs to the image whose path ends like its own below `folder`: the folders of the data set may be repeated
    there in full or in part, or left out where no two images have the same name. A crop without people gets keypoints
    of confidence 0.

    Args:
        folder: with the files.
        images: their paths.

    Returns:
        (N, 17, 3) float32, x, y in pixels and confidence, and the SHA-256 of all files' contents.

    Raises:
        InputError: a file is missing, damaged, of another skeleton, or could be of two images.
    """
    places = _places(folder)
    owner_of: dict[Path, Path] = {}
    keypoints, missing = [], []
    digest = hashlib.sha256()
    for image in images:
        file = _file_of(image, places)
        if file is None:
            missing.append(image)
            continue
        if owner_of.setdefault(file, image) != image:
            raise InputError(
                f"{file} could be of {owner_of[file]} and of {image}; repeat the data set's folders in {folder}"
            )
        content = file.read_bytes()
        digest.update(content)
        keypoints.append(_best_person(file, content))
    if missing:
        raise InputError(
            f"{folder} has no keypoints of {len(missing)} of {len(images)} images, such as {missing[0]}; "
            "run openpifpaf.predict with --json-output on all of them"
        )
    stacked = np.stack(keypoints) if keypoints else np.zeros((0, COCO_KEYPOINTS, 3), np.float32)
    return stacked, digest.hexdigest()


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.name.endswith(ENDINGS) and path.is_file())


def _places(folder: Path) -> dict[_Place, Path]:
    places: dict[_Place, Path] = {}
    for file in sorted(_files(folder)):
        ending = next(ending for ending in ENDINGS if file.name.endswith(ending))
        place = (*file.relative_to(folder).parts[:-1], file.name.removesuffix(ending))
        if place in places:
            raise InputError(f"{places[place]} and {file} are of the same image; remove one")
        places[place] = file
    return places


def _file_of(image: Path, places: dict[_Place, Path]) -> Path | None:
    """The file that repeats most of the image's folders."""
    folders = image.parts[:-1]
    for start in range(len(folders) + 1):
        for name in (image.name, image.stem):
            file = places.get((*folders[start:], name))
            if file is not None:
                return file
    return None


def _best_person(file: Path, content: bytes) -> FloatArray:
    """(17, 3): x, y in pixels of the stored crop and confidence; zeros where nobody was found."""
    try:
        people = _PEOPLE.validate_json(content)
    except ValidationError as error:
        raise InputError(
            f"{file} is not OpenPifPaf's list of people with {COCO_KEYPOINTS} keypoints ({first_fault(error)}); "
            "write it again with openpifpaf.predict --json-output"
        ) from error
    if not people:
        return np.zeros((COCO_KEYPOINTS, 3), np.float32)
    best = max(people, key=lambda person: person.score)
    return np.array(best.keypoints, np.float32).reshape(COCO_KEYPOINTS, 3)
