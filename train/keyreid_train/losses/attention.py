"""Attention loss: temporal attention must not rest on frames whose pixels were erased (method section 4)."""

from __future__ import annotations

import torch


def attention_loss(logits: torch.Tensor, erased: torch.Tensor) -> torch.Tensor:
    """Σ_t a_t · erased_t, averaged over the clips.

    Args:
        logits: (B, T) temporal attention before its softmax.
        erased: (B, T) in [0, 1], 1 for a frame with erased pixels.

    Returns:
        A scalar.
    """
    return (logits * erased).sum(dim=1).mean()
