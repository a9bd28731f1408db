"""Center loss (Wen et al., ECCV 2016): features of an identity are drawn to a learned center.

Letters: B clips, P parts, E numbers of a feature.
"""

from __future__ import annotations

import torch
from torch import nn


class CenterLoss(nn.Module):
    """The squared distance to the center of one's identity, for one feature or for several parts.

    The centers learn from the plain mean of that, whatever weight the loss has among others: with the usual weight of
    0.0005 they would otherwise hardly move.

    Attributes:
        centers: (classes, P, E) parameters.
    """

    def __init__(self, classes: int, parts: int, size: int, *, weight: float) -> None:
        """Make centers.

        Args:
            classes: identities.
            parts: P; 1 for the global feature.
            size: E.
            weight: what the caller multiplies the loss with before its gradient is taken.
        """
        super().__init__()
        self.centers = nn.Parameter(torch.randn(classes, parts, size))
        self._weight = weight

    def forward(
        self, features: torch.Tensor, labels: torch.Tensor, visible: torch.Tensor | None = None
    ) -> torch.Tensor:
        """The mean over the clips and parts that are seen, of the squared distance; 0 when none is.

        Args:
            features: (B, P, E).
            labels: (B,) int64 identities.
            visible: (B, P) bool; None for all.
        """
        own = self.centers[labels].float()
        if self._weight > 0:  # the same values; gradients to the centers are divided by the weight
            own = own.detach() + (own - own.detach()) / self._weight
        squares = (features - own).square().sum(dim=-1)
        if visible is None:
            return squares.mean()
        return (squares * visible).sum() / visible.sum().clamp(min=1)
