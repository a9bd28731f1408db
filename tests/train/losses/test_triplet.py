from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pytorch_metric_learning.distances import LpDistance
from pytorch_metric_learning.losses import TripletMarginLoss
from pytorch_metric_learning.miners import BatchHardMiner

from keyreid_train.losses.triplet import pairwise_distances, part_triplets, soft_margin_triplet

ON_A_LINE = torch.tensor([[0.0], [1.0], [4.0], [6.0]])
PEOPLE = torch.tensor([0, 0, 1, 1])


def test_a_line_of_four_by_hand() -> None:
    # Farthest positive and nearest negative of 0, 1, 4, 6: (1, 4), (1, 3), (2, 3), (2, 5).
    expected = sum(math.log1p(math.exp(gap)) for gap in (1 - 4, 1 - 3, 2 - 3, 2 - 5)) / 4
    assert soft_margin_triplet(pairwise_distances(ON_A_LINE), PEOPLE).item() == pytest.approx(expected, rel=1e-6)


def test_pairs_that_are_not_comparable_do_not_count() -> None:
    # Without the clip at 6, the one at 4 has no positive; of the other two 4 stays the nearest negative.
    shown = torch.tensor([True, True, True, False])
    expected = (math.log1p(math.exp(1 - 4)) + math.log1p(math.exp(1 - 3))) / 2
    loss = soft_margin_triplet(pairwise_distances(ON_A_LINE), PEOPLE, shown[:, None] & shown[None, :])
    assert loss.item() == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("labels", [[0, 0, 0, 0], [0, 1, 2, 3]])
def test_nobody_to_compare_with_gives_zero_and_no_gradient(labels: list[int]) -> None:
    features = ON_A_LINE.clone().requires_grad_()
    loss = soft_margin_triplet(pairwise_distances(features), torch.tensor(labels))
    loss.backward()
    assert loss.item() == 0
    assert features.grad is not None
    assert torch.equal(features.grad, torch.zeros_like(features))


def test_equal_clips_have_finite_gradients() -> None:
    features = torch.ones(4, 3, requires_grad=True)
    soft_margin_triplet(pairwise_distances(features), PEOPLE).backward()
    assert features.grad is not None
    assert features.grad.isfinite().all()


@given(seed=st.integers(0, 10_000), people=st.integers(2, 4), clips=st.integers(2, 4))
def test_agrees_with_a_library(seed: int, people: int, clips: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    features = torch.randn(people * clips, 5, generator=generator)
    labels = torch.arange(people).repeat_interleave(clips)
    distance = LpDistance(normalize_embeddings=False, power=1)
    mined = BatchHardMiner(distance=distance)(features, labels)
    oracle = TripletMarginLoss(margin=0, smooth_loss=True, distance=distance)
    # Its mean leaves out triplets of loss zero, which a soft margin never has.
    expected = oracle(features, labels, mined)
    torch.testing.assert_close(
        soft_margin_triplet(pairwise_distances(features), labels), expected, rtol=1e-3, atol=1e-4
    )


def test_parts_are_compared_where_both_clips_show_them() -> None:
    features = torch.cat([ON_A_LINE[:, None], 10 - ON_A_LINE[:, None].flip(0)], dim=1)
    visible = torch.tensor([[True, True], [True, True], [True, True], [False, True]])
    of_first = soft_margin_triplet(pairwise_distances(features[:, 0]), PEOPLE, visible[:, :1] & visible[:, 0][None, :])
    of_second = soft_margin_triplet(pairwise_distances(features[:, 1]), PEOPLE)
    assert of_first != of_second
    torch.testing.assert_close(part_triplets(features, PEOPLE, visible), (of_first + of_second) / 2)


def test_a_hidden_part_gets_no_gradient() -> None:
    features = torch.randn(4, 2, 3, generator=torch.Generator().manual_seed(0)).requires_grad_()
    visible = torch.ones(4, 2, dtype=torch.bool)
    visible[2, 1] = False
    part_triplets(features, PEOPLE, visible).backward()
    assert features.grad is not None
    assert torch.equal(features.grad[2, 1], torch.zeros(3))
    assert features.grad[2, 0].abs().sum() > 0
