"""Weights become a network only if they are that network's, and cost no memory before that is known."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from keyreid_stream.errors import WeightsError
from keyreid_stream.models.build import build_model
from keyreid_stream.models.config import ModelConfig
from keyreid_stream.models.fit import check_fit, fill, filled_model
from keyreid_stream.models.keyreid import KeyReID
from keyreid_stream.models.weights import Provenance, WeightsFile
from tests.models.small_models import random_clips, small_config, small_model

PROVENANCE = Provenance(source="a test", trained=True, created="2026-01-01")
ROTARY = small_config(backbone="vit_small_patch16_dinov3", crop_height=32, crop_width=32, part_dim=2)


def pair_of(model: KeyReID, **changes: Any) -> WeightsFile:
    """What `load_weights` would give for this model's weights."""
    tensors = dict(model.state_dict())
    pair = WeightsFile(model.config, PROVENANCE, tensors, sha256="0" * 64, path=Path("folder/mine.safetensors"))
    return dataclasses.replace(pair, **changes)


def refusal(pair: WeightsFile) -> str:
    """The one line that refuses a pair, whether it is to be imported or loaded."""
    lines = set()
    for take in (check_fit, filled_model):
        with pytest.raises(WeightsError) as caught:
            take(pair)
        lines.add(str(caught.value))
    (line,) = lines
    assert "\n" not in line
    assert "mine.safetensors" in line
    return line


class LargestOnHost(TorchDispatchMode):
    """Notes how many numbers the largest tensor had that was made in the host's memory."""

    def __init__(self) -> None:
        super().__init__()
        self.numbers = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = func(*args, **(kwargs or {}))
        for one in tree_leaves(made):
            if isinstance(one, torch.Tensor) and one.device.type == "cpu":
                self.numbers = max(self.numbers, one.numel())
        return made


@torch.inference_mode()
@pytest.mark.parametrize("mode", ["aligned", "published"])
@pytest.mark.parametrize("classes", [0, 7])
def test_a_pair_becomes_the_model_it_was_saved_from(mode: str, classes: int) -> None:
    model = small_model(mode, classes=classes)
    pair = pair_of(model)
    check_fit(pair)
    filled = filled_model(pair)
    assert filled.classes == classes
    assert not any(module.training for module in filled.modules())
    assert all(parameter.requires_grad for parameter in filled.parameters())
    for before, after in zip(model(*random_clips(model)), filled(*random_clips(model)), strict=True):
        assert torch.equal(before, after)


@torch.inference_mode()
def test_a_backbone_with_rotary_embeddings_gets_those_that_no_file_holds() -> None:
    model = build_model(ROTARY, seed=3)
    filled = filled_model(pair_of(model))
    assert not any(tensor.is_meta for tensor in (*filled.parameters(), *filled.buffers()))
    clips = random_clips(model)
    assert torch.equal(filled(*clips).embedding, model(*clips).embedding)


@pytest.mark.parametrize("config", [small_config(), ROTARY], ids=["plain", "rotary"])
def test_torchs_random_state_is_left_alone(config: ModelConfig) -> None:
    pair = pair_of(build_model(config, seed=0))
    before = torch.get_rng_state()
    filled_model(pair)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_filled_model_shares_no_memory_with_what_filled_it() -> None:
    pair = pair_of(small_model())
    name = "clip_head.global_norm.weight"
    filled_model(pair).state_dict()[name].zero_()
    assert pair.tensors[name].any()


def test_tensors_of_another_precision_are_converted() -> None:
    model = small_model()
    fill(model, {name: tensor.double() for name, tensor in model.state_dict().items()})
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    assert model.clip_head.global_norm.num_batches_tracked.dtype == torch.int64


def test_a_configuration_that_asks_for_more_than_the_file_holds_costs_no_memory() -> None:
    small = small_model(frames=8)
    greedy = pair_of(small, config=small.config.model_copy(update={"part_dim": 8192, "cameras": 10_000}))
    with LargestOnHost() as largest:
        assert "does not fit its own configuration" in refusal(greedy)
    assert largest.numbers < 1000, "its parts alone would have 8 x 64 x 8192 numbers each"


def test_missing_other_and_unknown_tensors_are_named() -> None:
    model = small_model()
    tensors = dict(model.state_dict())
    name = min(tensors)
    without = {other: tensor for other, tensor in tensors.items() if other != name}
    assert f"{name!r} has shape None" in refusal(pair_of(model, tensors=without))
    assert "1 tensors in all" in refusal(pair_of(model, tensors=tensors | {name: torch.zeros(2, 3, 5)}))
    foreign = refusal(pair_of(model, tensors=tensors | {"\x1b[31m": torch.zeros(1)}))
    assert r"'\x1b[31m' has shape (1,), expected None" in foreign


@pytest.mark.parametrize("weight", [torch.zeros(()), torch.zeros(0, 64), torch.zeros(3, 2)])
def test_classifiers_that_are_none_are_refused(weight: torch.Tensor) -> None:
    model = small_model()
    assert "classifiers.on_" in refusal(
        pair_of(model, tensors=model.state_dict() | {"classifiers.on_global.weight": weight})
    )


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [({"backbone": "resnet18"}, "'resnet18' is not a Vision Transformer"), ({"crop_height": 65}, "does not divide")],
)
def test_a_network_that_cannot_be_built_is_blamed_on_the_file(changes: dict[str, Any], complaint: str) -> None:
    model = small_model()
    line = refusal(pair_of(model, config=model.config.model_copy(update=changes)))
    assert "is of a network that cannot be built" in line
    assert complaint in line
