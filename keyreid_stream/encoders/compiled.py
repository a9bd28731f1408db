"""The two halves of KeyRe-ID on PyTorch, compiled by `torch.compile`; on CUDA played back as CUDA graphs.

Every call has one of a few fixed numbers of rows: each is compiled (and recorded) once. Rows that are missing are
filled with ballast, which is cut off again; a row's answer does not depend on those beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from inspect import signature
from typing import Any

import numpy as np
import torch

from keyreid_stream.encoders.torch_encoder import TorchClipHead, TorchFrameEncoder
from keyreid_stream.models.keyreid import KeyReID
from keyreid_stream.structures import Clip

SIZES = (1, 2, 4, 8, 16, 32, 64)
"""Rows of a call. More of them waste less on ballast and take longer to compile."""


def fixed_sizes(largest: int) -> tuple[int, ...]:
    """The sizes up to the largest batch; a call of more rows is cut to the last."""
    return tuple(size for size in SIZES if size <= largest)


class CompiledFrameEncoder(TorchFrameEncoder):
    """Crops to tokens, class rows and appearance, compiled. What it gives is the caller's: no later call changes it."""

    def __init__(
        self,
        model: KeyReID,
        *,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
        batch_size: int = 64,
    ) -> None:
        """Take over a model's frame encoder; see `TorchFrameEncoder`. A size is compiled when it is met first."""
        sizes = fixed_sizes(batch_size)
        super().__init__(model, device=device, dtype=dtype, batch_size=sizes[-1] if sizes else batch_size)
        self._sizes = sizes
        self._compiled = _compiled(self._features, self._device, len(sizes))

    def _features(self, pixels_NHW3: torch.Tensor) -> tuple[torch.Tensor, ...]:
        features = self._encoder(pixels_NHW3.permute(0, 3, 1, 2))
        return features.tokens, features.class_rows, self._head.appearance(features.class_rows)

    def _encode_images(self, images: np.ndarray) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        pixels_NHW3 = torch.tensor(images, device=self._device)
        if len(images) == 0:
            tokens, class_rows, appearance = self._features(pixels_NHW3)
        else:
            tokens, class_rows, appearance = _run_fixed(self._compiled, [pixels_NHW3], self._sizes)
        return tokens, class_rows, appearance


class CompiledClipHead(TorchClipHead):
    """Clips to embeddings, compiled."""

    def __init__(
        self,
        model: KeyReID,
        *,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
        batch_size: int = 64,
    ) -> None:
        """Take over a model's clip head; see `TorchClipHead`. A size is compiled when it is met first."""
        sizes = fixed_sizes(batch_size)
        super().__init__(model, device=device, dtype=dtype, batch_size=sizes[-1] if sizes else batch_size)
        self._sizes = sizes
        self._compiled = _compiled(self._computed, torch.device(device), len(sizes))

    def _computed(
        self, tokens: torch.Tensor, class_rows: torch.Tensor, part_weights: torch.Tensor
    ) -> tuple[torch.Tensor, ...]:
        features = self._head(tokens, class_rows, part_weights)
        return features.embedding, features.visibility

    def _features(self, clips: Sequence[Clip]) -> tuple[torch.Tensor, torch.Tensor]:
        embedding, visibility = _run_fixed(self._compiled, self._filled(clips), self._sizes)
        return embedding, visibility


def _compiled(function: Callable[..., Any], device: torch.device, sizes: int) -> Callable[..., Any]:
    """As a whole, once for every size, apart from whatever else this process compiles."""
    # Older versions of PyTorch have one limit for the whole process, eight, and raise beyond it.
    known = signature(torch.compile).parameters
    limits = {"recompile_limit": sizes, "isolate_recompiles": True}
    make: Callable[..., Any] = torch.compile
    return make(  # type: ignore[no-any-return]
        function,
        fullgraph=True,
        dynamic=False,
        mode="reduce-overhead" if device.type == "cuda" else "default",
        **{name: value for name, value in limits.items() if name in known},
    )


def _run_fixed(
    compiled: Callable[..., Any], inputs: Sequence[torch.Tensor], sizes: Sequence[int]
) -> tuple[torch.Tensor, ...]:
    """Run a batch of at least one row at the next fixed size.

    Answers are copied: a CUDA graph writes over its own when it is played again.
    """
    rows = len(inputs[0])
    size = next(size for size in sizes if size >= rows)
    torch.compiler.cudagraph_mark_step_begin()  # type: ignore[no-untyped-call]
    outputs = compiled(*(_filled_up(tensor, size) for tensor in inputs))
    return tuple(output[:rows].clone() for output in outputs)


def _filled_up(tensor: torch.Tensor, size: int) -> torch.Tensor:
    """Zeros as ballast."""
    if len(tensor) == size:
        return tensor.contiguous()
    filled = tensor.new_zeros((size, *tensor.shape[1:]))
    filled[: len(tensor)] = tensor
    return filled
