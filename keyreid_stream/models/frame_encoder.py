"""The first half of the network: a crop to its tokens and its class row of the global branch, once per crop.

Letters: N crops, S tokens (class token first), D channels.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from torch import nn

from keyreid_stream.models.attention import class_row
from keyreid_stream.models.backbone import PIXEL_MEAN, PIXEL_STD, Backbone

UNKNOWN_CAMERA = -1


class FrameFeatures(NamedTuple):
    """What the frame encoder gives for N crops: `tokens` (N, S, D) and `class_rows` (N, D)."""

    tokens: torch.Tensor
    class_rows: torch.Tensor


class CameraEmbedding(nn.Module):
    """One learned vector per camera, added to all tokens of a crop (method section 1 step 1).

    A camera that was not in training (any index outside 0…C-1, `UNKNOWN_CAMERA` by convention) gets a defined neutral
    vector: zero, or the mean of the known ones.
    """

    def __init__(
        self, cameras: int, channels: int, *, scale: float = 1.0, neutral: Literal["zero", "mean"] = "zero"
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(cameras, channels))
        self.scale = scale
        self.neutral = neutral
        nn.init.trunc_normal_(self.weight, std=0.02)

    def forward(self, cameras: torch.Tensor) -> torch.Tensor:
        """(N,) int64 camera indices to (N, D)."""
        known = (cameras >= 0) & (cameras < len(self.weight))
        rows = self.weight[torch.where(known, cameras, 0)]
        return self.scale * torch.where(known[:, None], rows, self._neutral_row())

    def _neutral_row(self) -> torch.Tensor:
        return self.weight.mean(dim=0) if self.neutral == "mean" else torch.zeros_like(self.weight[0])


class FrameEncoder(nn.Module):
    """Backbone, camera embedding and the global branch's block, the latter read at its class row."""

    def __init__(
        self,
        backbone: Backbone,
        global_block: nn.Module,
        global_norm: nn.Module,
        cameras: CameraEmbedding | None = None,
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.global_block = global_block
        self.global_norm = global_norm
        self.cameras = cameras

    def forward(self, images: torch.Tensor, cameras: torch.Tensor | None = None) -> FrameFeatures:
        """Encode N crops.

        Args:
            images: (N, 3, H, W) RGB; uint8 is normalised here, floating point is taken as normalised already.
            cameras: (N,) int64 camera indices, -1 for unknown; None for all unknown. Ignored by a model without
                camera embeddings.
        """
        offsets_ND = None
        if self.cameras is not None:
            unknown = torch.full(images.shape[:1], UNKNOWN_CAMERA, dtype=torch.long, device=images.device)
            offsets_ND = self.cameras(unknown if cameras is None else cameras)
        tokens, rope = self.backbone(self.normalised(images), offsets_ND)
        class_rows_ND = self.global_norm(class_row(self.global_block, tokens, rope))
        return FrameFeatures(self._without_registers(tokens), class_rows_ND)

    def normalised(self, images: torch.Tensor) -> torch.Tensor:
        """Images as the backbone wants them, whatever their layout; floating point is normalised already."""
        if images.is_floating_point():
            return images
        pixels = (images.float() / 255 - PIXEL_MEAN) / PIXEL_STD
        return pixels.to(next(self.parameters()).dtype)

    def _without_registers(self, tokens: torch.Tensor) -> torch.Tensor:
        """Registers are attended to, but stand for no patch."""
        if self.backbone.prefix_tokens == 1:
            return tokens
        return torch.cat([tokens[:, :1], tokens[:, self.backbone.prefix_tokens :]], dim=1)
