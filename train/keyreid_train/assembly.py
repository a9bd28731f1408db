"""From the settings of a training to its data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import torch

from keyreid_stream.errors import ConfigError
from keyreid_stream.models.build import crop_spec
from keyreid_train.data.clips import ClipDataset
from keyreid_train.data.cuhk import load_cuhk01, load_cuhk03
from keyreid_train.data.duke import load_duke_video
from keyreid_train.data.folder import load_folder
from keyreid_train.data.keypoints import with_keypoints
from keyreid_train.data.lsvid import load_lsvid
from keyreid_train.data.mars import load_mars
from keyreid_train.data.structures import Tracklet, TrackletSet
from keyreid_train.data.two_cameras import SPLITS, load_ilids_vid, load_prid2011
from keyreid_train.data.world import load_worlds
from keyreid_train.feeding import TrainingData
from keyreid_train.holdout import hold_out
from keyreid_train.sampler import Appearance
from keyreid_train.settings import TrainConfig
from keyreid_train.teacher import teacher_embeddings
from keyreid_train.validation import prepare

_LOADERS: dict[str, Callable[[Path], TrackletSet]] = {
    "cuhk03": load_cuhk03,
    "cuhk03-val": partial(load_cuhk03, split="val"),
    "cuhk01": load_cuhk01,
    "worlds": load_worlds,
    "folder": load_folder,
    "mars": load_mars,
    "mars-query": partial(load_mars, split="query"),
    "mars-gallery": partial(load_mars, split="gallery"),
    "ilids": load_ilids_vid,
    "ilids-test": partial(load_ilids_vid, half="test"),
    "prid2011": load_prid2011,
    "prid2011-test": partial(load_prid2011, half="test"),
    "duke": load_duke_video,
    "duke-query": partial(load_duke_video, split="query"),
    "duke-gallery": partial(load_duke_video, split="gallery"),
    "lsvid": load_lsvid,
    "lsvid-query": partial(load_lsvid, split="query"),
    "lsvid-gallery": partial(load_lsvid, split="gallery"),
}

_BY_SPLIT: dict[str, Callable[..., TrackletSet]] = {"ilids": load_ilids_vid, "prid2011": load_prid2011}

_SEARCHED = ("mars", "duke", "lsvid")
"""Sets whose authors say what is looked for and where."""

_SPLITS: dict[str, Callable[[Path], TrackletSet]] = {
    f"{name}-{split}{ending}": partial(loader, half=half, split=split)
    for name, loader in _BY_SPLIT.items()
    for split in range(2, SPLITS + 1)
    for half, ending in (("train", ""), ("test", "-test"))
}
"""The other splits of the sets that have some: `ilids-2`, `ilids-2-test` and so on."""

_FOLDERS = {"cuhk03-val": "cuhk03"} | {
    name: name.partition("-")[0] for name in (*_LOADERS, *_SPLITS) if name.partition("-")[0] in (*_BY_SPLIT, *_SEARCHED)
}
"""Below the root, where it is not the set's name."""

_FOR_SCORES_ALONE = frozenset(
    {"cuhk03-val"} | {name for name in _FOLDERS if name.endswith(("-test", "-query", "-gallery"))}
)


def set_names() -> tuple[str, ...]:
    """The data sets that can be read."""
    return tuple(_LOADERS)


def load_set(name: str, root: Path | None, folders: Mapping[str, Path]) -> TrackletSet:
    """Read one data set.

    Args:
        name: of the set.
        root: folder with the data sets by name.
        folders: of single data sets, before the root.

    Raises:
        InputError: it is missing or bad.
        ConfigError: nobody knows a set of this name, or where it is.
    """
    loader = _LOADERS.get(name) or _SPLITS.get(name)
    if loader is None:
        raise ConfigError(f"unknown data set {name!r}; choose from: {', '.join(_LOADERS)}")
    folder = folders.get(name, None if root is None else root / _FOLDERS.get(name, name))
    if folder is None:
        raise ConfigError(f"where is {name}? give --data ROOT (its folder is ROOT/{name}) or --data {name}=FOLDER")
    tracklets = loader(folder)
    return TrackletSet(name, tracklets.tracklets)


def assemble(config: TrainConfig, root: Path | None, folders: Mapping[str, Path]) -> TrainingData:
    """Read a training's data sets and hold out the validation part.

    Args:
        config: the training's settings.
        root: folder with the data sets by name.
        folders: of single data sets; they go before `data.folders` of the settings, and these before the root.

    Raises:
        InputError: a data set is missing or bad, or too small.
        ConfigError: settings contradict each other.
    """
    _check(config)
    places = {name: Path(folder) for name, folder in config.data.folders.items()} | dict(folders)
    training: list[Tracklet] = []
    validation: list[Tracklet] = []
    taught = []
    for name in config.data.sets:
        whole = load_set(name, root, places)
        if config.data.keypoints and not all(one.keypoints is not None for one in whole.tracklets):
            whole = with_keypoints(whole, Path(config.data.keypoints) / f"{name}.npz")
        share = config.data.validation_share if name in (config.data.validate_on or config.data.sets) else 0.0
        parts = hold_out(whole, share, config.seed)
        if config.data.teacher:
            taught.append(teacher_embeddings(Path(config.data.teacher) / f"{name}.npz", parts.training))
        training += _prefixed(parts.training)
        validation += _prefixed(parts.validation) if parts.validation else []
    spec = crop_spec(config.model)
    tracklets = TrackletSet("+".join(config.data.sets), tuple(training))
    labels = {person: label for label, person in enumerate(tracklets.person_ids)}
    cameras = {camera: index for index, camera in enumerate(tracklets.camera_ids)}
    held = TrackletSet("validation", tuple(validation))
    return TrainingData(
        clips=ClipDataset(
            tracklets, spec, config.augmentation, seed=config.seed, keep_in_memory=config.data.keep_in_memory
        ),
        appearances=tuple(Appearance(labels[one.person_id], cameras[one.camera_id]) for one in training),
        people=tracklets.person_ids,
        validation=prepare(held, spec, most=config.data.validation_images) if validation else None,
        teacher=torch.from_numpy(np.concatenate(taught)) if taught else None,
        names=config.data.sets,
    )


def _check(config: TrainConfig) -> None:
    data = config.data
    strange = [name for name in data.validate_on if name not in data.sets]
    if strange:
        raise ConfigError(f"data.validate_on has {strange[0]!r}, which is not in data.sets ({', '.join(data.sets)})")
    tests = sorted(_FOR_SCORES_ALONE & set(data.sets))
    if tests:
        raise ConfigError(f"data.sets has {tests[0]!r}, which is for scores alone; nobody trains on it")
    if len(set(data.sets)) < len(data.sets):
        raise ConfigError(f"data.sets names a set twice: {', '.join(data.sets)}; name each once")
    if config.loss.distillation and not data.teacher:
        raise ConfigError(
            f"loss.distillation is {config.loss.distillation} but there is no teacher; make its embeddings with "
            "keyreid train teach and set data.teacher to their folder, or set loss.distillation=0"
        )
    if data.teacher and not config.loss.distillation:
        raise ConfigError("data.teacher is set but loss.distillation is 0; set it above 0, or leave the teacher out")


def _prefixed(tracklets: TrackletSet) -> list[Tracklet]:
    """People, cameras and tracklets of different sets must not be taken for each other."""
    name = tracklets.name
    return [
        replace(
            one,
            person_id=f"{name}/{one.person_id}",
            camera_id=f"{name}/{one.camera_id}",
            name=f"{name}/{one.name}",
        )
        for one in tracklets.tracklets
    ]
