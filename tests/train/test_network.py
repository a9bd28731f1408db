from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
import torch
from timm.layers import DropPath

from keyreid_stream.errors import WeightsError
from keyreid_stream.models.clip_head import AlignedClipHead
from keyreid_stream.models.weights import Provenance, save_weights
from keyreid_train.network import starting_network
from keyreid_train.settings import LoopConfig, TrainConfig
from tests.models.small_models import random_clips, small_model
from tests.train.painted_people import painted_config


def with_loop(**loop: object) -> TrainConfig:
    return painted_config(loop=LoopConfig.model_validate({"epochs": 1} | loop))


def test_the_seed_decides_the_start() -> None:
    first, again, other = (starting_network(painted_config(seed=seed), 5)[0].state_dict() for seed in (0, 0, 1))
    name = "frame_encoder.backbone.vit.blocks.0.attn.qkv.weight"
    assert torch.equal(first[name], again[name])
    assert not torch.equal(first[name], other[name])


def test_weights_are_taken_as_far_as_they_fit(tmp_path: Path) -> None:
    parent = small_model(classes=9, cameras=2)
    origin = Provenance(source="a test", trained=False, created=date(2026, 1, 1))
    pair = save_weights(tmp_path / "parent.safetensors", parent.config, parent.state_dict(), origin)
    model, sha256 = starting_network(painted_config(weights=str(pair.path)), classes=5)
    assert sha256 == pair.sha256
    theirs, ours = parent.state_dict(), model.state_dict()
    shared = [name for name in ours if not name.startswith("classifiers.")]
    assert all(torch.equal(ours[name], theirs[name]) for name in shared)
    assert len(ours["classifiers.on_global.weight"]) == 5
    with pytest.raises(WeightsError):
        starting_network(painted_config(weights=str(tmp_path / "none.safetensors")), classes=5)


def test_deeper_blocks_are_dropped_more_often() -> None:
    model, _ = starting_network(with_loop(drop_path=0.2), 5)
    blocks = [*model.frame_encoder.backbone.vit.blocks, model.frame_encoder.global_block]
    chances = [block.drop_path1.drop_prob for block in blocks if isinstance(block.drop_path1, DropPath)]
    assert chances == pytest.approx([0, 0.04, 0.08, 0.12, 0.16, 0.2])


def test_tcss_can_be_left_out() -> None:
    head = starting_network(with_loop(tcss=0.0), 5)[0].clip_head
    assert isinstance(head, AlignedClipHead)
    patches = torch.rand(6, 2, 8, 4)
    assert torch.equal(head.tcss.train()(patches), patches)


def test_plain_attention_computes_the_same() -> None:
    model = small_model()
    plain, _ = starting_network(painted_config(), 5)
    plain.load_state_dict(model.state_dict(), strict=False)
    crops, weights = random_clips(model)
    torch.testing.assert_close(plain.eval()(crops, weights).embedding, model.eval()(crops, weights).embedding)


def test_checkpointing_changes_memory_alone() -> None:
    gradients = []
    for checkpointing in (False, True):
        model, _ = starting_network(with_loop(checkpointing=checkpointing, drop_path=0.3), 5)
        crops, weights = random_clips(model)
        torch.manual_seed(0)
        model(crops, weights, None, torch.Generator().manual_seed(0)).embedding.square().sum().backward()
        gradients.append({name: one.grad for name, one in model.named_parameters() if one.grad is not None})
    assert gradients[0].keys() == gradients[1].keys()
    for name, gradient in gradients[0].items():
        torch.testing.assert_close(gradients[1][name], gradient)
