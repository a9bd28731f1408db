"""From a configuration to a network."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from timm.models.vision_transformer import VisionTransformer

from keyreid_stream.errors import ConfigError
from keyreid_stream.models.backbone import Backbone, create_backbone
from keyreid_stream.models.clip_head import AlignedClipHead
from keyreid_stream.models.config import ModelConfig
from keyreid_stream.models.frame_encoder import CameraEmbedding, FrameEncoder
from keyreid_stream.models.keyreid import Classifiers, KeyReID
from keyreid_stream.models.local import ScalingLocalBranch, SoftLocalBranch
from keyreid_stream.models.published_head import CAMERA_SCALE, PublishedClipHead, PublishedKeyReID
from keyreid_stream.structures import CropSpec, EmbeddingLayout


def build_model(
    config: ModelConfig, *, classes: int = 0, seed: int | None = None, imagenet: bool = False
) -> KeyReID | PublishedKeyReID:
    """Build an untrained model, in evaluation mode.

    Args:
        config: its shape.
        classes: identities to classify in training; 0 for no classifiers.
        seed: makes the initial weights reproducible and leaves torch's random state as it was; None draws from
            torch's own.
        imagenet: start the backbone from timm's pretrained weights, which downloads them.

    Raises:
        ConfigError: the configuration fits no network.
        DownloadError: pretrained weights were asked for and cannot be had.
    """
    with _seeded(seed):
        return _assemble(config, classes, imagenet).eval()


def build_skeleton(config: ModelConfig, *, classes: int = 0) -> KeyReID | PublishedKeyReID:
    """The same model without memory for its weights (on torch's meta device): to ask for shapes, or to fill.

    Raises:
        ConfigError: the configuration fits no network.
    """
    with torch.device("meta"):
        return _assemble(config, classes, imagenet=False).eval()


def crop_spec(config: ModelConfig) -> CropSpec:
    """The crops that a model of this configuration wants.

    Raises:
        ConfigError: the configuration fits no network.
    """
    return build_skeleton(config).crop_spec


def embedding_layout(config: ModelConfig) -> EmbeddingLayout:
    """The layout of the embeddings of a model of this configuration.

    Raises:
        ConfigError: the configuration fits no network.
    """
    return build_skeleton(config).layout


@contextmanager
def _seeded(seed: int | None) -> Iterator[None]:
    """Draw weights from `seed`. They are drawn on the host, so no other device's generator is touched."""
    if seed is None:
        yield
        return
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        yield


def _assemble(config: ModelConfig, classes: int, imagenet: bool) -> KeyReID | PublishedKeyReID:
    split = create_backbone(
        config.backbone,
        config.crop_height,
        config.crop_width,
        stem=config.stem,
        reshaped=config.reshaped,
        imagenet=imagenet,
    )
    layout = EmbeddingLayout(split.backbone.channels, config.parts, config.part_dim)
    published = config.mode == "published"
    if published:
        _check_published(config, split.backbone)
    cameras = _camera_embedding(config, split.backbone)
    frame_encoder = FrameEncoder(split.backbone, split.last_block, split.last_norm, cameras)
    channels, heads = config.frames * split.backbone.channels, _local_heads(config, split.backbone)
    classifiers = Classifiers(layout, classes) if classes else None
    if published:
        published_head = PublishedClipHead(ScalingLocalBranch(channels, heads, norm_eps=1e-5), layout, config.frames)
        return PublishedKeyReID(config, frame_encoder, published_head, classifiers)
    aligned_head = AlignedClipHead(SoftLocalBranch(channels, heads), layout, config.frames)
    return KeyReID(config, frame_encoder, aligned_head, classifiers)


def _camera_embedding(config: ModelConfig, backbone: Backbone) -> CameraEmbedding | None:
    if config.cameras == 0:
        return None
    if config.mode == "published":
        return CameraEmbedding(config.cameras, backbone.channels, scale=CAMERA_SCALE, neutral="mean")
    return CameraEmbedding(config.cameras, backbone.channels, neutral="zero")


def _local_heads(config: ModelConfig, backbone: Backbone) -> int:
    heads = config.local_heads or backbone.heads
    channels = config.frames * backbone.channels
    if channels % heads:
        raise ConfigError(
            f"local_heads is {heads}, which does not divide the local branch's {channels} channels "
            f"(frames x channels of the backbone); set local_heads to a divisor, or to 0 for {backbone.heads}"
        )
    return heads


def _check_published(config: ModelConfig, backbone: Backbone) -> None:
    if config.stem != "patch":
        raise ConfigError(f"published mode has no {config.stem} stem; set stem to 'patch', or use mode 'aligned'")
    if not isinstance(backbone.vit, VisionTransformer):
        raise ConfigError(
            f"published mode does not fit backbone {config.backbone!r}; use vit_base_patch16_224, or mode 'aligned'"
        )
    channels = config.frames * backbone.channels
    if config.part_dim != channels:
        raise ConfigError(
            f"part_dim is {config.part_dim}, but published mode has no neck: set it to {channels} (frames x channels)"
        )
    rows, columns = backbone.grid
    if rows * columns % 2:
        raise ConfigError(
            f"a crop of {config.crop_height}x{config.crop_width} has {rows}x{columns} patches, but published mode "
            "needs an even number; change crop_height or crop_width by one patch"
        )
