from __future__ import annotations

import pytest
import torch

from keyreid_stream.errors import ConfigError
from keyreid_stream.models.backbone import create_backbone
from keyreid_stream.models.build import build_model, build_skeleton
from keyreid_stream.models.config import ModelConfig, named_model
from keyreid_stream.models.fit import filled_model
from keyreid_stream.models.stem import ConvolutionalStem
from keyreid_stream.models.weights import Provenance, WeightsFile, load_weights, save_weights
from tests.models.small_models import small_config


def test_a_tokens_place_is_its_patchs_row_by_row() -> None:
    torch.manual_seed(0)
    stem = ConvolutionalStem(64, 32, patch=8, channels=16).eval()
    assert stem.grid_size == (8, 4)
    images = torch.zeros(1, 3, 64, 32)
    changed = images.clone()
    changed[:, :, 19, 28] = 9  # in the patch of row 2, column 3
    difference = (stem(changed) - stem(images)).abs().sum(dim=2)[0]
    assert difference.shape == (32,)
    assert difference.argmax() == 2 * 4 + 3
    # Three 3x3 convolutions with a stride of 2 see 15 pixels: no further than the next patch.
    seen = {divmod(place, 4) for place in difference.nonzero().flatten().tolist()}
    assert seen <= {(row, column) for row in (1, 2, 3) for column in (2, 3)}


def test_micro_is_small_enough_to_ship() -> None:
    model = build_skeleton(named_model("micro"))
    assert (model.crop_spec.grid_rows, model.crop_spec.grid_columns) == (16, 8)
    assert len(model.frame_encoder.backbone.vit.blocks) == 5
    assert 2 * sum(parameter.numel() for parameter in model.parameters()) < 15e6


def test_a_backbone_can_have_another_shape() -> None:
    config = small_config(width=48, depth=3, heads=4, patch_size=8)
    model = build_model(config, seed=0)
    backbone = model.frame_encoder.backbone
    assert (backbone.channels, backbone.heads, backbone.grid, len(backbone.vit.blocks)) == (48, 4, (8, 4), 2)


def test_weights_with_a_stem_come_back_the_same(tmp_path: object) -> None:
    config = small_config(stem="convolutional")
    model = build_model(config, seed=3)
    provenance = Provenance(source="a test", trained=False, created="2026-01-01")  # type: ignore[arg-type]
    pair: WeightsFile = save_weights(f"{tmp_path}/w.safetensors", config, model.state_dict(), provenance)
    again = filled_model(load_weights(pair.path))
    images = torch.rand(2, 3, 64, 32)
    assert torch.equal(again.frame_encoder(images).tokens, model.frame_encoder(images).tokens)


def test_configurations_without_a_stem_are_what_they_were() -> None:
    stored = {"name": "old", "backbone": "test_vit", "crop_height": 64, "crop_width": 32}
    config = ModelConfig.model_validate(stored)
    assert config.stem == "patch"
    assert config.reshaped == {}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"stem": "convolutional", "patch_size": 12, "crop_height": 48, "crop_width": 24}, "patches of 12x12"),
        ({"stem": "convolutional", "width": 36, "heads": 2}, "multiple of 8"),
        ({"stem": "convolutional", "crop_height": 40}, "does not divide"),
        ({"stem": "convolutional", "mode": "published", "part_dim": 128}, "published mode has no convolutional stem"),
        ({"heads": 5}, "heads must divide width"),
    ],
)
def test_impossible_shapes_are_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        build_skeleton(small_config(**changes))  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("change", [{"stem": "convolutional"}, {"reshaped": {"depth": 3}}])
def test_pretrained_weights_fit_the_named_shape_alone(change: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match="fit its own shape"):
        create_backbone("test_vit", 64, 32, imagenet=True, **change)  # type: ignore[arg-type]
