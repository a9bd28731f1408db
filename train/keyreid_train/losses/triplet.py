"""Batch-hard triplet loss with a soft margin (Hermans et al., arXiv 1703.07737).

Letters: B clips, P parts, E numbers of a feature.
"""

from __future__ import annotations

import torch
from torch.nn.functional import softplus


def pairwise_distances(features: torch.Tensor) -> torch.Tensor:
    """Euclidean distances between all rows, with gradients that stay finite for equal rows.

    Args:
        features: (..., B, E).

    Returns:
        (..., B, B).
    """
    squares = features.square().sum(dim=-1)
    products = features @ features.transpose(-1, -2)
    squared = squares[..., :, None] + squares[..., None, :] - 2 * products
    return squared.clamp(min=1e-12).sqrt()


def soft_margin_triplet(
    distances: torch.Tensor, labels: torch.Tensor, comparable: torch.Tensor | None = None
) -> torch.Tensor:
    """log(1 + exp(farthest positive - nearest negative)), averaged over the anchors that have both.

    Args:
        distances: (B, B), row = anchor.
        labels: (B,) int64 identities.
        comparable: (B, B) bool, which pairs may count; None for all. A clip is never its own positive.

    Returns:
        A scalar; 0 (with a gradient of 0) when no anchor has both a positive and a negative.
    """
    same = labels[:, None] == labels[None, :]
    others = ~torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    allowed = others if comparable is None else others & comparable
    positive, negative = same & allowed, ~same & allowed
    usable = positive.any(dim=1) & negative.any(dim=1)
    farthest = distances.masked_fill(~positive, 0).amax(dim=1)
    nearest = distances.masked_fill(~negative, torch.inf).amin(dim=1)
    gaps = torch.where(usable, farthest - nearest, 0)
    return (softplus(gaps) * usable).sum() / usable.sum().clamp(min=1)


def part_triplets(part_features: torch.Tensor, labels: torch.Tensor, visible: torch.Tensor) -> torch.Tensor:
    """The triplet loss of each part, averaged over parts; a pair counts for a part that both its clips show.

    Args:
        part_features: (B, P, E).
        labels: (B,) int64 identities.
        visible: (B, P) bool.

    Returns:
        A scalar.
    """
    distances_PBB = pairwise_distances(part_features.transpose(0, 1))
    losses = [
        soft_margin_triplet(distances, labels, shown[:, None] & shown[None, :])
        for distances, shown in zip(distances_PBB, visible.unbind(dim=1), strict=True)
    ]
    return torch.stack(losses).mean()
