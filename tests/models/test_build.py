from __future__ import annotations

import pytest
import torch

from keyreid_stream.errors import ConfigError
from keyreid_stream.models.build import build_model, build_skeleton, crop_spec, embedding_layout
from keyreid_stream.models.config import named_model
from keyreid_stream.models.published_head import PublishedKeyReID
from keyreid_stream.structures import CropSpec
from tests.models.small_models import random_clips, small_config


@pytest.mark.parametrize(
    ("name", "embedding", "parameters"),
    [
        ("tiny", 192 + 6 * 64, 13e6),
        ("small", 384 + 6 * 128, 52e6),
        ("base", 768 + 6 * 256, 204e6),
        ("published", 19_200, 203e6),
    ],
)
def test_the_named_models(name: str, embedding: int, parameters: float) -> None:
    model = build_skeleton(named_model(name))
    assert model.layout.size == embedding_layout(named_model(name)).size == embedding
    weighting = "signed" if name == "published" else "soft"
    assert model.crop_spec == crop_spec(named_model(name)) == CropSpec(256, 128, 16, 8, 6, weighting)
    assert sum(parameter.numel() for parameter in model.parameters()) == pytest.approx(parameters, rel=0.05)
    assert isinstance(model, PublishedKeyReID) == (name == "published")


def test_a_seed_repeats_the_weights_and_leaves_torchs_random_state_alone() -> None:
    state = torch.random.get_rng_state()
    first, second = build_model(small_config(), seed=3), build_model(small_config(), seed=3)
    assert torch.equal(torch.random.get_rng_state(), state)
    other = build_model(small_config(), seed=4)
    tensors, same, different = (model.state_dict() for model in (first, second, other))
    assert all(torch.equal(tensors[name], same[name]) for name in tensors)
    assert any(not torch.equal(tensors[name], different[name]) for name in tensors)


def test_without_a_seed_weights_come_from_torchs_random_state() -> None:
    torch.manual_seed(3)
    drawn = build_model(small_config()).state_dict()
    seeded = build_model(small_config(), seed=3).state_dict()
    assert all(torch.equal(drawn[name], seeded[name]) for name in drawn)


def test_a_fresh_model_is_in_evaluation_mode_and_has_no_classifiers_unless_asked() -> None:
    model = build_model(small_config(), seed=0)
    assert not any(module.training for module in model.modules())
    assert model.classifiers is None
    assert build_model(small_config(), classes=5).classes == 5


def test_two_models_share_nothing() -> None:
    first, second = build_model(small_config(), seed=0), build_model(small_config(), seed=0)
    crops, weights = random_clips(first)
    with torch.inference_mode():
        before = second(crops, weights).embedding
        for tensor in first.state_dict().values():
            tensor.zero_()
        assert torch.equal(second(crops, weights).embedding, before)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"local_heads": 7}, "local_heads is 7.*128 channels"),
        ({"mode": "published", "part_dim": 64}, "part_dim is 64.*set it to 128"),
        ({"mode": "published", "crop_height": 48, "crop_width": 16}, "3x1 patches.*even"),
        ({"mode": "published", "backbone": "vit_small_patch16_dinov3"}, "published mode does not fit"),
        ({"backbone": "resnet18"}, "not a Vision Transformer"),
        ({"crop_width": 40}, "64x40"),
    ],
)
def test_impossible_configurations_are_refused_in_one_line(changes: dict[str, object], complaint: str) -> None:
    config = small_config(**changes)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=complaint) as caught:
        build_skeleton(config)
    assert "\n" not in str(caught.value)


def test_local_heads_can_be_chosen() -> None:
    assert build_skeleton(small_config(local_heads=16)).clip_head.local.block.attn.num_heads == 16
    assert build_skeleton(small_config()).clip_head.local.block.attn.num_heads == 2


def test_the_norm_after_the_published_local_block_has_another_epsilon() -> None:
    """Method section 1 step 5; too small a difference for any comparison of ordinary features to notice."""
    published, aligned = build_skeleton(named_model("published")), build_skeleton(named_model("base"))
    assert published.clip_head.local.norm.eps == 1e-5
    assert published.clip_head.local.block.norm1.eps == published.clip_head.local.block.norm2.eps == 1e-6
    assert published.frame_encoder.global_norm.eps == aligned.clip_head.local.norm.eps == 1e-6
