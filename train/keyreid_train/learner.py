"""The network and its losses as one module: a batch in, the losses out.

Letters: B clips, t frames of a clip as it was taken, T slots of the model, S tokens of a crop, D channels.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import nn

from keyreid_stream.models.clip_head import ClipFeatures
from keyreid_stream.models.keyreid import KeyReID
from keyreid_stream.models.temporal import slot_frames
from keyreid_train.data.structures import ClipBatch
from keyreid_train.losses.config import LossConfig
from keyreid_train.losses.total import LossTerms, TotalLoss


class Lesson(NamedTuple):
    """What a batch gave: its losses, and the share of clips whose person the global classifier names."""

    terms: LossTerms
    accuracy: torch.Tensor


class Learner(nn.Module):
    """What is trained: the model with its classifiers, and the losses with their centers."""

    def __init__(self, model: KeyReID, config: LossConfig) -> None:
        """Join them.

        Raises:
            ValueError: the model has no classifiers.
        """
        super().__init__()
        if model.classifiers is None:
            raise ValueError("a model learns with classifiers; build it with classes")
        self.model = model
        self.loss = TotalLoss(config, model.layout, model.classes)

    def forward(
        self,
        batch: ClipBatch,
        teacher: torch.Tensor | None = None,
        generator: torch.Generator | None = None,
    ) -> Lesson:
        """The losses of a batch.

        Args:
            batch: clips of equal length, at most T.
            teacher: (B, F) a teacher's embeddings of the clips; None without distillation.
            generator: source of the clip head's randomness; None for torch's own.
        """
        features = clip_features(self.model, batch.images, batch.part_weights, batch.cameras, generator)
        assert self.model.classifiers is not None  # noqa: S101 -- checked when made; for the type checker
        scores = self.model.classifiers(features)
        erased = batch.erased[:, slot_frames(batch.erased.shape[1], self.model.config.frames)]
        with torch.autocast(batch.images.device.type, enabled=False):
            terms = self.loss(features, scores, batch.labels, erased, teacher)
        accuracy = (scores.global_scores.argmax(dim=1) == batch.labels).float().mean()
        return Lesson(terms, accuracy)


def clip_features(
    model: KeyReID,
    images: torch.Tensor,
    part_weights: torch.Tensor,
    cameras: torch.Tensor | None = None,
    generator: torch.Generator | None = None,
) -> ClipFeatures:
    """Embed clips of t ≤ T frames; every frame is encoded once, however many slots it fills.

    Args:
        model: the network.
        images: (B, t, 3, H, W) uint8, RGB.
        part_weights: (B, t, P, M).
        cameras: (B,) int64; None for all unknown.
        generator: source of the clip head's randomness; None for torch's own.
    """
    clips, frames = images.shape[:2]
    each = None if cameras is None else cameras.repeat_interleave(frames)
    tokens_NSD, class_rows_ND = model.frame_encoder(images.flatten(0, 1), each)
    slots = slot_frames(frames, model.config.frames)
    tokens_BTSD = tokens_NSD.unflatten(0, (clips, frames))[:, slots]
    class_rows_BTD = class_rows_ND.unflatten(0, (clips, frames))[:, slots]
    features: ClipFeatures = model.clip_head(tokens_BTSD, class_rows_BTD, part_weights[:, slots], generator)
    return features
