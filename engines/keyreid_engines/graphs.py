"""The three graphs that are exported: which arrays go in and come out, under which names.

Letters: N crops, B clips, T frames, S tokens of a crop, M patches, P parts, D channels, E numbers of an embedding,
H, W pixels of a crop.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from typing import Literal, TypeAlias, cast

import torch
from torch import nn

from keyreid_engines.folded import fold_norms
from keyreid_stream.models.clip_head import ClipHead
from keyreid_stream.models.frame_encoder import UNKNOWN_CAMERA, FrameEncoder
from keyreid_stream.models.keyreid import KeyReID

GraphKind: TypeAlias = Literal["frame_encoder", "clip_head", "clip_model"]
Precision: TypeAlias = Literal["float32", "bfloat16", "float16", "int8"]
"""int8 is how an engine computes; graphs themselves are typed in one of the others."""

GRAPH_KINDS: tuple[GraphKind, ...] = ("frame_encoder", "clip_head", "clip_model")
HALVES: tuple[GraphKind, ...] = ("frame_encoder", "clip_head")
"""The graphs that a pipeline runs; `clip_model` is for users who want a single file."""

EXAMPLE_BATCH = 2
"""An example of one would let the exporter take the batch for a constant."""


class _FrameEncoderGraph(nn.Module):
    """images (N, H, W, 3) uint8 RGB to tokens (N, S, D), class_rows (N, D) and appearance (N, D) float32.

    A model with camera embeddings also takes cameras (N,) int64, -1 for unknown.
    """

    def __init__(self, encoder: FrameEncoder, head: ClipHead) -> None:
        super().__init__()
        self.encoder = encoder
        self.appearance_norm = head.global_norm

    def forward(
        self, images: torch.Tensor, cameras: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        # Normalised before anything else is done with them: TensorRT moves no uint8 about.
        features = self.encoder(self.encoder.normalised(images).permute(0, 3, 1, 2), cameras)
        return features.tokens, features.class_rows, self.appearance_norm(features.class_rows).float()


class _ClipHeadGraph(nn.Module):
    """tokens (B, T, S, D), class_rows (B, T, D), part_weights (B, T, P, M) to embedding (B, E), visibility (B, P)."""

    def __init__(self, head: ClipHead) -> None:
        super().__init__()
        self.head = head

    def forward(
        self, tokens: torch.Tensor, class_rows: torch.Tensor, part_weights: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        features = self.head(tokens, class_rows, part_weights)
        return features.embedding.float(), features.visibility.float()


class _ClipModelGraph(nn.Module):
    """images (B, T, H, W, 3) uint8 RGB and part_weights (B, T, P, M) to embedding (B, E) and visibility (B, P).

    Cameras count as unknown.
    """

    def __init__(self, encoder: FrameEncoder, head: ClipHead) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = head

    def forward(self, images: torch.Tensor, part_weights: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        # A size that is not known counts as -1 once at most, so the frames are named and the clips are not.
        frames = self.head.frames
        tokens, class_rows = self.encoder(self.encoder.normalised(images).flatten(0, 1).permute(0, 3, 1, 2))
        features = self.head(tokens.unflatten(0, (-1, frames)), class_rows.unflatten(0, (-1, frames)), part_weights)
        return features.embedding.float(), features.visibility.float()


@dataclass(frozen=True, slots=True, eq=False)
class TracedGraph:
    """A module to export.

    Attributes:
        module: what is computed.
        inputs: an example of every input by name, batch first.
        output_names: in the order in which `module` returns them.
    """

    module: nn.Module
    inputs: dict[str, torch.Tensor]
    output_names: tuple[str, ...]


def traced_graph(model: KeyReID, kind: GraphKind, precision: Precision, *, normalised: bool = False) -> TracedGraph:
    """One of the graphs, on the CPU and in its precision; `model` stays as it is.

    Images are uint8 whatever the precision, or normalised already and of the precision where `normalised` says so.
    Tokens, class rows and part weights have the precision; appearance, embedding and visibility are float32.
    """
    dtype = cast("torch.dtype", getattr(torch, precision))
    head = deepcopy(model.clip_head).cpu().to(dtype).eval()
    pixels = dtype if normalised else torch.uint8
    spec, frames, batch = model.crop_spec, head.frames, EXAMPLE_BATCH
    weights = torch.full((batch, frames, spec.parts, spec.patches), 0.5, dtype=dtype)
    if kind == "clip_head":
        channels = head.layout.global_dim
        inputs = {
            "tokens": torch.full((batch, frames, 1 + spec.patches, channels), 0.5, dtype=dtype),
            "class_rows": torch.full((batch, frames, channels), 0.5, dtype=dtype),
            "part_weights": weights,
        }
        return TracedGraph(_ClipHeadGraph(head).eval(), inputs, ("embedding", "visibility"))
    encoder = deepcopy(model.frame_encoder).cpu().eval()
    fold_norms(encoder)
    encoder = encoder.to(dtype)
    if kind == "frame_encoder":
        inputs = {"images": torch.zeros(batch, spec.height, spec.width, 3, dtype=pixels)}
        if takes_cameras(model):
            inputs["cameras"] = torch.full((batch,), UNKNOWN_CAMERA, dtype=torch.long)
        return TracedGraph(_FrameEncoderGraph(encoder, head).eval(), inputs, ("tokens", "class_rows", "appearance"))
    images = torch.zeros(batch, frames, spec.height, spec.width, 3, dtype=pixels)
    inputs = {"images": images, "part_weights": weights}
    return TracedGraph(_ClipModelGraph(encoder, head).eval(), inputs, ("embedding", "visibility"))


def takes_cameras(model: KeyReID) -> bool:
    """Whether the model's `frame_encoder` graph has the input `cameras`."""
    return model.frame_encoder.cameras is not None
