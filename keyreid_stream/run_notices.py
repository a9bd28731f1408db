"""What whoever looks at a run's results must know: an untrained model, results that are the truth."""

from __future__ import annotations

from keyreid_stream.models.load import ModelCard
from keyreid_stream.oracle.notice import oracle_notice, short_oracle_notice
from keyreid_stream.pipeline import Pipeline


def notices(pipeline: Pipeline) -> list[str]:
    """Lines for the terminal and the report; none when there is nothing to say."""
    card = _deciding_model(pipeline)
    return [line for line in (card and card.notice, oracle_notice(pipeline.oracles)) if line]


def short_notices(pipeline: Pipeline) -> list[str]:
    """Lines for the corner of a picture, in ASCII."""
    card = _deciding_model(pipeline)
    return [line for line in (card and card.short_notice, short_oracle_notice(pipeline.oracles)) if line]


def _deciding_model(pipeline: Pipeline) -> ModelCard | None:
    """The model whose embeddings decide on identities; None where the truth does."""
    return None if "identities" in pipeline.oracles else pipeline.model
