"""KeyRe-ID: crops of a person through time to one embedding.

Letters: B clips, T frames, P parts, M patches, E numbers of an embedding, H×W pixels of a crop.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import nn

from keyreid_stream.models.clip_head import ClipFeatures, ClipHead
from keyreid_stream.models.config import ModelConfig
from keyreid_stream.models.frame_encoder import FrameEncoder
from keyreid_stream.structures import CropSpec, EmbeddingLayout


class ClassScores(NamedTuple):
    """Scores of the training identities: `global_scores` (B, classes) and `part_scores` (B, P, classes)."""

    global_scores: torch.Tensor
    part_scores: torch.Tensor


class Classifiers(nn.Module):
    """The identity classifiers of training: one on the global neck, one on each part's (method section 1 step 6)."""

    def __init__(self, layout: EmbeddingLayout, classes: int) -> None:
        super().__init__()
        self.on_global = nn.Linear(layout.global_dim, classes, bias=False)
        self.on_parts = nn.ModuleList(nn.Linear(layout.part_dim, classes, bias=False) for _ in range(layout.parts))
        for classifier in (self.on_global, *self.on_parts):
            nn.init.normal_(classifier.weight, std=0.001)

    def forward(self, features: ClipFeatures) -> ClassScores:
        """Score B clips."""
        parts = features.part_necks.unbind(dim=1)
        part_scores = [classifier(part) for classifier, part in zip(self.on_parts, parts, strict=True)]
        return ClassScores(self.on_global(features.global_neck), torch.stack(part_scores, dim=1))


def classes_in(tensors: Mapping[str, torch.Tensor]) -> int:
    """Identities that the classifiers in a model's state dict know; 0 where there are none."""
    weight = tensors.get("classifiers.on_global.weight")
    return 0 if weight is None or weight.ndim == 0 else len(weight)


class KeyReID(nn.Module):
    """Our model (`aligned`): a frame encoder, a clip head and, for training, classifiers.

    Build it with `build_model`.
    """

    def __init__(
        self,
        config: ModelConfig,
        frame_encoder: FrameEncoder,
        clip_head: ClipHead,
        classifiers: Classifiers | None = None,
    ) -> None:
        super().__init__()
        self.config = config
        self.frame_encoder = frame_encoder
        self.clip_head = clip_head
        self.classifiers = classifiers

    @property
    def crop_spec(self) -> CropSpec:
        """The crops and part weights that this model wants."""
        rows, columns = self.frame_encoder.backbone.grid
        return CropSpec(
            height=self.config.crop_height,
            width=self.config.crop_width,
            grid_rows=rows,
            grid_columns=columns,
            parts=self.config.parts,
            weighting="signed" if self.config.mode == "published" else "soft",
        )

    @property
    def layout(self) -> EmbeddingLayout:
        """How its embeddings are laid out."""
        return self.clip_head.layout

    @property
    def classes(self) -> int:
        """Identities its classifiers know; 0 without classifiers."""
        return 0 if self.classifiers is None else self.classifiers.on_global.out_features

    def forward(
        self,
        crops: torch.Tensor,
        part_weights: torch.Tensor,
        cameras: torch.Tensor | None = None,
        generator: torch.Generator | None = None,
    ) -> ClipFeatures:
        """Embed B full clips.

        Args:
            crops: (B, T, 3, H, W) RGB, uint8, or floating point and normalised.
            part_weights: (B, T, P, M), in [0, 1] (aligned) or [-1, 1] (published).
            cameras: (B, T) int64 camera indices, -1 for unknown; None for all unknown.
            generator: source of training's randomness; None for torch's own.

        Raises:
            ValueError: the clips do not have T frames.
        """
        frames = crops.shape[1]
        if frames != self.config.frames:
            raise ValueError(f"clips must have {self.config.frames} frames, got {frames}; fill them with slot_frames")
        tokens, class_rows = self.frame_encoder(crops.flatten(0, 1), None if cameras is None else cameras.flatten())
        features: ClipFeatures = self.clip_head(
            tokens.unflatten(0, (-1, frames)), class_rows.unflatten(0, (-1, frames)), part_weights, generator
        )
        return features
