"""The second half of the network: the tokens of a clip's T crops to one embedding.

Letters: B clips, T frames, S = 1 + M tokens of a crop, D channels, P parts, C = T · D, E numbers of an embedding.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import NamedTuple

import torch
from torch import nn

from keyreid_stream.models.local import LocalBranch, SoftLocalBranch
from keyreid_stream.models.temporal import TCSS, TemporalAttention
from keyreid_stream.structures import EmbeddingLayout


class ClipFeatures(NamedTuple):
    """What the clip head gives for B clips.

    Attributes:
        embedding: (B, E), the global part first, then the parts; not normalised.
        visibility: (B, P) in [0, 1], the share of the clip's T slots that show each part.
        global_feature: (B, D) before its BatchNorm, for metric losses.
        global_neck: (B, D) after it, for classification.
        part_features: (B, P, part_dim) before their BatchNorm.
        part_necks: (B, P, part_dim) after it.
        attention_logits: (B, T), the temporal attention before its softmax.
    """

    embedding: torch.Tensor
    visibility: torch.Tensor
    global_feature: torch.Tensor
    global_neck: torch.Tensor
    part_features: torch.Tensor
    part_necks: torch.Tensor
    attention_logits: torch.Tensor


class ClipHead(nn.Module, ABC):
    """What both modes share: temporal attention over the class rows, a local branch, and BatchNorm necks.

    Attributes:
        frames: T, the crops of a full clip; shorter ones are filled as `slot_frames` says.
        layout: of the embedding.
    """

    hidden_weight: float
    """The weight of a patch that does not belong to a part."""
    part_scale: float
    """What a part's neck is multiplied by in the embedding."""

    def __init__(self, local: LocalBranch, layout: EmbeddingLayout, frames: int) -> None:
        super().__init__()
        self.frames = frames
        self.layout = layout
        self.temporal = TemporalAttention(layout.global_dim)
        self.global_norm = nn.BatchNorm1d(layout.global_dim)
        self.local = local
        self.part_norms = nn.ModuleList(nn.BatchNorm1d(layout.part_dim) for _ in range(layout.parts))

    def forward(
        self,
        tokens_BTSD: torch.Tensor,
        class_rows_BTD: torch.Tensor,
        part_weights_BTPM: torch.Tensor,
        generator: torch.Generator | None = None,
    ) -> ClipFeatures:
        """Embed B full clips.

        Args:
            tokens_BTSD: backbone tokens, class token first.
            class_rows_BTD: class rows of the global branch.
            part_weights_BTPM: how much each patch belongs to each part.
            generator: source of training's randomness; None for torch's own.
        """
        global_feature_BD, attention_logits_BT = self.temporal(class_rows_BTD)
        part_features_BPc = self._part_features(tokens_BTSD, part_weights_BTPM, generator)
        global_neck_BD = self.global_norm(global_feature_BD)
        part_necks = [norm(part) for norm, part in zip(self.part_norms, part_features_BPc.unbind(dim=1), strict=True)]
        part_necks_BPc = torch.stack(part_necks, dim=1)
        return ClipFeatures(
            embedding=torch.cat([global_neck_BD, self.part_scale * part_necks_BPc.flatten(1)], dim=1),
            visibility=self._visibility(part_weights_BTPM),
            global_feature=global_feature_BD,
            global_neck=global_neck_BD,
            part_features=part_features_BPc,
            part_necks=part_necks_BPc,
            attention_logits=attention_logits_BT,
        )

    def appearance(self, class_rows_ND: torch.Tensor) -> torch.Tensor:
        """(N, D): the embedding's global part for clips of one crop, where temporal attention has nothing to choose."""
        appearance: torch.Tensor = self.global_norm(class_rows_ND)
        return appearance

    @abstractmethod
    def _part_features(
        self, tokens_BTSD: torch.Tensor, part_weights_BTPM: torch.Tensor, generator: torch.Generator | None
    ) -> torch.Tensor:
        """(B, P, part_dim): one feature per part, before its BatchNorm."""

    def _visibility(self, part_weights_BTPM: torch.Tensor) -> torch.Tensor:
        shown_BTP = (part_weights_BTPM > self.hidden_weight).any(dim=-1)
        return shown_BTP.to(part_weights_BTPM.dtype).mean(dim=1)


class AlignedClipHead(ClipHead):
    """Our clip head (method section 4): a row is one patch through time, and part weights are soft attention.

    Part weights are in [0, 1] and averaged over the frames. Each part passes a linear neck C → part_dim.
    """

    hidden_weight = 0.0
    part_scale = 1.0

    def __init__(self, local: SoftLocalBranch, layout: EmbeddingLayout, frames: int) -> None:
        super().__init__(local, layout, frames)
        self.tcss = TCSS()
        self.part_reductions = nn.ModuleList(
            nn.Linear(frames * layout.global_dim, layout.part_dim, bias=False) for _ in range(layout.parts)
        )

    def _part_features(
        self, tokens_BTSD: torch.Tensor, part_weights_BTPM: torch.Tensor, generator: torch.Generator | None
    ) -> torch.Tensor:
        patches_BTMD = self.tcss(tokens_BTSD[:, :, 1:], generator)
        moved_BTSD = torch.cat([tokens_BTSD[:, :, :1], patches_BTMD], dim=2)
        rows_BSC = moved_BTSD.transpose(1, 2).flatten(2)
        parts_BPC = self.local(rows_BSC, part_weights_BTPM.mean(dim=1))
        reduced = [reduce(part) for reduce, part in zip(self.part_reductions, parts_BPC.unbind(dim=1), strict=True)]
        return torch.stack(reduced, dim=1)
