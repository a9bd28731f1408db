"""Keypoints of single pictures, from the files that hold those of whole data sets."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import numpy as np

from keyreid_stream.errors import InputError
from keyreid_stream.structures import FloatArray
from keyreid_train.data.keypoints import stored_keypoints
from keyreid_train.data.openpifpaf import holds_openpifpaf, openpifpaf_keypoints


def picture_keypoints(source: Path, pictures: Sequence[Path]) -> FloatArray:
    """The keypoints of pictures.

    A picture is that of a file's image whose name, and whose folders above it, are most like its own.

    Args:
        source: `DATASET.npz` of `keyreid train prepare`, or a folder with OpenPifPaf's file for every picture.
        pictures: at least one.

    Returns:
        (N, 17, 3) float32, x, y in pixels of each picture and confidence.

    Raises:
        InputError: `source` is neither, does not know a picture, or a picture could be several of its images.
    """
    if holds_openpifpaf(source):
        return openpifpaf_keypoints(source, [picture.absolute() for picture in pictures])[0]
    if source.suffix != ".npz":
        raise InputError(
            f"{source} holds no keypoints; give DATASET.npz of keyreid train prepare, or a folder of OpenPifPaf's"
        )
    names, keypoints = stored_keypoints(source, "give DATASET.npz of keyreid train prepare")
    rows_of: dict[str, list[int]] = {}
    for row, name in enumerate(names):
        rows_of.setdefault(PurePosixPath(name).name, []).append(row)
    return keypoints[[_row(picture, names, rows_of.get(picture.name, []), source) for picture in pictures]]


def _row(picture: Path, names: Sequence[str], rows: Sequence[int], source: Path) -> int:
    if not rows:
        raise InputError(f"{source} has no keypoints of {picture}; give the file of the data set that it is from")
    folders = picture.absolute().parts[-2::-1]
    alike = [_common(folders, PurePosixPath(names[row]).parts[-2::-1]) for row in rows]
    best = np.flatnonzero(np.array(alike) == max(alike))
    if len(best) > 1:
        first, second = (names[rows[place]] for place in best[:2].tolist())
        raise InputError(f"{picture} could be {first} or {second} of {source}; give it in the folders of its data set")
    return rows[int(best[0])]


def _common(first: Sequence[str], second: Sequence[str]) -> int:
    """How many are the same before the first that differ."""
    differ = [one != other for one, other in zip(first, second, strict=False)]
    return differ.index(True) if True in differ else len(differ)
