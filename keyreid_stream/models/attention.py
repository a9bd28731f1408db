"""Transformer blocks of timm, computed for their class row alone (method section 2).

Only row 0 of the global and of the local block is read. So queries, output projection and MLP are computed for that
row, keys and values for all rows.

Letters: N sequences, S rows, D channels, A = heads · head_dim, h heads, d channels of a head.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import torch
from timm.layers import apply_rot_embed_cat
from timm.models.eva import EvaBlock
from torch.nn.functional import linear, scaled_dot_product_attention

_Map: TypeAlias = Callable[[torch.Tensor], torch.Tensor]


def class_row(block: Any, tokens_NSD: torch.Tensor, rope: torch.Tensor | None = None) -> torch.Tensor:
    """Row 0 of `block(tokens)`, at a fraction of its work.

    Args:
        block: timm's `Block` or `EvaBlock` (pre-norm).
        tokens_NSD: (N, S, D), class token first.
        rope: the rotary embedding the block would get.

    Returns:
        (N, D).
    """
    attended_ND = _attend_from_class(block.attn, block.norm1(tokens_NSD), rope)
    return finish_row(block, tokens_NSD[:, 0], attended_ND)


def finish_row(block: Any, row: torch.Tensor, attended: torch.Tensor) -> torch.Tensor:
    """What a pre-norm block does after its attention: both residuals, layer scales and the MLP.

    Args:
        block: timm's `Block` or `EvaBlock`.
        row: (..., D) what entered the block.
        attended: (..., D) what its attention gave, after the output projection.
    """
    first, second = _layer_scales(block)
    row = row + block.drop_path1(first(attended))
    finished: torch.Tensor = row + block.drop_path2(second(block.mlp(block.norm2(row))))
    return finished


def class_attention(block: Any, tokens_NSD: torch.Tensor, rope: torch.Tensor | None = None) -> torch.Tensor:
    """Where the class row of `block(tokens)` looks: the attention of its query, the mean of the heads.

    Args:
        block: timm's `Block` or `EvaBlock` (pre-norm).
        tokens_NSD: (N, S, D), class token first.
        rope: the rotary embedding the block would get.

    Returns:
        (N, S), sums of 1.
    """
    query_Nh1d, key_NhSd, _ = _query_keys_values(block.attn, block.norm1(tokens_NSD), rope)
    groups = query_Nh1d.shape[1] // key_NhSd.shape[1]
    key_NhSd = key_NhSd.repeat_interleave(groups, dim=1)
    logits_Nh1S = query_Nh1d @ key_NhSd.transpose(-2, -1) * query_Nh1d.shape[-1] ** -0.5
    weights_NS: torch.Tensor = logits_Nh1S.softmax(dim=-1).mean(dim=1).squeeze(1)
    return weights_NS


def _layer_scales(block: Any) -> tuple[_Map, _Map]:
    """What the block does to each of its two residual updates; EVA's blocks keep bare vectors, or none."""
    if isinstance(block, EvaBlock):
        return _times(block.gamma_1), _times(block.gamma_2)
    return block.ls1, block.ls2


def _times(gamma: torch.Tensor | None) -> _Map:
    return lambda update: update if gamma is None else gamma * update


def _attend_from_class(attn: Any, rows_NSD: torch.Tensor, rope: torch.Tensor | None) -> torch.Tensor:
    query_Nh1d, key_NhSd, value_NhSd = _query_keys_values(attn, rows_NSD, rope)
    grouped = key_NhSd.shape[1] != query_Nh1d.shape[1]
    attended_Nh1d = scaled_dot_product_attention(query_Nh1d, key_NhSd, value_NhSd, enable_gqa=grouped)
    attended_NA = attn.norm(attended_Nh1d.flatten(1))
    if attn.gate is not None:
        attended_NA = attended_NA * attn.gate(rows_NSD[:, 0]).sigmoid()
    projected: torch.Tensor = attn.proj_drop(attn.proj(attended_NA))
    return projected


def _query_keys_values(
    attn: Any, rows_NSD: torch.Tensor, rope: torch.Tensor | None
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """By heads: the class row's query (N, h, 1, d), and every row's key and value (N, h, S, d)."""
    query_N1A, key_NSA, value_NSA = _project(attn, rows_NSD)
    query_Nh1d = attn.q_norm(_heads(attn, query_N1A))
    key_NhSd = attn.k_norm(_heads(attn, key_NSA))
    if rope is not None:
        key_NhSd = _rotate_patches(attn, key_NhSd, rope)
    return query_Nh1d, key_NhSd, _heads(attn, value_NSA)


def _project(attn: Any, rows_NSD: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The class row's query (N, 1, A), and every row's key and value (N, S, A)."""
    class_N1D = rows_NSD[:, :1]
    if attn.qkv is None:
        return attn.q_proj(class_N1D), attn.k_proj(rows_NSD), attn.v_proj(rows_NSD)
    weight, bias = attn.qkv.weight, _fused_bias(attn)
    width = weight.shape[0] // 3
    query_N1A = linear(class_N1D, weight[:width], None if bias is None else bias[:width])
    key_NSA, value_NSA = linear(rows_NSD, weight[width:], None if bias is None else bias[width:]).chunk(2, dim=-1)
    return query_N1A, key_NSA, value_NSA


def _fused_bias(attn: Any) -> torch.Tensor | None:
    """The bias of the fused projection; EVA's attention keeps it in three pieces beside the layer."""
    if getattr(attn, "q_bias", None) is not None:
        return torch.cat([attn.q_bias, attn.k_bias, attn.v_bias])
    bias: torch.Tensor | None = attn.qkv.bias
    return bias


def _heads(attn: Any, rows_NSA: torch.Tensor) -> torch.Tensor:
    return torch.unflatten(rows_NSA, -1, (-1, attn.head_dim)).transpose(1, 2)


def _rotate_patches(attn: Any, key_NhSd: torch.Tensor, rope: torch.Tensor) -> torch.Tensor:
    """Turn the patches' keys by their position; class token and registers have none, so the query stays as it is."""
    prefix, patches = key_NhSd[:, :, : attn.num_prefix_tokens], key_NhSd[:, :, attn.num_prefix_tokens :]
    turned = apply_rot_embed_cat(patches, rope, half=attn.rotate_half)
    rotated: torch.Tensor = torch.cat([prefix, turned], dim=2).type_as(key_NhSd)
    return rotated
