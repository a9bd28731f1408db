"""A timm Vision Transformer, cut before its last block: that block and the final norm become the global branch."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Literal, NamedTuple

import timm
import torch
from timm.layers import PatchEmbed
from timm.models.eva import Eva, EvaBlock
from timm.models.vision_transformer import Block, VisionTransformer
from torch import nn
from torch.utils.checkpoint import checkpoint

from keyreid_stream.errors import ConfigError, DownloadError
from keyreid_stream.models.stem import ConvolutionalStem, give_stem

PIXEL_MEAN = 0.5
"""Images enter as (x/255 - PIXEL_MEAN) / PIXEL_STD, whatever the backbone was pretrained with."""
PIXEL_STD = 0.5


_ALLOWED = (
    "choose a timm Vision Transformer with a class token, such as vit_small_patch16_224, vit_small_patch14_dinov2 "
    "or vit_small_patch16_dinov3"
)


class Backbone(nn.Module):
    """Patch embedding, position and all blocks but the last (method section 1 step 1).

    Attributes:
        vit: the timm model, without its last block, final norm and head.
        channels: D.
        heads: attention heads of a block.
        grid: rows and columns of patches.
        prefix_tokens: tokens before the patches: the class token and any registers.
        checkpointing: in training, compute blocks again for the backward pass instead of keeping what they computed:
            less memory, a third more time.
    """

    def __init__(self, vit: Any) -> None:
        super().__init__()
        self.vit: Any = vit
        self.channels: int = vit.embed_dim
        self.heads: int = vit.blocks[0].attn.num_heads
        self.grid: tuple[int, int] = vit.patch_embed.grid_size
        self.prefix_tokens: int = vit.num_prefix_tokens
        self.checkpointing = False

    def forward(
        self, images: torch.Tensor, offsets_ND: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Tokens of N crops.

        Args:
            images: (N, 3, H, W) floating, normalised RGB.
            offsets_ND: (N, D) added to every token of a crop beside its position embedding.

        Returns:
            (N, prefix_tokens + M, D) tokens, class token first, and the rotary embedding that the block after these
            would get (None for a backbone that has none).
        """
        embedded = self.vit._pos_embed(self.vit.patch_embed(images))
        tokens, rope = embedded if isinstance(embedded, tuple) else (embedded, None)
        if offsets_ND is not None:
            tokens = tokens + offsets_ND[:, None]
        tokens = self.vit.norm_pre(tokens)
        for depth, block in enumerate(self.vit.blocks):
            run = block if rope is None else partial(block, rope=self._rope_at(rope, depth))
            if self.checkpointing and self.training:
                tokens = checkpoint(run, tokens, use_reentrant=False)
            else:
                tokens = run(tokens)
        return tokens, None if rope is None else self._rope_at(rope, -1)

    def _rope_at(self, rope: torch.Tensor, depth: int) -> torch.Tensor:
        """The rotary embedding of one block; only "mixed" backbones learn one per block."""
        return rope[depth] if self.vit.rope_mixed else rope


class SplitBackbone(NamedTuple):
    """A Vision Transformer in two: everything before its last block, and that block with the final norm."""

    backbone: Backbone
    last_block: nn.Module
    last_norm: nn.Module


def create_backbone(
    name: str,
    height: int,
    width: int,
    *,
    stem: Literal["patch", "convolutional"] = "patch",
    reshaped: Mapping[str, int] | None = None,
    imagenet: bool = False,
) -> SplitBackbone:
    """Build a timm Vision Transformer for crops of this size, and split it.

    Args:
        name: a timm model name; never a hub address.
        height: crop height in pixels, a multiple of the backbone's patch size.
        width: crop width in pixels, likewise.
        stem: how pixels become patch tokens.
        reshaped: timm's settings of the shape that differ from the named one's (`embed_dim`, `depth`, ...).
        imagenet: download timm's pretrained weights; the only case in which anything is downloaded.

    Raises:
        ConfigError: the name is unknown or names something other than a Vision Transformer with a class token, the
            crop size does not fit its patches, the shape is impossible, or no pretrained weights fit it.
        DownloadError: the pretrained weights cannot be had.
    """
    if not timm.is_model(name):
        raise ConfigError(f"unknown backbone {name!r}; {_ALLOWED}")
    reshaped = dict(reshaped or {})
    if imagenet and (reshaped or stem != "patch"):
        raise ConfigError(
            f"pretrained weights of {name!r} fit its own shape and stem alone; leave stem, patch_size, width, depth "
            "and heads as they are, or start from random weights"
        )
    try:
        vit = timm.create_model(
            name, pretrained=imagenet, num_classes=0, img_size=(height, width), dynamic_img_size=False, **reshaped
        )
    except AssertionError:
        raise ConfigError(f"{name!r} cannot have the shape {reshaped}; heads must divide width") from None
    except TypeError:
        # Networks of other kinds do not know these arguments.
        raise ConfigError(f"backbone {name!r} is not a Vision Transformer; {_ALLOWED}") from None
    except OSError as error:
        reason = str(error).splitlines()[0]
        raise DownloadError(
            f"pretrained weights of {name!r} cannot be downloaded ({reason}); try again online"
        ) from error
    if imagenet:
        expect_common_pixels(vit.patch_embed.proj, vit.pretrained_cfg["mean"], vit.pretrained_cfg["std"])
    if stem == "convolutional":
        _check_kind(vit, name)
        _check_crop(vit, name, height, width)
        give_stem(vit, name, height, width)
    return split_backbone(vit, name, height, width)


def split_backbone(vit: Any, name: str, height: int, width: int) -> SplitBackbone:
    """Split a timm Vision Transformer (which is taken over) before its last block.

    Raises:
        ConfigError: it is of a kind that cannot be split, or the crop does not fit its patches.
    """
    _check_kind(vit, name)
    _check_crop(vit, name, height, width)
    *blocks, last_block = vit.blocks
    last_norm = next(
        (norm for norm in (vit.norm, vit.fc_norm) if not isinstance(norm, nn.Identity)),
        nn.LayerNorm(vit.embed_dim, eps=1e-6),
    )
    vit.blocks = nn.ModuleList(blocks)
    vit.norm, vit.fc_norm, vit.head, vit.attn_pool = nn.Identity(), nn.Identity(), nn.Identity(), None
    if isinstance(vit.patch_embed, PatchEmbed):
        _ensure_bias(vit.patch_embed.proj)
    return SplitBackbone(Backbone(vit), last_block, last_norm)


def expect_common_pixels(proj: nn.Conv2d, mean: tuple[float, ...], std: tuple[float, ...]) -> None:
    """Change a patch embedding that wants (x - mean) / std so that it gives the same from (x - 0.5) / 0.5.

    Exact, since the patches have no padding. Pretrained backbones differ in what they want (DINOv2, CLIP), while
    crops, training and engines know one normalisation.
    """
    _ensure_bias(proj)
    scale = proj.weight.new_tensor([PIXEL_STD / s for s in std]).view(1, 3, 1, 1)
    shift = proj.weight.new_tensor([(PIXEL_MEAN - m) / s for m, s in zip(mean, std, strict=True)]).view(1, 3, 1, 1)
    with torch.no_grad():
        if proj.bias is not None:
            proj.bias += (proj.weight * shift).sum(dim=(1, 2, 3))
        proj.weight *= scale


def _check_kind(vit: Any, name: str) -> None:
    kind_fits = (
        isinstance(vit, VisionTransformer | Eva)
        and vit.cls_token is not None
        and type(vit.patch_embed) in (PatchEmbed, ConvolutionalStem)
        and len(vit.blocks) >= 2
        and all(type(block) in (Block, EvaBlock) for block in vit.blocks)
    )
    if not kind_fits:
        raise ConfigError(f"backbone {name!r} cannot be read at a class token; {_ALLOWED}")


def _check_crop(vit: Any, name: str, height: int, width: int) -> None:
    patch_height, patch_width = vit.patch_embed.patch_size
    if height % patch_height or width % patch_width:
        raise ConfigError(
            f"a crop of {height}x{width} does not divide into the {patch_height}x{patch_width} patches of {name!r}; "
            f"set crop_height to a multiple of {patch_height} and crop_width to a multiple of {patch_width}"
        )


def _ensure_bias(proj: nn.Conv2d) -> None:
    """CLIP-like backbones have no patch bias; folding a normalisation needs one, and weights files one layout."""
    if proj.bias is None:
        proj.bias = nn.Parameter(proj.weight.new_zeros(proj.out_channels))
