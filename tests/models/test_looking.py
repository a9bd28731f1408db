from __future__ import annotations

import numpy as np
import pytest
import torch

from keyreid_stream.models.looking import look
from tests.models.small_models import PATCHES, small_model


def images(count: int) -> np.ndarray:
    return np.random.default_rng(count).integers(0, 256, (count, 64, 32, 3), np.uint8)


@pytest.mark.parametrize("mode", ["aligned", "published"])
def test_a_full_clip_is_weighed_as_in_its_embedding(mode: str) -> None:
    """The weights give the global feature of the whole network back, from class rows of single crops."""
    model = small_model(mode, frames=3).eval()
    clip = images(3)
    looks = look(model, clip)
    assert looks.patches.shape == (3, PATCHES)
    assert (looks.patches > 0).all()
    assert (looks.patches.sum(axis=1) < 1).all()
    assert looks.crops.sum() == pytest.approx(1)
    pixels = torch.from_numpy(clip).permute(0, 3, 1, 2)
    with torch.inference_mode():
        whole = model(pixels[None], torch.zeros(1, 3, 3, PATCHES)).global_feature[0]
        rows = model.frame_encoder(pixels).class_rows
    torch.testing.assert_close(torch.from_numpy(looks.crops) @ rows, whole, rtol=1e-4, atol=1e-5)


def test_a_crop_that_fills_several_slots_has_their_sum() -> None:
    """Two crops in four slots are 0, 0, 1, 1."""
    model = small_model(frames=4).eval()
    short, full = images(2), images(2)[[0, 0, 1, 1]]
    expected = look(model, full).crops.reshape(2, 2).sum(axis=1)
    assert look(model, short).crops == pytest.approx(expected, abs=1e-6)
    assert look(model, short[:1]).crops == pytest.approx([1])


def test_what_another_crop_shows_does_not_move_the_look_at_a_crop() -> None:
    model = small_model(frames=4).eval()
    clip = images(4)
    np.testing.assert_allclose(look(model, clip).patches[2:3], look(model, clip[2:3]).patches, atol=1e-6)


@pytest.mark.parametrize("count", [0, 3])
def test_no_clip(count: int) -> None:
    with pytest.raises(ValueError, match="a clip holds 1 to 2 frames"):
        look(small_model(frames=2).eval(), images(count))
