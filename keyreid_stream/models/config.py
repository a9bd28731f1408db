"""The shape of a KeyRe-ID model, and the named configurations."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from keyreid_stream.errors import ConfigError

NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"
"""Names come out of weights files too, and are shown: nothing in them may drive a terminal or lead to a file."""


class ModelConfig(BaseModel):
    """Everything needed to build the network; stored beside every weights file.

    Attributes:
        name: what users call it.
        mode: `aligned`, our model (method section 4), or `published`, bit-compatible with the published checkpoint.
        backbone: the timm name of a Vision Transformer.
        stem: how pixels become patch tokens: `patch`, one convolution without overlap as in timm, or `convolutional`,
            a few that overlap, for training from random weights.
        patch_size, width, depth, heads: of the backbone, where they differ from what its name says (side of a patch in
            pixels, channels, blocks, attention heads); 0 takes the backbone's own.
        crop_height, crop_width: crop size in pixels.
        frames: T, the crops in a full clip.
        parts: P, body parts.
        part_dim: numbers per part in an embedding (aligned mode; the published mode has frames · channels).
        local_heads: attention heads of the local branch; 0 takes the backbone's.
        cameras: camera embeddings learned in training; 0 for none.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1, max_length=64, pattern=NAME_PATTERN)
    mode: Literal["aligned", "published"] = "aligned"
    backbone: str = Field(min_length=1, max_length=128, pattern=NAME_PATTERN)
    stem: Literal["patch", "convolutional"] = "patch"
    patch_size: int = Field(default=0, ge=0, le=64)
    width: int = Field(default=0, ge=0, le=4096)
    depth: int = Field(default=0, ge=0, le=64)
    heads: int = Field(default=0, ge=0, le=64)
    crop_height: int = Field(default=256, ge=16, le=1024)
    crop_width: int = Field(default=128, ge=16, le=1024)
    frames: int = Field(default=4, ge=1, le=8)
    parts: int = Field(default=6, ge=1, le=6)
    part_dim: int = Field(default=256, ge=1, le=8192)
    local_heads: int = Field(default=0, ge=0, le=256)
    cameras: int = Field(default=0, ge=0, le=10_000)

    @property
    def reshaped(self) -> dict[str, int]:
        """What of the backbone differs from what its name says, by timm's names."""
        given = {"patch_size": self.patch_size, "embed_dim": self.width, "depth": self.depth, "num_heads": self.heads}
        return {name: number for name, number in given.items() if number}


NAMED_MODELS: dict[str, ModelConfig] = {
    "tiny": ModelConfig(name="tiny", backbone="vit_tiny_patch16_224", part_dim=64),
    "small": ModelConfig(name="small", backbone="vit_small_patch16_224", part_dim=128),
    "base": ModelConfig(name="base", backbone="vit_base_patch16_224", part_dim=256),
    "published": ModelConfig(
        name="published", mode="published", backbone="vit_base_patch16_224", part_dim=3072, cameras=6
    ),
    "micro": ModelConfig(
        name="micro",
        backbone="vit_tiny_patch16_224",
        stem="convolutional",
        patch_size=8,
        depth=6,
        frames=2,
        crop_height=128,
        crop_width=64,
        part_dim=64,
    ),
}


def named_model(name: str) -> ModelConfig:
    """The configuration of this name.

    Raises:
        ConfigError: there is none.
    """
    try:
        return NAMED_MODELS[name]
    except KeyError:
        raise ConfigError(f"unknown model {name!r}; choose one of: {', '.join(NAMED_MODELS)}") from None
