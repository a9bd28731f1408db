from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from keyreid_stream.models.temporal import TCSS, TemporalAttention, slot_frames


@pytest.mark.parametrize(
    ("frames", "slots", "expected"),
    [
        (1, 4, [0, 0, 0, 0]),
        (2, 4, [0, 0, 1, 1]),
        (3, 4, [0, 0, 1, 2]),
        (4, 4, [0, 1, 2, 3]),
        (1, 1, [0]),
        (3, 8, [0, 0, 0, 1, 1, 1, 2, 2]),
    ],
)
def test_short_clips_repeat_frames_in_order(frames: int, slots: int, expected: list[int]) -> None:
    assert slot_frames(frames, slots) == expected


@given(slots=st.integers(1, 8), data=st.data())
def test_every_frame_fills_a_slot_about_equally_often_and_in_order(slots: int, data: st.DataObject) -> None:
    frames = data.draw(st.integers(1, slots))
    filled = slot_frames(frames, slots)
    assert filled == sorted(filled)
    shares = [filled.count(frame) for frame in range(frames)]
    assert sum(shares) == slots
    assert max(shares) - min(shares) <= 1


@pytest.mark.parametrize("frames", [0, 5, -1])
def test_no_frames_or_too_many_are_refused(frames: int) -> None:
    with pytest.raises(ValueError, match=f"1 to 4 frames, got {frames}"):
        slot_frames(frames, 4)


@torch.inference_mode()
def test_temporal_attention_by_hand() -> None:
    attention = TemporalAttention(channels=2, hidden=1)
    attention.reduce.weight.copy_(torch.tensor([[1.0, 0.0]]))
    attention.reduce.bias.zero_()
    attention.score.weight.copy_(torch.tensor([[[0.0, 1.0, 2.0]]]))
    attention.score.bias.fill_(-1.0)
    rows = torch.tensor([[[1.0, 5.0], [-3.0, 7.0], [2.0, 9.0]]])
    mean, logits = attention(rows)
    # After the first layer 1, 0 (clipped), 2; the kernel takes each frame and twice the next, minus 1, clipped.
    assert logits.tolist() == [[0.0, 3.0, 1.0]]
    weights = torch.tensor([0.0, 3.0, 1.0]).softmax(0)
    torch.testing.assert_close(mean[0], weights @ rows[0])


def counted_clip(clips: int, frames: int, patches: int) -> torch.Tensor:
    """Tokens that are all different."""
    return torch.arange(clips * frames * patches, dtype=torch.float32).view(clips, frames, patches, 1)


def test_tcss_does_nothing_in_evaluation() -> None:
    tokens = counted_clip(2, 4, 8)
    assert TCSS(probability=1.0).eval()(tokens) is tokens


@given(frames=st.integers(1, 8), patches=st.integers(1, 9), groups=st.integers(1, 4), seed=st.integers(0, 2**31))
def test_tcss_permutes_each_patch_in_time(frames: int, patches: int, groups: int, seed: int) -> None:
    tokens = counted_clip(3, frames, patches)
    moved = TCSS(groups, probability=1.0).train()(tokens, torch.Generator().manual_seed(seed))
    assert torch.equal(moved.sort(dim=1).values, tokens)


@given(frames=st.integers(1, 8), seed=st.integers(0, 2**31))
def test_part_weights_need_not_move_along_with_their_tokens(frames: int, seed: int) -> None:
    """Moved by the very same draw, they have the same mean over the frames, which is all that the clip head reads."""
    generator = torch.Generator().manual_seed(seed)
    weights_BTMP = torch.rand(5, frames, 8, 3, generator=generator)
    moved_BTMP = TCSS(probability=1.0).train()(weights_BTMP, generator)
    torch.testing.assert_close(moved_BTMP.mean(dim=1), weights_BTMP.mean(dim=1))


def test_tcss_moves_a_group_of_patches_together_and_groups_apart() -> None:
    tokens = counted_clip(64, 4, 8)
    moved = TCSS(groups=2, probability=1.0).train()(tokens, torch.Generator().manual_seed(0))
    source = (moved - tokens[:, :1]).squeeze(-1) / 8
    assert torch.equal(source[..., :4], source[..., :1].expand(-1, -1, 4))
    assert torch.equal(source[..., 4:], source[..., 4:5].expand(-1, -1, 4))
    assert not torch.equal(source[..., 0], source[..., 4])


def test_tcss_shifts_about_half_of_the_groups_and_shuffles_the_others() -> None:
    tokens = counted_clip(400, 8, 4)
    moved = TCSS(groups=1, probability=1.0).train()(tokens, torch.Generator().manual_seed(0))
    orders = [tuple(order) for order in ((moved - tokens[:, :1])[:, :, 0, 0] / 4).int().tolist()]
    shifts = {tuple((start + step) % 8 for step in range(8)) for start in range(8)}
    assert shifts <= set(orders)
    # Only one shuffle in 5,040 looks like a shift.
    assert 0.4 < sum(order in shifts for order in orders) / len(orders) < 0.6


def test_tcss_leaves_the_other_share_of_clips_alone() -> None:
    tokens = counted_clip(400, 4, 8)
    moved = TCSS(probability=0.25).train()(tokens, torch.Generator().manual_seed(0))
    untouched = (moved == tokens).flatten(1).all(dim=1).float().mean()
    assert 0.68 < untouched < 0.82


def test_tcss_repeats_itself_with_a_seed() -> None:
    tokens = counted_clip(8, 4, 8)
    tcss = TCSS(probability=1.0).train()
    first = tcss(tokens, torch.Generator().manual_seed(5))
    second = tcss(tokens, torch.Generator().manual_seed(5))
    other = tcss(tokens, torch.Generator().manual_seed(6))
    assert torch.equal(first, second)
    assert not torch.equal(first, other)
