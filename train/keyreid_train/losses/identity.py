"""Identity classification with label smoothing.

Letters: B clips, P parts.
"""

from __future__ import annotations

import torch
from torch.nn.functional import cross_entropy


def identity_loss(scores: torch.Tensor, labels: torch.Tensor, smoothing: float) -> torch.Tensor:
    """Cross entropy against the label with probability 1 - smoothing, and every class with smoothing / classes.

    Args:
        scores: (B, classes) before the softmax.
        labels: (B,) int64 identities.
        smoothing: in [0, 1].

    Returns:
        The mean over the clips, a scalar.
    """
    return cross_entropy(scores, labels, label_smoothing=smoothing)


def part_identity_loss(
    part_scores: torch.Tensor, labels: torch.Tensor, visible: torch.Tensor, smoothing: float
) -> torch.Tensor:
    """The same for parts: the mean over the clips and parts that are seen; 0 when none is.

    Args:
        part_scores: (B, P, classes).
        labels: (B,) int64 identities.
        visible: (B, P) bool.
        smoothing: in [0, 1].

    Returns:
        A scalar.
    """
    parts = part_scores.shape[1]
    losses = cross_entropy(
        part_scores.flatten(0, 1), labels.repeat_interleave(parts), label_smoothing=smoothing, reduction="none"
    )
    return (losses * visible.flatten()).sum() / visible.sum().clamp(min=1)
