"""Weights of the losses."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class LossConfig(BaseModel):
    """What is minimised: global_share · global + (1 - global_share) · mean of parts, and further terms.

    Attributes:
        global_share: of the global feature in identity, triplet and center loss; the rest is the parts'.
        label_smoothing: of the identity loss.
        triplet: weight of the triplet loss.
        triplet_on: which features it compares: those before the BatchNorm neck, as published, or after it. Trained from
            random weights, features before the neck tend to become all alike, which the neck does not allow.
        center: weight of the center loss.
        attention: weight of the attention loss.
        distillation: weight of the relational distillation; above 0 it needs a teacher's embeddings.
        temperature: of the relations that are distilled.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    global_share: float = Field(default=0.75, ge=0, le=1)
    label_smoothing: float = Field(default=0.1, ge=0, le=1)
    triplet: float = Field(default=1.0, ge=0)
    triplet_on: Literal["before_neck", "after_neck"] = "before_neck"
    center: float = Field(default=0.0005, ge=0)
    attention: float = Field(default=1.0, ge=0)
    distillation: float = Field(default=0.0, ge=0)
    temperature: float = Field(default=0.1, gt=0)
