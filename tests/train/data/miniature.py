"""Miniature copies of data sets' layouts: empty files of the right names."""

from __future__ import annotations

from pathlib import Path

from keyreid_train.data.structures import TrackletSet


def touch(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def shown(tracklets: TrackletSet) -> list[tuple[str, str, list[str]]]:
    """Person, camera and images' names of every tracklet."""
    return [(one.person_id, one.camera_id, [path.name for path in one.images]) for one in tracklets.tracklets]
