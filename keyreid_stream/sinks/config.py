"""Settings of what a run leaves in its folder."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class OutputConfig(BaseModel):
    """What is written besides events, tracks and the report.

    Attributes:
        video: annotated video of each camera and a mosaic of all.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    video: bool = True
