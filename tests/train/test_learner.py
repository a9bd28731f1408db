from __future__ import annotations

import pytest
import torch

from keyreid_train.data.structures import ClipBatch
from keyreid_train.learner import Learner, clip_features
from keyreid_train.losses.config import LossConfig
from tests.models.small_models import random_clips, small_model

PEOPLE = 3


def a_batch(frames: int) -> tuple[Learner, ClipBatch]:
    model = small_model(frames=2, classes=PEOPLE, cameras=2)
    crops, weights = random_clips(model, clips=2 * PEOPLE)
    labels = torch.arange(PEOPLE).repeat_interleave(2)
    cameras = torch.tensor([0, 1] * PEOPLE)
    erased = torch.full((2 * PEOPLE, frames), 0.5)
    batch = ClipBatch(crops[:, :frames], weights[:, :frames], labels, cameras, erased)
    return Learner(model, LossConfig()).train(), batch


def test_a_gradient_reaches_every_parameter() -> None:
    learner, batch = a_batch(frames=2)
    with torch.no_grad():  # its ReLU must let something through
        learner.model.clip_head.temporal.score.bias.fill_(5.0)
    learner(batch, None, torch.Generator().manual_seed(0)).terms.total.backward()
    still = [
        name
        for name, parameter in learner.named_parameters()
        if parameter.grad is None or not parameter.grad.abs().max() > 0
    ]
    # None: what does not learn would be listed here by name.
    assert still == []


def test_half_precision_arithmetic_leaves_losses_in_full() -> None:
    learner, batch = a_batch(frames=2)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        terms = learner(batch, None, torch.Generator().manual_seed(0)).terms
    assert {term.dtype for term in terms} == {torch.float32}


@pytest.mark.parametrize("mode", ["aligned", "published"])
def test_a_short_clip_is_what_running_makes_of_it(mode: str) -> None:
    model = small_model(mode, frames=4).eval()
    crops, weights = random_clips(model, clips=3)
    filled = [0, 0, 1, 1]
    expected = model(crops[:, filled], weights[:, filled])
    short = clip_features(model, crops[:, :2], weights[:, :2])
    torch.testing.assert_close(short.embedding, expected.embedding, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(short.visibility, expected.visibility)


def test_a_model_without_classifiers_cannot_learn() -> None:
    with pytest.raises(ValueError, match="classifiers"):
        Learner(small_model(), LossConfig())
