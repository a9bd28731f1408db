"""What whoever looks at a run's results must know: an untrained model, a detector of drawn people, truth as result."""

from __future__ import annotations

from keyreid_stream.models.load import ModelCard
from keyreid_stream.oracle.notice import oracle_notice, short_oracle_notice
from keyreid_stream.pipeline import Pipeline
from keyreid_stream.pose.shipped import WORLD_POSE_FILE, WORLD_POSE_NOTICE


def notices(pipeline: Pipeline) -> list[str]:
    """Lines for the terminal and the report; none when there is nothing to say."""
    card = _deciding_model(pipeline)
    lines = (
        card and card.notice,
        _detector_notice(pipeline),
        oracle_notice(pipeline.oracles),
        _calibration_notice(pipeline),
    )
    return [line for line in lines if line]


def short_notices(pipeline: Pipeline) -> list[str]:
    """Lines for the corner of a picture, in ASCII."""
    card = _deciding_model(pipeline)
    return [line for line in (card and card.short_notice, short_oracle_notice(pipeline.oracles)) if line]


def _detector_notice(pipeline: Pipeline) -> str | None:
    weights = getattr(pipeline.stages.detector, "weights", None)
    return WORLD_POSE_NOTICE if weights == WORLD_POSE_FILE else None


def _calibration_notice(pipeline: Pipeline) -> str | None:
    """Cameras that a calibration was expected of: a mistyped name must not go unnoticed."""
    geometry = pipeline.geometry
    if geometry is None:
        return None
    without = [source.camera_id for source in pipeline.stages.sources if source.camera_id not in geometry.cameras]
    return (
        f"no calibration of {', '.join(map(repr, without))}: where their people stand is unknown" if without else None
    )


def _deciding_model(pipeline: Pipeline) -> ModelCard | None:
    """The model whose embeddings decide on identities; None where the truth does."""
    return None if "identities" in pipeline.oracles else pipeline.model
