"""The local branch: one transformer block, shared by all parts, read at its class row (method sections 2 and 4).

In both modes keys and values come from one projection that all parts share; a part only changes how the class row
attends. The two ways of weighing patches differ in what a weight does to a row.

Letters: B clips, S = 1 + M rows (class row first), P parts, C = T · D channels, h heads, d channels of a head.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import partial
from typing import Any

import torch
from timm.models.vision_transformer import Block
from torch import nn
from torch.nn.functional import layer_norm, linear, pad

from keyreid_stream.models.attention import finish_row


class LocalBranch(nn.Module, ABC):
    """The shared block and the norm after it."""

    def __init__(self, channels: int, heads: int, *, norm_eps: float = 1e-6) -> None:
        super().__init__()
        self.block: Any = Block(channels, heads, qkv_bias=True, norm_layer=partial(nn.LayerNorm, eps=1e-6))
        self.norm = nn.LayerNorm(channels, eps=norm_eps)
        self.block.apply(_init_as_vit)

    def forward(self, rows_BSC: torch.Tensor, weights_BPM: torch.Tensor) -> torch.Tensor:
        """One feature per part.

        Args:
            rows_BSC: (B, 1 + M, C), the class row first.
            weights_BPM: (B, P, M), one weight per part and patch row.

        Returns:
            (B, P, C).
        """
        attended_BPC = self.block.attn.proj(self._attend(rows_BSC, weights_BPM))
        normed: torch.Tensor = self.norm(finish_row(self.block, rows_BSC[:, :1], attended_BPC))
        return normed

    @abstractmethod
    def _attend(self, rows_BSC: torch.Tensor, weights_BPM: torch.Tensor) -> torch.Tensor:
        """(B, P, C): what the class row gathers for each part, before the output projection."""

    def _weights(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
        """Weight and bias of the query projection, then of the joint key and value projection."""
        qkv = self.block.attn.qkv
        width = qkv.in_features
        return qkv.weight[:width], qkv.bias[:width], qkv.weight[width:], qkv.bias[width:]

    def _heads(self, rows_BSC: torch.Tensor) -> torch.Tensor:
        return torch.unflatten(rows_BSC, -1, (self.block.attn.num_heads, -1)).transpose(1, 2)

    def _logits(self, query_BC: torch.Tensor, key_BSC: torch.Tensor) -> torch.Tensor:
        """(B, 1, h, S): scaled products of the class row's query with all keys, the same for every part."""
        query_Bh1d = self._heads(query_BC[:, None]) * self.block.attn.scale
        logits_Bh1S: torch.Tensor = query_Bh1d @ self._heads(key_BSC).transpose(2, 3)
        return logits_Bh1S.transpose(1, 2)

    def _gather(self, attention_BPhS: torch.Tensor, value_BSC: torch.Tensor) -> torch.Tensor:
        gathered_BhPd = attention_BPhS.transpose(1, 2) @ self._heads(value_BSC)
        return gathered_BhPd.transpose(1, 2).flatten(2)


class SoftLocalBranch(LocalBranch):
    """Part weights in [0, 1] as soft attention: their logarithm is added to the logits (method section 4).

    A patch of weight 0 is not attended to. The class row always is, with weight 1, so that a part that is nowhere
    visible still gives a defined feature: that of the class row alone.
    """

    def _attend(self, rows_BSC: torch.Tensor, weights_BPM: torch.Tensor) -> torch.Tensor:
        query_weight, query_bias, key_value_weight, key_value_bias = self._weights()
        normed_BSC = self.block.norm1(rows_BSC)
        query_BC = linear(normed_BSC[:, 0], query_weight, query_bias)
        key_BSC, value_BSC = linear(normed_BSC, key_value_weight, key_value_bias).chunk(2, dim=-1)
        log_weights_BPS = pad(weights_BPM.log(), (1, 0))
        attention_BPhS = (self._logits(query_BC, key_BSC) + log_weights_BPS[:, :, None]).softmax(dim=-1)
        return self._gather(attention_BPhS, value_BSC)


class ScalingLocalBranch(LocalBranch):
    """Part weights that multiply their rows before the block, as published (method section 1 step 5).

    The block's LayerNorm turns a row x times weight w into γ·s·x̂ + β, where x̂ = (x - μ)/√(σ² + ε) and one scalar
    s = w·√(σ² + ε)/√(w²σ² + ε) holds all that depends on the part (method section 2). With K̂, V̂ the projections of
    γ·x̂, a row's key is s·K̂ + c and its value s·V̂ + c'. The query's product with the constant c is the same for all
    rows, so the softmax does not see it; c' is added once after it. The class row has weight 1, hence s = 1.
    """

    def _attend(self, rows_BSC: torch.Tensor, weights_BPM: torch.Tensor) -> torch.Tensor:
        query_weight, query_bias, key_value_weight, key_value_bias = self._weights()
        norm = self.block.norm1
        scaled_BSC = layer_norm(rows_BSC, norm.normalized_shape, norm.weight, None, norm.eps)
        query_BC = linear(scaled_BSC[:, 0] + norm.bias, query_weight, query_bias)
        key_BSC, value_BSC = linear(scaled_BSC, key_value_weight).chunk(2, dim=-1)
        _, value_constant_C = linear(norm.bias, key_value_weight, key_value_bias).chunk(2)
        scale_BP1S = self._row_scales(rows_BSC, weights_BPM)[:, :, None]
        attention_BPhS = (scale_BP1S * self._logits(query_BC, key_BSC)).softmax(dim=-1)
        return self._gather(attention_BPhS * scale_BP1S, value_BSC) + value_constant_C

    def _row_scales(self, rows_BSC: torch.Tensor, weights_BPM: torch.Tensor) -> torch.Tensor:
        """(B, P, S): the scalar s of every part and row."""
        eps = self.block.norm1.eps
        variance_B1S = rows_BSC.var(dim=-1, correction=0)[:, None]
        weights_BPS = pad(weights_BPM, (1, 0), value=1.0)
        scales_BPS: torch.Tensor = (
            weights_BPS * (variance_B1S + eps).sqrt() * (weights_BPS.square() * variance_B1S + eps).rsqrt()
        )
        return scales_BPS


def _init_as_vit(module: nn.Module) -> None:
    if isinstance(module, nn.Linear):
        nn.init.trunc_normal_(module.weight, std=0.02)
        nn.init.zeros_(module.bias)
