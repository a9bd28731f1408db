"""Settings of the associator."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from keyreid_stream.association.travel import TravelTime

HOUR_S, MONTH_S = 3600.0, 30 * 86400.0


class AssociationConfig(BaseModel):
    """How tracks become identities.

    Attributes:
        threshold: similarity (-1 to 1) from which two tracklets are taken for one person, until the site has shown
            how alike different people look in it; then the site's own threshold takes over.
        false_merge_rate: how often a tracklet may be taken for somebody else, all candidates of a decision together.
        min_observations: crops a track must have shown before it is decided on; shorter tracks stay undecided.
        min_quality: summed quality of a tracklet's clips before it may found an identity: a glimpse of a head or a
            blur is matched or waits.
        global_weight: share of the global part in a similarity when every body part is visible on both sides.
        swap_rate: how often a tracker is expected to swap people who cross in front of each other.
        crossing_iou: overlap of two boxes of one camera from which people are crossing; a track is cut when it ends.
        max_gap_s: a track unseen for longer is cut: who comes back may be somebody else.
        floor_tolerance_m: how far apart two cameras may put one person on the floor.
        max_speed_m_s: nobody gets from one place to another faster.
        travel: ways from camera to camera whose times are known; others are learned.
        revise_every_s: how often decisions within the window are looked at again; proportionally less often with more
            than 128 tracklets in it; 0 never.
        window_s: tracklets that ended longer ago are settled: no longer looked at one by one.
        max_tracklets: beyond this many, the longest ended are settled earlier.
        exemplars: settled tracklets kept per identity; when full, the one most like another gives way.
        retention_s: an identity unseen for this long is dropped with all its embeddings: whoever comes later is new.
            Where it is not set, an hour, or 30 days in a gallery that is kept in a file.
        camera_retention_s: by camera, after how long its views of people are dropped, even if the people are known for
            longer; looked at once a minute.
        max_identities: beyond this many, the least recently seen are dropped.
        gallery: a file that keeps who is known from run to run; without it, every run begins knowing nobody.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    threshold: float = Field(default=0.6, ge=-1, le=1)
    false_merge_rate: float = Field(default=0.05, gt=0, lt=1)
    min_observations: int = Field(default=4, ge=1)
    min_quality: float = Field(default=0.2, ge=0)
    global_weight: float = Field(default=0.5, gt=0, le=1)
    swap_rate: float = Field(default=0.1, gt=0, lt=0.5)
    crossing_iou: float = Field(default=0.3, gt=0, le=1)
    max_gap_s: float = Field(default=1.0, gt=0)
    floor_tolerance_m: float = Field(default=1.0, gt=0)
    max_speed_m_s: float = Field(default=5.0, gt=0)
    travel: tuple[TravelTime, ...] = ()
    revise_every_s: float = Field(default=1.0, ge=0)
    window_s: float = Field(default=60.0, gt=0)
    max_tracklets: int = Field(default=512, ge=16, le=4096)
    exemplars: int = Field(default=8, ge=1, le=256)
    retention_s: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    camera_retention_s: dict[str, Annotated[float, Field(gt=0, allow_inf_nan=False)]] = Field(default_factory=dict)
    max_identities: int = Field(default=10_000, ge=1)
    gallery: str | None = Field(default=None, min_length=1)

    @property
    def kept_s(self) -> float:
        """How long somebody unseen is known, in seconds."""
        if self.retention_s is not None:
            return self.retention_s
        return HOUR_S if self.gallery is None else MONTH_S
