"""Trainings that differ in one thing, as the guide names them: what was meant to be left out is left out."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from keyreid_stream.models.build import build_skeleton
from keyreid_stream.models.load import load_model
from keyreid_stream.models.published_head import PublishedClipHead
from keyreid_stream.models.temporal import TCSS
from keyreid_train.feeding import stack_clips
from keyreid_train.learner import Learner
from keyreid_train.network import starting_network
from keyreid_train.overrides import with_settings
from keyreid_train.recipes import recipe
from keyreid_train.sampler import ClipRequest
from keyreid_train.settings import TrainConfig
from keyreid_train.trainer import Trainer
from tests.models.small_models import CHANNELS
from tests.train.painted_people import painted_config, painted_data

PUBLISHED_ATTENTION = ["model.stem=patch", "model.mode=published", "model.part_dim=384"]
LONGER_CLIPS = ["model.frames=4", "batch.frames=[1,2,4]"]


@pytest.mark.parametrize(
    "settings", [PUBLISHED_ATTENTION, ["model.stem=patch"], ["loss.global_share=1"], ["loop.tcss=0"], LONGER_CLIPS]
)
def test_the_guides_variants_of_a_recipe_fit_a_network(settings: list[str]) -> None:
    config = with_settings(recipe("cuhk_tiny"), settings)
    model = build_skeleton(config.model, classes=3)
    assert max(config.batch.frames) <= model.config.frames
    assert isinstance(model.clip_head, PublishedClipHead) == (settings is PUBLISHED_ATTENTION)


def test_published_attention_is_trained_and_its_weights_are_read(tmp_path: Path) -> None:
    config = with_settings(
        painted_config(), ["model.mode=published", f"model.part_dim={2 * CHANNELS}", "loop.epochs=1", "loop.steps=2"]
    )
    report = Trainer(config, painted_data()[1], tmp_path).run()
    assert report is not None
    loaded = load_model(weights=str(report.weights))
    assert loaded.card.mode == "published"
    started = starting_network(config, 6)[0].state_dict()
    moved = loaded.model.state_dict()
    name = "clip_head.local.block.attn.qkv.weight"
    assert not torch.allclose(moved[name], started[name], atol=1e-5, rtol=0)


@pytest.mark.parametrize(("share", "learns"), [(0.75, True), (1.0, False)])
def test_without_parts_nothing_of_the_parts_learns(share: float, learns: bool) -> None:
    gradients = part_gradients(with_settings(painted_config(), [f"loss.global_share={share}"]))
    for branch in ("clip_head.local.", "clip_head.part_norms.", "clip_head.part_reductions.", "classifiers.on_parts."):
        own = [gradient for name, gradient in gradients.items() if name.startswith(branch)]
        assert any(gradient.any() for gradient in own) == learns, branch


def part_gradients(config: TrainConfig) -> dict[str, torch.Tensor]:
    """The gradients of one batch with respect to whatever only parts use."""
    model, _ = starting_network(config, 6)
    learner = Learner(model, config.loss)
    clips, _ = painted_data()
    batch = stack_clips([clips[ClipRequest(0, place, draw, 2)] for place in range(4) for draw in range(2)])
    learner(batch, None, torch.Generator().manual_seed(0)).terms.total.backward()
    return {
        name: torch.zeros_like(one) if one.grad is None else one.grad
        for name, one in model.named_parameters()
        if name.startswith(("clip_head.local", "clip_head.part_", "classifiers.on_parts"))
    }


def test_without_tcss_no_clip_is_perturbed() -> None:
    for chance in (0.0, 1.0):
        model, _ = starting_network(with_settings(painted_config(), [f"loop.tcss={chance}"]), 6)
        tcss = model.clip_head.tcss
        assert isinstance(tcss, TCSS)
        patches = torch.rand(8, 2, 8, 4)
        assert torch.equal(tcss.train()(patches, torch.Generator().manual_seed(0)), patches) == (chance == 0)
