"""Settings of the associator."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class AssociationConfig(BaseModel):
    """How tracks become identities.

    Attributes:
        threshold: similarity (-1 to 1) from which a track is taken for a known identity.
        min_observations: crops a track must have shown before it is decided on; shorter tracks stay undecided.
        global_weight: share of the global part in a similarity when every body part is visible on both sides.
        exemplars: embeddings kept per identity; when full, a new one takes the place of the one most like it.
        retention_s: an identity unseen for this long is dropped with all its embeddings: whoever comes later is new.
        max_identities: beyond this many, the least recently seen are dropped.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    threshold: float = Field(default=0.6, ge=-1, le=1)
    min_observations: int = Field(default=4, ge=1)
    global_weight: float = Field(default=0.5, gt=0, le=1)
    exemplars: int = Field(default=8, ge=1, le=256)
    retention_s: float = Field(default=3600.0, gt=0, allow_inf_nan=False)
    max_identities: int = Field(default=10_000, ge=1)
