"""iLIDS-VID and PRID-2011: one tracklet of each person in each of two cameras, ten fixed splits."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np

from keyreid_stream.errors import ConfigError, InputError
from keyreid_train.data.counts import Counts, checked, folders_in, images_in, needed
from keyreid_train.data.matlab import integers
from keyreid_train.data.structures import Tracklet, TrackletSet

Half: TypeAlias = Literal["train", "test"]

SPLITS = 10

ILIDS_HALF = Counts(150, 300)
PRID_HALF = Counts(89, 178)


def load_ilids_vid(folder: Path, half: Half = "train", *, split: int = 1, complete: bool = True) -> TrackletSet:
    """`i-LIDS-VID/sequences/{cam1,cam2}/personNNN/*.png` and the authors' splits.

    The splits, `train-test people splits/train_test_splits_ilidsvid.mat`, number people by their place in the sorted
    list of folders, from 1; the first half of a row is for testing.

    Args:
        folder: with both.
        half: training or test people.
        split: 1 to 10.
        complete: refuse a set that is not of the known size.

    Raises:
        InputError: files are missing or damaged.
        ConfigError: there is no such split.
    """
    sequences = folder / "i-LIDS-VID/sequences"
    splits = folder / "train-test people splits/train_test_splits_ilidsvid.mat"
    cameras = {"c1": sequences / "cam1", "c2": sequences / "cam2"}
    needed(cameras.values(), "iLIDS-VID")
    people = [person.name for person in folders_in(cameras["c1"])]
    order = integers(splits, "ls_set", "iLIDS-VID")
    _check_split(split, len(order))
    row = order[split - 1]
    if sorted(row.tolist()) != list(range(1, len(people) + 1)):
        raise InputError(f"{splits} names {len(row)} people, {cameras['c1']} has {len(people)}; get both complete")
    middle = len(row) // 2
    chosen = np.sort(row[middle:] if half == "train" else row[:middle])
    return _load(
        f"ilids-{split}-{half}",
        [people[place - 1] for place in chosen],
        cameras,
        ILIDS_HALF if complete else None,
        folder,
    )


def load_prid2011(folder: Path, half: Half = "train", *, split: int = 1, complete: bool = True) -> TrackletSet:
    """`prid_2011/multi_shot/{cam_a,cam_b}/person_NNNN/*.png` and the 178-person protocol's splits.

    The splits, `splits_prid2011.json`, are a list of objects with the folders' names under `train` and `test`.

    Args:
        folder: with both.
        half: training or test people.
        split: 1 to 10.
        complete: refuse a set that is not of the known size.

    Raises:
        InputError: files are missing or damaged.
        ConfigError: there is no such split.
    """
    shots = folder / "prid_2011/multi_shot"
    splits = folder / "splits_prid2011.json"
    cameras = {"a": shots / "cam_a", "b": shots / "cam_b"}
    needed([*cameras.values(), splits], "PRID-2011")
    try:
        content = json.loads(splits.read_text(encoding="utf-8"))
        _check_split(split, len(content))
        people = sorted(str(name) for name in content[split - 1][half])
    except (ValueError, KeyError, TypeError) as error:
        if isinstance(error, ConfigError):
            raise
        raise InputError(f"{splits} is not the split file of PRID-2011 ({error}); get it again") from error
    return _load(f"prid2011-{split}-{half}", people, cameras, PRID_HALF if complete else None, folder)


def _check_split(split: int, splits: int) -> None:
    if not 1 <= split <= splits:
        raise ConfigError(f"there is no split {split}; choose 1 to {splits}")


def _load(
    name: str, people: Sequence[str], cameras: dict[str, Path], known: Counts | None, folder: Path
) -> TrackletSet:
    places = [(person, camera, parent / person) for person in people for camera, parent in cameras.items()]
    needed([place for _, _, place in places], name)
    tracklets = tuple(
        Tracklet(person, camera, f"{person}/{camera}", images_in(place)) for person, camera, place in places
    )
    return checked(TrackletSet(name, tracklets), known, folder)
