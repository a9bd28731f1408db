"""The learning rate over a training: a linear warm-up, then half a cosine."""

from __future__ import annotations

import math

from pydantic import BaseModel, ConfigDict, Field


class ScheduleConfig(BaseModel):
    """How the learning rate goes; everything is a share, of the training's steps or of the peak.

    Attributes:
        warmup: share of the steps that warm up.
        start: learning rate of the first step, as a share of the peak.
        end: learning rate of the last step, as a share of the peak.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    warmup: float = Field(default=0.05, ge=0, lt=1)
    start: float = Field(default=0.01, ge=0, le=1)
    end: float = Field(default=0.002, ge=0, le=1)


def learning_rate_factor(step: int, steps: int, config: ScheduleConfig) -> float:
    """The share of the peak learning rate in a step.

    Args:
        step: 0 to steps - 1.
        steps: of the whole training.
        config: the shape.

    Raises:
        ValueError: there is no such step.
    """
    if not 0 <= step < steps:
        raise ValueError(f"step must be 0 to {steps - 1}, got {step}")
    warmup = round(config.warmup * steps)
    if step < warmup:
        return config.start + (1 - config.start) * step / warmup
    progress = (step - warmup) / max(1, steps - 1 - warmup)
    return config.end + (1 - config.end) * 0.5 * (1 + math.cos(math.pi * progress))
