"""Settings of the cameras of a deployment."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class SourcesConfig(BaseModel):
    """Which cameras, and how their frames come together.

    Attributes:
        cameras: video files or image folders, each `path` or `name=path`.
        max_fps: take at most this many frames a second of each camera.
        calibration: a folder with a calibration per camera, or one file, for where people stand on the floor; a camera
            without one is known by appearance alone.
        merge_window_s: frames of different cameras this close in time are one tick; at most the shortest frame
            interval, by default half of it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    cameras: tuple[str, ...] = ()
    max_fps: float | None = Field(default=None, gt=0)
    calibration: str | None = Field(default=None, min_length=1)
    merge_window_s: float | None = Field(default=None, gt=0)
