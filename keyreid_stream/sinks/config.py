"""Settings of what a run leaves in its folder."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from keyreid_stream.sinks.publish import PublishConfig, output_names


class OutputConfig(BaseModel):
    """What is written besides events, tracks and the report.

    Attributes:
        video: annotated video of each camera and a mosaic of all. If it is left out: yes for files and worlds, no for
            live cameras, whose video has no end.
        background: of the videos; `camera` draws on the cameras' pictures, `plain` on plain ground, so that boxes and
            skeletons are kept but no picture of anyone.
        crops: the best pictures of everybody from each camera: none; with heads made unrecognisable; or as they are.
        decisions: why each decision about an identity was made, for `keyreid gallery explain`.
        parquet: who was where in every frame, with places on the floor, as a table.
        rotate_minutes: for endless runs: events, tracks, videos and sightings in pieces of so many minutes; 0: in one.
        keep_pieces: the newest so many pieces stay, older ones are deleted; 0: all.
        publish: other systems that are told of events and sightings while the run lasts.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    video: bool | None = None
    background: Literal["camera", "plain"] = "camera"
    crops: Literal["none", "blurred", "whole"] = "none"
    decisions: bool = False
    parquet: bool = False
    rotate_minutes: float = Field(default=0.0, ge=0.0, le=100_000.0)
    keep_pieces: int = Field(default=0, ge=0)
    publish: tuple[PublishConfig, ...] = ()

    @model_validator(mode="after")
    def _outputs_differ(self) -> Self:
        output_names(self.publish)
        return self

    @model_validator(mode="after")
    def _pieces_end(self) -> Self:
        if self.keep_pieces and not self.rotate_minutes:
            raise ValueError("keep_pieces deletes pieces, and there are none; set rotate_minutes too")
        return self
