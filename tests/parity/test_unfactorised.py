from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from keyreid_stream.models.published_head import heatmaps_to_part_weights
from tests.models.small_models import small_model
from tests.parity.unfactorised import unfactorised


@pytest.mark.usefixtures("one_thread")
@torch.inference_mode()
@given(seed=st.integers(0, 2**31), frames=st.integers(1, 8), parts=st.integers(1, 6), rows=st.integers(3, 6))
@settings(deadline=None, max_examples=20)
def test_the_factorised_model_equals_the_published_arrangement(seed: int, frames: int, parts: int, rows: int) -> None:
    model = small_model("published", frames, parts=parts, cameras=3, crop_height=16 * rows)
    generator = torch.Generator().manual_seed(seed)
    crops = torch.randn(2, frames, 3, 16 * rows, 32, generator=generator)
    heatmaps = 2 * torch.rand(2, frames, parts, 16 * rows, 32, generator=generator) - 1
    heatmaps[torch.rand(2, frames, parts, generator=generator) < 0.3] = -1
    cameras = torch.randint(0, 3, (2, frames), generator=generator)

    features = model(crops, heatmaps_to_part_weights(heatmaps, model.crop_spec), cameras)
    expected = unfactorised(model, crops, heatmaps, cameras)

    pairs = {
        "tokens": (model.frame_encoder(crops.flatten(0, 1), cameras.flatten()).tokens, expected.tokens),
        "global feature": (features.global_feature, expected.global_feature),
        "part features": (features.part_features, expected.part_features),
        "attention logits": (features.attention_logits, expected.attention_logits),
        "embedding": (features.embedding, expected.embedding),
    }
    for name, (actual, wanted) in pairs.items():
        error = (actual - wanted).norm() / wanted.norm().clamp(min=1e-6)
        assert error < 2e-5, f"{name} differs by {error:.1e}"


@pytest.mark.usefixtures("one_thread")
@torch.inference_mode()
def test_the_oracle_notices_a_swapped_weight() -> None:
    """The comparison above would not be worth much if part weights hardly mattered."""
    model = small_model("published", 2, cameras=3)
    crops, heatmaps = torch.randn(2, 2, 3, 64, 32), 2 * torch.rand(2, 2, 3, 64, 32) - 1
    cameras = torch.zeros(2, 2, dtype=torch.long)
    wanted = unfactorised(model, crops, heatmaps, cameras).part_features
    weights = heatmaps_to_part_weights(heatmaps, model.crop_spec).flip(-1)
    actual = model(crops, weights, cameras).part_features
    assert (actual - wanted).norm() / wanted.norm() > 1e-3
