"""All losses of a batch together (method section 4).

Letters: B clips, P parts.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import nn

from keyreid_stream.models.clip_head import ClipFeatures
from keyreid_stream.models.keyreid import ClassScores
from keyreid_stream.structures import EmbeddingLayout
from keyreid_train.losses.attention import attention_loss
from keyreid_train.losses.center import CenterLoss
from keyreid_train.losses.config import LossConfig
from keyreid_train.losses.distillation import relational_distillation
from keyreid_train.losses.identity import identity_loss, part_identity_loss
from keyreid_train.losses.triplet import pairwise_distances, part_triplets, soft_margin_triplet


class LossTerms(NamedTuple):
    """The terms of a batch's loss, before their weights, and the weighted sum `total`; all scalars."""

    total: torch.Tensor
    identity: torch.Tensor
    triplet: torch.Tensor
    center: torch.Tensor
    attention: torch.Tensor
    distillation: torch.Tensor


class TotalLoss(nn.Module):
    """The weighted sum of all losses, with the learned centers.

    A part that a clip does not show is left out of all its terms.
    """

    def __init__(self, config: LossConfig, layout: EmbeddingLayout, classes: int) -> None:
        super().__init__()
        self.config = config
        share = config.global_share
        self.global_centers = CenterLoss(classes, 1, layout.global_dim, weight=config.center * share)
        self.part_centers = CenterLoss(classes, layout.parts, layout.part_dim, weight=config.center * (1 - share))

    def forward(
        self,
        features: ClipFeatures,
        scores: ClassScores,
        labels: torch.Tensor,
        erased: torch.Tensor,
        teacher: torch.Tensor | None = None,
    ) -> LossTerms:
        """The losses of B clips, in float32.

        Args:
            features: what the clip head gave.
            scores: what the classifiers gave.
            labels: (B,) int64 identities.
            erased: (B, T) in [0, 1].
            teacher: (B, F) a teacher's embeddings; None without distillation.
        """
        visible = features.visibility > 0
        identity = self._mix(
            identity_loss(scores.global_scores.float(), labels, self.config.label_smoothing),
            part_identity_loss(scores.part_scores.float(), labels, visible, self.config.label_smoothing),
        )
        global_feature, part_features = features.global_feature.float(), features.part_features.float()
        compared, compared_parts = global_feature, part_features
        if self.config.triplet_on == "after_neck":
            compared, compared_parts = features.global_neck.float(), features.part_necks.float()
        triplet = self._mix(
            soft_margin_triplet(pairwise_distances(compared), labels), part_triplets(compared_parts, labels, visible)
        )
        center = self._mix(
            self.global_centers(global_feature[:, None], labels), self.part_centers(part_features, labels, visible)
        )
        attention = attention_loss(features.attention_logits.float(), erased)
        distillation = attention.new_zeros(())
        if teacher is not None:
            distillation = relational_distillation(features.embedding, teacher, self.config.temperature)
        total = (
            identity
            + self.config.triplet * triplet
            + self.config.center * center
            + self.config.attention * attention
            + self.config.distillation * distillation
        )
        return LossTerms(total, identity, triplet, center, attention, distillation)

    def _mix(self, of_global: torch.Tensor, of_parts: torch.Tensor) -> torch.Tensor:
        share = self.config.global_share
        return share * of_global + (1 - share) * of_parts
