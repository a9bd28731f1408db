"""From what a visitor chose to what is run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from keyreid_demos.run_job import Request
from keyreid_stream.world.address import SCHEME, WorldAddress
from keyreid_stream.world.writers import write_calibration

UPLOADED = "my videos"


def world_request(
    scene: str, seconds: float, seed: int, folder: Path, detector: str, model: str | None, tracker: str
) -> Request:
    """A built-in world, with its cameras' calibrations, so that there is a floor map.

    Args:
        scene: its name.
        seconds: how long.
        seed: of everything random.
        folder: the run's, which must not exist yet; calibrations and gallery go beside it.
        detector: weights.
        model: weights; None for those that come with the package.
        tracker: its name.
    """
    calibration = folder.with_name(folder.name + "-calibration")
    address = WorldAddress.parse(f"world://{scene}?seconds={seconds:g}&seed={seed}")
    write_calibration(calibration, address.described().cameras)
    settings = _settings(folder, detector, model, tracker)
    return Request(settings | {"sources": {"calibration": str(calibration)}}, scene, seconds, seed)


def video_request(
    videos: Sequence[tuple[str, Path]], folder: Path, detector: str, model: str | None, tracker: str
) -> Request:
    """Uploaded videos.

    Args:
        videos: camera name and path of each.
        folder: as for `world_request`, like the rest.
        detector: weights.
        model: weights.
        tracker: its name.
    """
    cameras = [f"{name}={path}" for name, path in videos]
    return Request(_settings(folder, detector, model, tracker) | {"sources": {"cameras": cameras}})


def is_world(settings: Mapping[str, Any] | None) -> bool:
    """Whether a run's settings name a world's cameras alone, whose truth is known."""
    cameras = ((settings or {}).get("sources") or {}).get("cameras") or []
    return bool(cameras) and all(str(camera).startswith(f"{SCHEME}://") for camera in cameras)


def ladder_request(settings: Mapping[str, Any], frames: int | None) -> Request:
    """The ladder of a world's run: the same settings, without what a run leaves or knows from before.

    Args:
        settings: of the run, as `run.json` has them.
        frames: that it had.
    """
    association = {**settings["association"], "gallery": None}
    return Request(
        {**settings, "association": association, "output": {"video": False}, "oracle": []},
        expected_frames=frames,
        is_ladder=True,
    )


def _settings(folder: Path, detector: str, model: str | None, tracker: str) -> dict[str, Any]:
    return {
        "pose": {"weights": detector},
        "model": {"weights": model},
        "tracking": {"tracker": tracker},
        "association": {"gallery": str(folder.with_name(folder.name + ".gallery"))},
        "output": {"crops": "whole", "decisions": True, "parquet": True, "video": True},
    }
