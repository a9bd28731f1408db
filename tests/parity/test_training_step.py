"""The two ways that the training benchmark compares are the same training: equal losses, equal gradients."""

from __future__ import annotations

import pytest
import torch

from keyreid_train.learner import Learner
from keyreid_train.losses.config import LossConfig
from tests.bench.training_bench import published_settings, steps
from tests.models.small_models import small_model


@pytest.mark.usefixtures("one_thread")
def test_a_training_step_learns_the_same_both_ways() -> None:
    model = small_model("published", 2, classes=3, cameras=2).double().train()
    learner = Learner(model, LossConfig(center=0.1)).double()
    torch.set_default_dtype(torch.float64)
    try:
        losses = [(way(), way) for way in steps(learner, 6, "cpu")]
    finally:
        torch.set_default_dtype(torch.float32)
    gradients = []
    for loss, _ in losses:
        learner.zero_grad()
        loss.backward()
        gradients.append({name: one.grad for name, one in learner.named_parameters() if one.grad is not None})
    ours, theirs = gradients
    torch.testing.assert_close(losses[0][0], losses[1][0], rtol=1e-9, atol=0)
    assert ours.keys() == theirs.keys()
    assert "model.clip_head.local.block.mlp.fc1.weight" in ours
    largest = max(float(gradient.abs().max()) for gradient in theirs.values())
    for name, gradient in ours.items():
        torch.testing.assert_close(gradient, theirs[name], rtol=1e-6, atol=1e-9 * largest, msg=name)


def test_the_benchmark_trains_the_published_recipe() -> None:
    settings = published_settings("cpu")
    assert (settings.recipe, settings.model.mode, settings.model.frames) == ("mars_vit_base_published", "published", 4)
    assert settings.optimiser.name == "sgd"
    assert not settings.imagenet
