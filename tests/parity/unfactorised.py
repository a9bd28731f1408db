"""The published arrangement as method.md section 1 describes it, step by step: every block for every row.

The oracle for the factorised model, and what the benchmark compares it with. It shares the model's parameters and
nothing else: plain timm blocks are called on whole sequences.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch.nn.functional import batch_norm, conv1d, conv2d, layer_norm, relu

from keyreid_stream.models.clip_head import ClipFeatures
from keyreid_stream.models.keyreid import KeyReID


class Unfactorised(NamedTuple):
    """`tokens` (B·T, S, D), `global_feature` (B, D), `part_features` (B, P, T·D), `attention_logits` (B, T) and
    `embedding` (B, D + P·T·D)."""

    tokens: torch.Tensor
    global_feature: torch.Tensor
    part_features: torch.Tensor
    attention_logits: torch.Tensor
    embedding: torch.Tensor


def unfactorised(model: KeyReID, crops: torch.Tensor, heatmaps: torch.Tensor, cameras: torch.Tensor) -> Unfactorised:
    """Embed B clips the expensive way.

    Args:
        model: a published one, whose parameters to use.
        crops: (B, T, 3, H, W) normalised.
        heatmaps: (B, T, P, H, W) in [-1, 1].
        cameras: (B, T) known cameras.
    """
    clips, frames = crops.shape[:2]
    parts = heatmaps.shape[2]
    tokens = _backbone(model, crops.flatten(0, 1), cameras.flatten())
    global_feature, logits = _global_branch(model, tokens, clips, frames)

    rows, columns = model.frame_encoder.backbone.grid
    patch = (crops.shape[3] // rows, crops.shape[4] // columns)
    by_patch = heatmaps.reshape(clips, frames, parts, rows, patch[0], columns, patch[1])
    weights = by_patch.mean(dim=(4, 6)).flatten(3).mean(dim=1)

    viewed = tokens.reshape(clips, tokens.shape[1], -1)
    token, sequence = viewed[:, :1], torch.cat([viewed[:, 5:], viewed[:, 1:5]], dim=1)
    dealt = torch.unflatten(sequence, 1, (2, -1)).transpose(1, 2).flatten(1, 2)
    local = model.clip_head.local
    features, embedding = [], [_neck(model.clip_head.global_norm, global_feature)]
    for part in range(parts):
        whole = local.block(torch.cat([token, dealt * weights[:, part, :, None]], dim=1))
        channels = whole.shape[-1]
        normed = layer_norm(whole, (channels,), local.norm.weight, local.norm.bias, 1e-5)
        features.append(normed[:, 0])
        embedding.append(_neck(model.clip_head.part_norms[part], normed[:, 0]) / parts)
    return Unfactorised(tokens, global_feature, torch.stack(features, 1), logits, torch.cat(embedding, 1))


def unfactorised_features(
    model: KeyReID, crops: torch.Tensor, heatmaps: torch.Tensor, cameras: torch.Tensor
) -> ClipFeatures:
    """The same way in training: BatchNorm by the batch's own statistics, and all that the losses ask for.

    Arguments as for `unfactorised`; every part must be visible somewhere.
    """
    way, head = unfactorised(model, crops, heatmaps, cameras), model.clip_head
    global_neck = head.global_norm(way.global_feature)
    necks = [norm(part) for norm, part in zip(head.part_norms, way.part_features.unbind(dim=1), strict=True)]
    return ClipFeatures(
        embedding=torch.cat([global_neck, *(neck / len(necks) for neck in necks)], dim=1),
        visibility=torch.ones(len(crops), len(necks), dtype=crops.dtype, device=crops.device),
        global_feature=way.global_feature,
        global_neck=global_neck,
        part_features=way.part_features,
        part_necks=torch.stack(necks, dim=1),
        attention_logits=way.attention_logits,
    )


def _backbone(model: KeyReID, images: torch.Tensor, cameras: torch.Tensor) -> torch.Tensor:
    vit, camera_rows = model.frame_encoder.backbone.vit, model.frame_encoder.cameras
    assert camera_rows is not None
    kernel = vit.patch_embed.proj
    patches = conv2d(images, kernel.weight, kernel.bias, stride=kernel.kernel_size).flatten(2).transpose(1, 2)
    tokens = torch.cat([vit.cls_token.expand(len(images), -1, -1), patches], dim=1)
    tokens = tokens + vit.pos_embed + 3.0 * camera_rows.weight[cameras][:, None]
    for block in vit.blocks:
        tokens = block(tokens)
    encoded: torch.Tensor = tokens
    return encoded


def _global_branch(model: KeyReID, tokens: torch.Tensor, clips: int, frames: int) -> tuple[torch.Tensor, torch.Tensor]:
    encoder, temporal = model.frame_encoder, model.clip_head.temporal
    rows = encoder.global_norm(encoder.global_block(tokens))[:, 0].view(clips, frames, -1)
    hidden = relu(
        conv2d(rows.transpose(1, 2)[..., None], temporal.reduce.weight[..., None, None], temporal.reduce.bias)
    )
    logits = relu(conv1d(hidden.squeeze(-1), temporal.score.weight, temporal.score.bias, padding=1)).view(clips, frames)
    attention = torch.softmax(logits, dim=1)
    return torch.einsum("bt,btd->bd", attention, rows), logits


def _neck(norm: Any, feature: torch.Tensor) -> torch.Tensor:
    neck: torch.Tensor = batch_norm(feature, norm.running_mean, norm.running_var, norm.weight, norm.bias, eps=1e-5)
    return neck
