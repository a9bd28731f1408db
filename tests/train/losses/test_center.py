from __future__ import annotations

import pytest
import torch

from keyreid_train.losses.center import CenterLoss


def two_centers(weight: float = 1.0) -> CenterLoss:
    loss = CenterLoss(2, 1, 2, weight=weight)
    with torch.no_grad():
        loss.centers.copy_(torch.tensor([[[0.0, 0.0]], [[1.0, 1.0]]]))
    return loss


FEATURES = torch.tensor([[[3.0, 4.0]], [[1.0, 3.0]]])
LABELS = torch.tensor([0, 1])


def test_squared_distances_by_hand() -> None:
    assert two_centers()(FEATURES, LABELS).item() == pytest.approx((25 + 4) / 2)


def test_only_visible_parts_count() -> None:
    visible = torch.tensor([[False], [True]])
    assert two_centers()(FEATURES, LABELS, visible).item() == pytest.approx(4)
    assert two_centers()(FEATURES, LABELS, torch.zeros(2, 1, dtype=torch.bool)).item() == 0


@pytest.mark.parametrize("weight", [1.0, 0.0005])
def test_centers_learn_alike_whatever_the_weight(weight: float) -> None:
    loss = two_centers(weight)
    features = FEATURES.clone().requires_grad_()
    (weight * loss(features, LABELS)).backward()
    # d/dc of the mean of |f - c|^2 over two clips is c - f; features feel the weight.
    torch.testing.assert_close(loss.centers.grad, torch.tensor([[[-3.0, -4.0]], [[0.0, -2.0]]]))
    torch.testing.assert_close(features.grad, weight * torch.tensor([[[3.0, 4.0]], [[0.0, 2.0]]]))
