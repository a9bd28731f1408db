"""The two halves of KeyRe-ID on PyTorch.

Both take a model over: they move their half of it to the device and precision asked for and put it into evaluation
mode. Give both the same model, device and dtype.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
import torch

from keyreid_stream.encoders.card import BackendCard
from keyreid_stream.models.clip_head import ClipHead
from keyreid_stream.models.frame_encoder import FrameEncoder
from keyreid_stream.models.keyreid import KeyReID
from keyreid_stream.models.temporal import slot_frames
from keyreid_stream.structures import Clip, ClipEmbeddings, Crops, CropSpec, EmbeddingLayout, Encodings, FloatArray

_Half = TypeVar("_Half", FrameEncoder, ClipHead)


class TorchFrameEncoder:
    """Crops to tokens, class rows and appearance.

    Encodings hold the whole batch in one tensor each, and a row of it is a view that keeps the batch alive: whoever
    keeps a row beyond the tick clones it. What a crop gives does not depend on the crops beside it, up to rounding.

    Attributes:
        backend: what runs it, for reports.
    """

    def __init__(
        self,
        model: KeyReID,
        *,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
        batch_size: int = 64,
    ) -> None:
        """Take over a model's frame encoder.

        Args:
            model: the model, aligned or published.
            device: where to run it.
            dtype: of its arithmetic and of the tokens.
            batch_size: the most crops in one forward pass; more are split.

        Raises:
            ValueError: the batch size is not positive.
        """
        self._batch_size = _checked_batch_size(batch_size)
        self._device, self._dtype = torch.device(device), dtype
        precision = str(dtype).removeprefix("torch.")
        self.backend = BackendCard("torch", str(torch.__version__), precision, str(self._device))
        self._spec = model.crop_spec
        self._encoder = _take_over(model.frame_encoder, self._device, dtype)
        self._head = _take_over(model.clip_head, self._device, dtype)

    @property
    def crop_spec(self) -> CropSpec:
        """The crops it wants."""
        return self._spec

    @torch.inference_mode()
    def encode(self, crops: Crops) -> Encodings:
        """Encode N crops (N may be 0).

        Raises:
            ValueError: the crops are not what `crop_spec` asks for.
        """
        self._check(crops)
        # An empty batch passes the network once, too: it knows the shapes of its results best.
        starts = range(0, max(len(crops), 1), self._batch_size)
        chunks = [self._encode_images(crops.images[start : start + self._batch_size]) for start in starts]
        tokens, class_rows, appearance = (torch.cat(column) for column in zip(*chunks, strict=True))
        part_weights = torch.tensor(crops.part_weights, dtype=self._dtype, device=self._device)
        return Encodings(tokens, class_rows, part_weights, _on_host(appearance))

    def _encode_images(self, images: np.ndarray) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        pixels_NHW3 = torch.tensor(images, device=self._device)
        features = self._encoder(pixels_NHW3.permute(0, 3, 1, 2))
        return features.tokens, features.class_rows, self._head.appearance(features.class_rows)

    def _check(self, crops: Crops) -> None:
        spec = self._spec
        if crops.images.shape[1:3] != (spec.height, spec.width):
            height, width = crops.images.shape[1:3]
            raise ValueError(f"crops must be {spec.height}x{spec.width} pixels, got {height}x{width}")
        if crops.part_weights.shape[1:] != (spec.parts, spec.patches):
            parts, patches = crops.part_weights.shape[1:]
            raise ValueError(
                f"part weights must be for {spec.parts} parts of {spec.patches} patches, got {parts} of {patches}"
            )


class TorchClipHead:
    """Clips to embeddings. A clip of fewer than T crops is filled as `slot_frames` says."""

    def __init__(
        self,
        model: KeyReID,
        *,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
        batch_size: int = 64,
    ) -> None:
        """Take over a model's clip head.

        Args:
            model: the model, aligned or published.
            device: where to run it; where its frame encoder runs.
            dtype: of its arithmetic; that of its frame encoder. Embeddings are float32 in any case.
            batch_size: the most clips in one forward pass; more are split.

        Raises:
            ValueError: the batch size is not positive.
        """
        self._batch_size = _checked_batch_size(batch_size)
        self._head = _take_over(model.clip_head, torch.device(device), dtype)

    @property
    def frames_per_clip(self) -> int:
        """T, the most crops that a clip may hold."""
        return self._head.frames

    @property
    def layout(self) -> EmbeddingLayout:
        """The layout of its embeddings."""
        return self._head.layout

    @torch.inference_mode()
    def embed(self, clips: Sequence[Clip]) -> ClipEmbeddings:
        """One embedding per clip (there may be none).

        Raises:
            ValueError: a clip holds more than T crops.
        """
        layout = self.layout
        vectors = [np.zeros((0, layout.size), np.float32)]
        visibility = [np.zeros((0, layout.parts), np.float32)]
        for start in range(0, len(clips), self._batch_size):
            embedding, seen = self._features(clips[start : start + self._batch_size])
            vectors.append(_on_host(embedding))
            visibility.append(_on_host(seen))
        return ClipEmbeddings(np.concatenate(vectors), np.concatenate(visibility), layout)

    def _features(self, clips: Sequence[Clip]) -> tuple[torch.Tensor, torch.Tensor]:
        """Embeddings (B, E) and visibilities (B, P) of at least one clip."""
        features = self._head(*self._filled(clips))
        return features.embedding, features.visibility

    def _filled(self, clips: Sequence[Clip]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Tokens (B, T, S, D), class rows (B, T, D) and part weights (B, T, P, M) of clips whose T slots are filled."""
        slots = [slot_frames(len(clip), self.frames_per_clip) for clip in clips]
        return (
            torch.stack([clip.tokens[frames] for clip, frames in zip(clips, slots, strict=True)]),
            torch.stack([clip.class_rows[frames] for clip, frames in zip(clips, slots, strict=True)]),
            torch.stack([clip.part_weights[frames] for clip, frames in zip(clips, slots, strict=True)]),
        )


def _take_over(module: _Half, device: torch.device, dtype: torch.dtype) -> _Half:
    return module.to(device, dtype).eval()


def _checked_batch_size(batch_size: int) -> int:
    if batch_size < 1:
        raise ValueError(f"batch_size must be at least 1, got {batch_size}")
    return batch_size


def _on_host(tensor: torch.Tensor) -> FloatArray:
    array: FloatArray = tensor.float().cpu().numpy()
    return array
