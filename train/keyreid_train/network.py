"""The network that a training starts from."""

from __future__ import annotations

from typing import Any

from timm.layers import DropPath

from keyreid_stream.devices import torch_device
from keyreid_stream.models.build import build_model
from keyreid_stream.models.clip_head import AlignedClipHead
from keyreid_stream.models.keyreid import KeyReID
from keyreid_stream.models.known_weights import resolve_weights
from keyreid_stream.models.weights import load_weights
from keyreid_train.settings import TrainConfig


def starting_network(config: TrainConfig, classes: int) -> tuple[KeyReID, str | None]:
    """Build the network.

    Args:
        config: the training's settings.
        classes: identities to tell apart.

    Returns:
        The network in training mode, and the SHA-256 of the weights that it starts from, if any.

    Raises:
        ConfigError: the settings fit no network.
        WeightsError: the weights to start from cannot be read.
        DownloadError: pretrained weights cannot be had.
    """
    model = build_model(config.model, classes=classes, seed=config.seed, imagenet=config.imagenet)
    parent = _take_weights(model, config.weights) if config.weights else None
    model.frame_encoder.backbone.checkpointing = config.loop.checkpointing
    if isinstance(model.clip_head, AlignedClipHead):
        model.clip_head.tcss.probability = config.loop.tcss
    blocks: list[Any] = [*model.frame_encoder.backbone.vit.blocks, model.frame_encoder.global_block]
    _drop_paths(blocks, config.loop.drop_path)
    if torch_device(config.device).type == "cpu":
        _plain_attention(blocks)
    return model.train(), parent


def _take_weights(model: KeyReID, weights: str) -> str:
    """Copy every tensor that has the same name and shape; classifiers of other people do not."""
    stored = load_weights(resolve_weights(weights))
    ours = model.state_dict()
    for name, tensor in stored.tensors.items():
        if not name.startswith("classifiers.") and name in ours and ours[name].shape == tensor.shape:
            ours[name].copy_(tensor)
    return stored.sha256


def _drop_paths(blocks: list[Any], chance: float) -> None:
    """Stochastic depth: deeper blocks are skipped more often, the last with this chance."""
    if chance:
        for depth, block in enumerate(blocks):
            block.drop_path1 = block.drop_path2 = DropPath(chance * depth / (len(blocks) - 1))


def _plain_attention(blocks: list[Any]) -> None:
    """On a CPU the fused attention's backward pass takes longer than all the rest of a block."""
    for block in blocks:
        block.attn.fused_attn = False
