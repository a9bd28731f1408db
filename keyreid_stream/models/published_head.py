"""The published model: what the published checkpoint computes, by the cheap arrangement of method section 2.

A compatibility mode with the published oddities kept (method section 3), so that published weights give published
embeddings.

Letters: B clips, T frames, S = 1 + M tokens of a crop, D channels, P parts, C = T · D.
"""

from __future__ import annotations

import torch
from torch.nn.functional import avg_pool2d

from keyreid_stream.models.clip_head import ClipHead
from keyreid_stream.models.keyreid import KeyReID
from keyreid_stream.models.local import ScalingLocalBranch
from keyreid_stream.structures import CropSpec, EmbeddingLayout

CAMERA_SCALE = 3.0
SHIFTED_ROWS = 4
"""Patch rows that the published code moves from the front of the sequence to its end."""


class PublishedClipHead(ClipHead):
    """The published clip head (method section 1 steps 2 to 6); part weights are in [-1, 1], background -1."""

    hidden_weight = -1.0

    def __init__(self, local: ScalingLocalBranch, layout: EmbeddingLayout, frames: int) -> None:
        super().__init__(local, layout, frames)
        self.part_scale = 1 / layout.parts

    def _part_features(
        self, tokens_BTSD: torch.Tensor, part_weights_BTPM: torch.Tensor, generator: torch.Generator | None
    ) -> torch.Tensor:
        del generator  # Nothing here is random: the published shift and shuffle are fixed, in training as well.
        # Viewed, not permuted, as published: a row holds T neighbouring tokens of the clip's T·S in a line.
        rows_BSC = torch.unflatten(tokens_BTSD.flatten(1), 1, (tokens_BTSD.shape[2], -1))
        parts_BPC: torch.Tensor = self.local(rows_BSC, weights_in_row_order(part_weights_BTPM.mean(dim=1)))
        return parts_BPC


class PublishedKeyReID(KeyReID):
    """The published model. Build it with `build_model`, or with `load_published` from a checkpoint."""


def weights_in_row_order(weights_BPM: torch.Tensor) -> torch.Tensor:
    """Give each patch row the weight that it meets in the published code (method section 1 step 4).

    There the rows are shifted by four and then dealt out alternately from the two halves, while the weights stay.
    Attention at the class row does not see the order of rows, so only this pairing matters: undoing the deal and the
    shift on the few weights spares moving the rows.

    Args:
        weights_BPM: (B, P, M), M even, in patch order.
    """
    half = weights_BPM.shape[-1] // 2
    undealt = torch.unflatten(weights_BPM, -1, (half, 2)).transpose(-1, -2).flatten(-2)
    return undealt.roll(SHIFTED_ROWS, dims=-1)


def heatmaps_to_part_weights(heatmaps: torch.Tensor, spec: CropSpec) -> torch.Tensor:
    """Mean of each patch of part heatmaps: (..., P, H, W) to (..., P, M) (method section 1 step 3)."""
    patch = (spec.height // spec.grid_rows, spec.width // spec.grid_columns)
    pooled = avg_pool2d(heatmaps.flatten(0, -3), patch)
    return torch.unflatten(pooled.flatten(1), 0, heatmaps.shape[:-2])
