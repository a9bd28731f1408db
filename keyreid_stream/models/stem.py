"""A convolutional stem: patches from a few overlapping convolutions instead of one (Xiao et al., arXiv 2106.14881).

A transformer that starts from random weights on few images learns much faster with it.
"""

from __future__ import annotations

from typing import Any

import torch
from timm.models.vision_transformer_hybrid import ConvStem
from torch import nn

from keyreid_stream.errors import ConfigError


class ConvolutionalStem(nn.Module):
    """Takes the place of timm's `PatchEmbed`: same grid, same output, one 3x3 convolution per halving.

    Attributes:
        patch_size: height and width of the patch that one token stands for, pixels.
        grid_size: rows and columns of patches.
    """

    def __init__(self, height: int, width: int, patch: int, channels: int) -> None:
        super().__init__()
        halvings = patch.bit_length() - 1
        self.patch_size = (patch, patch)
        self.grid_size = (height // patch, width // patch)
        self.layers: Any = ConvStem(depth=halvings, channels=channels, stride=(2,) * halvings)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """(N, 3, H, W) normalised RGB to (N, M, D), patches row-major."""
        tokens: torch.Tensor = self.layers(images).flatten(2).transpose(1, 2)
        return tokens


def give_stem(vit: Any, name: str, height: int, width: int) -> None:
    """Replace the patch embedding of a timm Vision Transformer.

    Raises:
        ConfigError: its patches are not square with a side that is a power of two, or its channels cannot be halved
            once per convolution.
    """
    patch_height, patch_width = vit.patch_embed.patch_size
    halvings = patch_height.bit_length() - 1
    if patch_height != patch_width or patch_height != 2**halvings or halvings < 1:
        raise ConfigError(
            f"a convolutional stem halves the picture, but {name!r} has patches of {patch_height}x{patch_width}; "
            "set patch_size to 2, 4, 8, 16 or 32, or stem to 'patch'"
        )
    if vit.embed_dim % 2 ** (halvings - 1):
        raise ConfigError(
            f"a convolutional stem for patches of {patch_height} needs channels that are a multiple of "
            f"{2 ** (halvings - 1)}, but {name!r} has {vit.embed_dim}; change width, or set stem to 'patch'"
        )
    vit.patch_embed = ConvolutionalStem(height, width, patch_height, vit.embed_dim)
