"""Crops of people as files, for who asked for them: the best of every track."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from keyreid_stream.camera_names import checked_camera_id
from keyreid_stream.sinks.best_crops import BestCrop, BestCrops, Heads
from keyreid_stream.sinks.identity_replay import IdentityReplay
from keyreid_stream.structures import Event, Tick, TrackKey
from keyreid_stream.world.writers.whole_file import write_jpeg

_QUALITY = 90
_NAME = re.compile(r"(\d+)_(\d+)\.jpg")


class CropFile(NamedTuple):
    """A crop in a run's folder: of which track, from which of its camera's frames, and where."""

    key: TrackKey
    frame_index: int
    path: Path


class CropFilesSink:
    """Writes the best crop of every track that has ended: `<camera>/<track>_<frame>.jpg`, numbers as in the event log.

    Names tell no identity, since identities are revised: `crops_by_identity` looks it up in the events. Tracks that are
    nobody known when they end leave no crop, so that whoever is forgotten is forgotten with all their crops.

    Args:
        folder: made when there is a crop to write.
        heads: whether the heads in them stay recognisable.
    """

    def __init__(self, folder: str | Path, heads: Heads = "blurred") -> None:
        self._folder = Path(folder)
        self._crops = BestCrops(heads)
        self._replay = IdentityReplay()

    def __enter__(self) -> Self:
        """Nothing to open."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        """Write the crops of the tracks that have not ended."""
        self._write(self._crops.all())

    def write(self, tick: Tick) -> None:
        """Look at the tick's tracks, and write the crops of those that have ended.

        Raises:
            InputError: an event lacks what its kind needs, or a camera's name cannot be a folder's.
        """
        for event in tick.events:
            self._replay.apply(event)
        for seen in tick.cameras:
            self._crops.look(seen)
            ended = [TrackKey(seen.frame.camera_id, track_id) for track_id in seen.tracks.ended]
            self._write(self._crops.pop(ended))

    def _write(self, crops: Iterable[tuple[TrackKey, BestCrop]]) -> None:
        for key, crop in crops:
            if self._replay.identity_at(key, crop.frame_index) is None:
                continue
            folder = self._folder / checked_camera_id(key.camera_id)
            folder.mkdir(parents=True, exist_ok=True)
            write_jpeg(folder / f"{key.track_id}_{crop.frame_index}.jpg", crop.image, _QUALITY)


def crop_files(folder: str | Path) -> list[CropFile]:
    """The crops in a folder that `CropFilesSink` wrote to, by camera, track and frame; none if there is no folder."""
    found = []
    for path in Path(folder).glob("*/*.jpg"):
        name = _NAME.fullmatch(path.name)
        if name is not None:
            found.append(CropFile(TrackKey(path.parent.name, int(name[1])), int(name[2]), path))
    return sorted(found)


def crops_by_identity(folder: str | Path, events: Iterable[Event]) -> dict[int, list[CropFile]]:
    """The crops in a folder by whom they show, once all of the run's events are known; nobody's are left out.

    Raises:
        InputError: an event lacks what its kind needs.
    """
    replay = IdentityReplay()
    for event in events:
        replay.apply(event)
    found: dict[int, list[CropFile]] = {}
    for crop in crop_files(folder):
        identity_id = replay.identity_at(crop.key, crop.frame_index)
        if identity_id is not None:
            found.setdefault(identity_id, []).append(crop)
    return found
