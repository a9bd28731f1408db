from __future__ import annotations

import math

import pytest
import torch

from keyreid_train.losses.identity import identity_loss, part_identity_loss


def test_smoothed_cross_entropy_by_hand() -> None:
    # Probabilities 1/2, 1/4, 1/4; label 0 with smoothing 0.3: weights 0.8, 0.1, 0.1.
    scores = torch.tensor([[math.log(2.0), 0.0, 0.0]])
    expected = 0.8 * math.log(2) + 0.2 * math.log(4)
    assert identity_loss(scores, torch.tensor([0]), 0.3).item() == pytest.approx(expected, rel=1e-6)


def test_parts_that_are_not_seen_do_not_count() -> None:
    generator = torch.Generator().manual_seed(0)
    scores = torch.randn(2, 3, 4, generator=generator)
    labels = torch.tensor([1, 3])
    visible = torch.tensor([[True, False, True], [False, False, True]])
    seen = [(0, 0), (0, 2), (1, 2)]
    each = [identity_loss(scores[clip, part][None], labels[clip][None], 0.1) for clip, part in seen]
    torch.testing.assert_close(part_identity_loss(scores, labels, visible, 0.1), torch.stack(each).mean())


def test_nothing_seen_gives_zero() -> None:
    assert part_identity_loss(torch.randn(2, 3, 4), torch.tensor([0, 1]), torch.zeros(2, 3, dtype=torch.bool), 0.1) == 0
