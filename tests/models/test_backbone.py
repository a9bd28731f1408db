from __future__ import annotations

from typing import Any

import pytest
import timm
import torch
from timm.models.vision_transformer import VisionTransformer
from torch import nn

from keyreid_stream.errors import ConfigError, DownloadError
from keyreid_stream.models.backbone import create_backbone, expect_common_pixels, split_backbone


@pytest.mark.parametrize(
    "name",
    [
        "no_such_network",
        "hf-hub:timm/vit_tiny_patch16_224.augreg_in21k",  # would be fetched
        "resnet18",  # no transformer
        "beit_base_patch16_224",  # another transformer
        "vit_base_patch16_siglip_224",  # no class token
        "vit_small_r26_s32_224",  # patches come from a convolutional network
        "vit_relpos_small_patch16_224",  # its blocks are of another kind
    ],
)
def test_other_networks_are_refused_with_what_is_allowed(name: str) -> None:
    with pytest.raises(ConfigError, match="class token") as caught, torch.device("meta"):
        create_backbone(name, 64, 32)
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("height", "width", "patch"), [(64, 40, 16), (65, 32, 16), (256, 128, 14)])
def test_a_crop_that_does_not_divide_into_patches_is_refused(height: int, width: int, patch: int) -> None:
    name = "test_vit" if patch == 16 else "vit_small_patch14_dinov2"
    with pytest.raises(ConfigError, match=f"{height}x{width}.*multiple of {patch}"), torch.device("meta"):
        create_backbone(name, height, width)


def test_the_last_block_and_norm_become_the_global_branch() -> None:
    vit = timm.create_model("test_vit", num_classes=0, img_size=(64, 32), dynamic_img_size=False)
    last_block, last_norm = vit.blocks[-1], vit.norm
    split = split_backbone(vit, "test_vit", 64, 32)
    assert split.last_block is last_block
    assert split.last_norm is last_norm
    assert len(split.backbone.vit.blocks) == 5
    assert (split.backbone.channels, split.backbone.heads, split.backbone.grid) == (64, 2, (4, 2))


def test_nothing_is_downloaded_unless_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bool] = []
    create_model = timm.create_model

    def spy(name: str, *, pretrained: bool, **settings: Any) -> nn.Module:
        asked.append(pretrained)
        return create_model(name, pretrained=False, **settings)

    monkeypatch.setattr(timm, "create_model", spy)
    create_backbone("test_vit", 64, 32)
    create_backbone("test_vit", 64, 32, imagenet=True)
    assert asked == [False, True]


def test_a_failed_download_says_so_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def offline(*_: Any, **__: Any) -> nn.Module:
        raise ConnectionError("no route\nto host")

    monkeypatch.setattr(timm, "create_model", offline)
    with pytest.raises(DownloadError, match=r"'test_vit'.*no route") as caught:
        create_backbone("test_vit", 64, 32, imagenet=True)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("bias", [True, False])
def test_a_backbone_that_wants_other_pixels_gets_what_it_wants(bias: bool) -> None:
    torch.manual_seed(0)
    mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    proj = nn.Conv2d(3, 8, 4, stride=4, bias=bias)
    pixels = torch.rand(2, 3, 8, 8)
    wanted = proj((pixels - torch.tensor(mean).view(3, 1, 1)) / torch.tensor(std).view(3, 1, 1))
    expect_common_pixels(proj, mean, std)
    torch.testing.assert_close(proj((pixels - 0.5) / 0.5), wanted, rtol=1e-4, atol=1e-5)


def test_a_backbone_without_patch_bias_gets_one_so_that_weights_files_have_one_layout() -> None:
    clip_like = VisionTransformer(img_size=32, embed_dim=16, depth=2, num_heads=2, num_classes=0, pre_norm=True)
    split = split_backbone(clip_like, "clip-like", 32, 32)
    assert torch.equal(split.backbone.vit.patch_embed.proj.bias, torch.zeros(16))
