from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from keyreid_stream.models.local import LocalBranch, ScalingLocalBranch, SoftLocalBranch

CHANNELS, HEADS, PARTS, PATCHES = 24, 3, 3, 6


def branch(kind: type[LocalBranch]) -> LocalBranch:
    torch.manual_seed(0)
    made = kind(CHANNELS, HEADS, norm_eps=1e-5).eval()
    for parameter in made.parameters():
        nn.init.normal_(parameter, std=0.3)
    return made


def rows_and_weights(seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    rows = torch.randn(2, 1 + PATCHES, CHANNELS, generator=generator)
    weights = torch.rand(2, PARTS, PATCHES, generator=generator)
    return rows, weights * (torch.rand(weights.shape, generator=generator) < 0.6)


@torch.inference_mode()
@given(seed=st.integers(0, 2**31))
@settings(deadline=None, max_examples=25)
def test_soft_weights_are_a_mask_of_log_weights_on_timms_own_block(seed: int) -> None:
    local = branch(SoftLocalBranch)
    rows, weights = rows_and_weights(seed)
    features = local(rows, weights)
    for part in range(PARTS):
        mask = torch.zeros(2, 1, 1, 1 + PATCHES)
        mask[:, 0, 0, 1:] = weights[:, part].log()
        whole = local.norm(local.block(rows, attn_mask=mask.expand(-1, HEADS, 1 + PATCHES, -1)))
        torch.testing.assert_close(features[:, part], whole[:, 0], rtol=1e-4, atol=1e-5)


@torch.inference_mode()
@given(seed=st.integers(0, 2**31))
@settings(deadline=None, max_examples=25)
def test_scaling_weights_are_timms_own_block_on_multiplied_rows(seed: int) -> None:
    local = branch(ScalingLocalBranch)
    rows, weights = rows_and_weights(seed)
    signed = 2 * weights - 1
    features = local(rows, signed)
    for part in range(PARTS):
        multiplied = torch.cat([rows[:, :1], rows[:, 1:] * signed[:, part, :, None]], dim=1)
        whole = local.norm(local.block(multiplied))
        torch.testing.assert_close(features[:, part], whole[:, 0], rtol=1e-4, atol=1e-5)


@torch.inference_mode()
@pytest.mark.parametrize("weight", [0.0, 1e-30, -1e-4, 1e-3])
def test_scaling_by_next_to_nothing_is_exact_too(weight: float) -> None:
    """Here LayerNorm's epsilon decides; rows of equal numbers have no variance at all."""
    local = branch(ScalingLocalBranch)
    rows, _ = rows_and_weights(0)
    rows[:, 2] = 0.7
    weights = torch.full((2, 1, PATCHES), weight)
    multiplied = torch.cat([rows[:, :1], rows[:, 1:] * weight], dim=1)
    whole = local.norm(local.block(multiplied))
    torch.testing.assert_close(local(rows, weights)[:, 0], whole[:, 0], rtol=1e-4, atol=1e-5)


@torch.inference_mode()
def test_a_part_that_nothing_shows_gives_the_class_rows_own_feature() -> None:
    local = branch(SoftLocalBranch)
    rows, weights = rows_and_weights(0)
    weights[:, 1] = 0
    alone = local.norm(local.block(rows[:, :1]))[:, 0]
    torch.testing.assert_close(local(rows, weights)[:, 1], alone, rtol=1e-4, atol=1e-5)


@torch.inference_mode()
@given(seed=st.integers(0, 2**31))
@settings(deadline=None, max_examples=25)
def test_a_patch_of_weight_0_does_not_change_its_part(seed: int) -> None:
    local = branch(SoftLocalBranch)
    rows, weights = rows_and_weights(seed)
    weights[:, 0, 2] = 0
    weights[:, 1, 2] = 0.5
    before = local(rows, weights)
    rows[:, 1 + 2] = -rows[:, 1 + 2]
    after = local(rows, weights)
    torch.testing.assert_close(after[:, 0], before[:, 0], rtol=1e-4, atol=1e-5)
    assert not torch.allclose(after[:, 1], before[:, 1], atol=1e-3)


@torch.inference_mode()
@pytest.mark.parametrize("kind", [SoftLocalBranch, ScalingLocalBranch])
def test_one_parts_weights_do_not_change_the_others(kind: type[LocalBranch]) -> None:
    local = branch(kind)
    rows, weights = rows_and_weights(0)
    before = local(rows, weights)
    weights[:, 1] = 0
    after = local(rows, weights)
    torch.testing.assert_close(after[:, [0, 2]], before[:, [0, 2]], rtol=1e-5, atol=1e-6)
    assert not torch.allclose(after[:, 1], before[:, 1], atol=1e-3)


@torch.inference_mode()
@given(order=st.permutations(range(PATCHES)))
@settings(deadline=None, max_examples=25)
def test_the_order_of_patches_does_not_matter_if_weights_follow(order: list[int]) -> None:
    for kind in (SoftLocalBranch, ScalingLocalBranch):
        local = branch(kind)
        rows, weights = rows_and_weights(0)
        reordered = torch.cat([rows[:, :1], rows[:, 1:][:, order]], dim=1)
        torch.testing.assert_close(local(reordered, weights[..., order]), local(rows, weights), rtol=1e-4, atol=1e-5)


def test_gradients_are_finite_where_weights_are_0() -> None:
    local = branch(SoftLocalBranch).train()
    rows, weights = rows_and_weights(0)
    weights[:, 1] = 0
    rows.requires_grad_()
    local(rows, weights).square().sum().backward()
    assert rows.grad is not None
    assert rows.grad.isfinite().all()
    assert all(parameter.grad.isfinite().all() for parameter in local.parameters())
