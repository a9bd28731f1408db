from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from timm.models.eva import Eva
from timm.models.vision_transformer import VisionTransformer
from torch import nn

from keyreid_stream.models.attention import class_attention, class_row
from keyreid_stream.models.backbone import SplitBackbone, split_backbone

SMALL: dict[str, Any] = {"img_size": (64, 32), "embed_dim": 32, "depth": 3, "num_heads": 2, "num_classes": 0}

KINDS: dict[str, Callable[[], nn.Module]] = {
    "deit-like": partial(VisionTransformer, **SMALL),
    "dinov2-like": partial(VisionTransformer, **SMALL, reg_tokens=4, no_embed_class=True, init_values=0.3),
    "clip-like": partial(VisionTransformer, **SMALL, pre_norm=True),
    "averaging": partial(VisionTransformer, **SMALL, global_pool="avg"),
    "normed attention": partial(VisionTransformer, **SMALL, qk_norm=True, scale_attn_norm=True),
    "dinov3-like": partial(
        Eva,
        **SMALL,
        num_reg_tokens=4,
        rope_type="dinov3",
        use_rot_pos_emb=True,
        use_abs_pos_emb=False,
        rope_rotate_half=True,
        qkv_bias=False,
        init_values=0.3,
        use_fc_norm=False,
    ),
    "eva02-like": partial(
        Eva, **SMALL, qkv_fused=False, swiglu_mlp=True, scale_mlp=True, scale_attn_inner=True, use_rot_pos_emb=True
    ),
    "eva with biases": partial(Eva, **SMALL, use_rot_pos_emb=True, global_pool="token"),
    "learned rope": partial(Eva, **SMALL, use_rot_pos_emb=True, rope_type="mixed", attn_type="rope"),
    "grouped queries": partial(
        Eva, **SMALL, use_rot_pos_emb=True, attn_type="rope", qkv_fused=False, num_kv_heads=1, global_pool="token"
    ),
}


def split(kind: str) -> SplitBackbone:
    torch.manual_seed(0)
    vit = KINDS[kind]().eval()
    for parameter in vit.parameters():
        nn.init.normal_(parameter, std=0.3)
    return split_backbone(vit, kind, 64, 32)


@pytest.mark.parametrize("kind", KINDS)
def test_the_class_row_is_row_0_of_the_whole_block(kind: str) -> None:
    backbone, block, _ = split(kind)
    with torch.inference_mode():
        tokens, rope = backbone(torch.randn(3, 3, 64, 32))
        whole = block(tokens) if rope is None else block(tokens, rope=rope)
        torch.testing.assert_close(class_row(block, tokens, rope), whole[:, 0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_the_split_network_computes_what_timm_computes(kind: str) -> None:
    torch.manual_seed(0)
    vit = KINDS[kind]().eval()
    for parameter in vit.parameters():
        nn.init.normal_(parameter, std=0.3)
    images = torch.randn(2, 3, 64, 32)
    with torch.inference_mode():
        expected = vit.fc_norm(vit.forward_features(images))[:, 0]
        backbone, block, norm = split(kind)
        tokens, rope = backbone(images)
        torch.testing.assert_close(norm(class_row(block, tokens, rope)), expected, rtol=1e-4, atol=1e-5)


def test_gradients_reach_the_block_as_through_the_whole_block() -> None:
    _, block, _ = split("deit-like")
    tokens = torch.randn(2, 9, 32)
    probe = torch.randn(2, 32)
    (block(tokens)[:, 0] * probe).sum().backward()
    expected = {name: parameter.grad.clone() for name, parameter in block.named_parameters()}
    block.zero_grad()
    (class_row(block, tokens) * probe).sum().backward()
    for name, parameter in block.named_parameters():
        torch.testing.assert_close(parameter.grad, expected[name], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_the_class_row_s_attention_is_that_of_the_whole_block(kind: str) -> None:
    """timm computes the whole matrix where it may not fuse; its dropout is handed that matrix."""
    backbone, block, _ = split(kind)
    seen: list[torch.Tensor] = []
    attn: Any = block.attn
    attn.fused_attn = False
    attn.attn_drop.register_forward_hook(lambda _module, given, _result: seen.append(given[0]))
    with torch.inference_mode():
        tokens, rope = backbone(torch.randn(3, 3, 64, 32))
        block(tokens) if rope is None else block(tokens, rope=rope)
        ours = class_attention(block, tokens, rope)
    (matrix,) = seen
    assert ours.shape == tokens.shape[:2]
    torch.testing.assert_close(ours, matrix[:, :, 0].mean(dim=1), rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(ours.sum(dim=1), torch.ones(3))
