"""Settings of what a run leaves in its folder."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict


class OutputConfig(BaseModel):
    """What is written besides events, tracks and the report.

    Attributes:
        video: annotated video of each camera and a mosaic of all. If it is left out: yes for files and worlds, no for
            live cameras, whose video has no end.
        background: of the videos; `camera` draws on the cameras' pictures, `plain` on plain ground, so that boxes and
            skeletons are kept but no picture of anyone.
        crops: the best pictures of everybody from each camera: none; with heads made unrecognisable; or as they are.
        decisions: why each decision about an identity was made, for `keyreid gallery explain`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    video: bool | None = None
    background: Literal["camera", "plain"] = "camera"
    crops: Literal["none", "blurred", "whole"] = "none"
    decisions: bool = False
