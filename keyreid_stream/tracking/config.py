"""Settings of the tracker inside each camera, and of the clips cut from its tracks."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from keyreid_stream.errors import ConfigError
from keyreid_stream.tracking.options import check_options
from keyreid_stream.tracking.trackers import TRACKERS, tracker_name


class TrackingConfig(BaseModel):
    """Which BoxMOT tracker follows people inside each camera, and how.

    Attributes:
        tracker: its name, in any case: botsort, strongsort, deepocsort, hybridsort, boosttrack, occluboost; or, by
            motion only, bytetrack, ocsort, sfsort.
        camera_motion_compensation: for cameras that move; costs 12 to 90 ms a frame.
        options: overrides of the tracker's own settings, which are BoxMOT's tuned ones; unknown names are errors that
            list the known ones.
        write_back: let tracks match by their clips' embeddings instead of by a running mean of single crops.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    tracker: str = "botsort"
    camera_motion_compensation: bool = False
    options: dict[str, Any] = Field(default_factory=dict)
    write_back: bool = True

    @field_validator("tracker")
    @classmethod
    def _known_tracker(cls, name: str) -> str:
        return tracker_name(name)

    @field_validator("camera_motion_compensation")
    @classmethod
    def _possible_compensation(cls, wanted: bool, info: ValidationInfo) -> bool:
        tracker = info.data.get("tracker")
        if wanted and tracker is not None and not TRACKERS[tracker].motion_compensated:
            able = ", ".join(name for name, traits in TRACKERS.items() if traits.motion_compensated)
            raise ConfigError(f"{tracker} cannot compensate camera motion; switch it off or choose one of: {able}")
        return wanted

    @field_validator("options")
    @classmethod
    def _known_options(cls, options: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        tracker = info.data.get("tracker")
        if options and tracker is not None:
            check_options(tracker, options, compensating=info.data.get("camera_motion_compensation", False))
        return options


class ClipConfig(BaseModel):
    """How a track's crops become clips, and when a clip is embedded.

    Attributes:
        clip_stride: every how many of its crops a track keeps one for its clip; 1 keeps all, so a clip is the last T
            crops in a row, as the published recipe has it. More makes a clip span more time.
        min_crops: kept crops from which a track's first, short clip is embedded.
        embed_every: kept crops between one embedding and the next, also while clips are short; a clip that has just
            become full is embedded in any case. 0 stands for T, so that full clips do not share crops.
        encode_every: of a track that nothing is unsure about, every how many sightings one is encoded; elsewhere the
            track's own appearance stands in. New and contested tracks, and better pictures, are encoded in any case
            (see `EncodingPlan`). 1 encodes all. If it is left out: 1 for files and worlds, 5 for live cameras, which
            drop less then.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    clip_stride: int = Field(default=1, ge=1, le=1000)
    min_crops: int = Field(default=2, ge=1, le=8)
    embed_every: int = Field(default=0, ge=0, le=100_000)
    encode_every: int | None = Field(default=None, ge=1, le=1000)
