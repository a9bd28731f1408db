"""The optimiser and which parameters it treats how."""

from __future__ import annotations

from typing import Any, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import nn

_NEVER_DECAYED = ("pos_embed", "cls_token", "reg_token", "cameras.weight")
"""Embeddings that are added to tokens: pulling them to zero serves nothing."""

_CENTERS = "centers"


class OptimiserConfig(BaseModel):
    """How parameters move.

    Attributes:
        name: `adamw`, or `sgd` with momentum.
        learning_rate: at its peak.
        bias_factor: by which biases learn faster.
        center_learning_rate: of the centers of the center loss, which do not follow the schedule.
        weight_decay: of matrices and kernels; norms, biases and added embeddings are not decayed.
        momentum: of `sgd`.
        betas: of `adamw`.
        gradient_norm: gradients are shortened to this length; 0 for never.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Literal["adamw", "sgd"] = "adamw"
    learning_rate: float = Field(default=1e-3, gt=0)
    bias_factor: float = Field(default=1.0, gt=0)
    center_learning_rate: float = Field(default=0.5, ge=0)
    weight_decay: float = Field(default=0.05, ge=0)
    momentum: float = Field(default=0.9, ge=0, lt=1)
    betas: tuple[float, float] = (0.9, 0.999)
    gradient_norm: float = Field(default=1.0, ge=0)


def parameter_groups(module: nn.Module, config: OptimiserConfig) -> list[dict[str, Any]]:
    """All parameters that learn but the centers, each in one group; its `peak` is the learning rate to scale.

    Args:
        module: the network together with its losses.
        config: how parameters move.
    """
    decayed, plain, biases = [], [], []
    for name, parameter in module.named_parameters():
        if not parameter.requires_grad or name.endswith(_CENTERS):
            continue
        if name.endswith(".bias"):
            biases.append(parameter)
        elif parameter.ndim < 2 or name.endswith(_NEVER_DECAYED):
            plain.append(parameter)
        else:
            decayed.append(parameter)
    rate = config.learning_rate
    groups = [
        {"params": decayed, "weight_decay": config.weight_decay, "peak": rate},
        {"params": plain, "weight_decay": 0.0, "peak": rate},
        {"params": biases, "weight_decay": 0.0, "peak": rate * config.bias_factor},
    ]
    return [group for group in groups if group["params"]]


def center_parameters(module: nn.Module) -> list[nn.Parameter]:
    """The centers of the center losses, which plain SGD moves."""
    return [parameter for name, parameter in module.named_parameters() if name.endswith(_CENTERS)]


def build_optimiser(module: nn.Module, config: OptimiserConfig) -> torch.optim.Optimizer:
    """The optimiser of everything but the centers."""
    groups = parameter_groups(module, config)
    if config.name == "sgd":
        return torch.optim.SGD(groups, lr=config.learning_rate, momentum=config.momentum)
    return torch.optim.AdamW(groups, lr=config.learning_rate, betas=config.betas)
