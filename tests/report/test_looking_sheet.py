from __future__ import annotations

import numpy as np
import pytest

from keyreid_stream.models.looking import Looks
from keyreid_stream.report.looking_sheet import PART_COLOURS, draw_attention, draw_parts, heated, parted
from keyreid_stream.structures import Crops, CropSpec

SPEC = CropSpec(height=64, width=32, grid_rows=4, grid_columns=2, parts=6, weighting="soft")
SIGNED = CropSpec(height=64, width=32, grid_rows=4, grid_columns=2, parts=6, weighting="signed")
GREY = np.full((64, 32, 3), 120, np.uint8)


def crops(weights: np.ndarray) -> Crops:
    return Crops(np.repeat(GREY[None], len(weights), axis=0), weights.astype(np.float32))


def test_heat_is_where_its_patch_is_and_nowhere_else() -> None:
    """Patch 5 of 4 rows of 2: row 2, column 1; 16 pixels a side."""
    heat = np.zeros(8, np.float32)
    heat[5] = 1
    picture = heated(GREY, heat, SPEC)
    hot = (picture != GREY).any(axis=2)
    expected = np.zeros((64, 32), bool)
    expected[32:48, 16:32] = True
    assert (hot == expected).all()
    half = heated(GREY, heat / 2, SPEC)
    assert np.abs(half[40, 20].astype(int) - 120).sum() > 0
    assert (half[40, 20] != picture[40, 20]).any()


def test_a_patch_has_the_colour_of_its_strongest_part() -> None:
    """Patch 5 tells more about the torso than about the head, patch 2 of a leg a quarter as much, others nothing."""
    weights = np.zeros((6, 8), np.float32)
    weights[:2, 5], weights[4, 2] = (0.1, 0.4), 0.1
    picture = parted(GREY, weights, SPEC).astype(float)
    assert picture[40, 20] == pytest.approx(0.4 * 120 + 0.6 * np.array(PART_COLOURS[1]), abs=1)
    assert picture[20, 8] == pytest.approx(0.7 * 120 + 0.3 * np.array(PART_COLOURS[4]), abs=1)
    assert (picture[48:] == 120).all()
    assert (parted(GREY, 2 * weights - 1, SIGNED) == picture).all()
    assert (parted(GREY, 0 * weights, SPEC) == GREY).all()


def test_signed_weights_are_drawn_like_soft_ones() -> None:
    weights = np.random.default_rng(0).random((2, 6, 8))
    soft, signed = draw_parts(crops(weights), SPEC), draw_parts(crops(2 * weights - 1), SIGNED)
    assert soft.shape == signed.shape
    assert np.abs(soft.astype(int) - signed.astype(int)).max() <= 3


def test_a_sheet_is_one_picture_for_each_part_of_each_crop() -> None:
    """Only the sixth part of the second crop is warm: there alone the sheet differs from one without heat."""
    weights = np.zeros((2, 6, 8))
    weights[:, 0, 0] = 0.25
    cold = draw_parts(crops(weights), SPEC)
    weights[1, 5] = 0.2
    warm = draw_parts(crops(weights), SPEC)
    rows, columns = np.nonzero((cold != warm).any(axis=2))
    height, width = cold.shape[:2]
    assert rows.min() > height / 2
    assert columns.min() > width * 5 / 7
    assert (rows.max() - rows.min() + 1, columns.max() - columns.min() + 1) == (256, 128)


def test_a_crop_without_parts_says_so() -> None:
    seen = np.zeros((2, 6, 8))
    seen[0, 0, 0] = 0.5
    # The note makes the sheet wider, and is beside the second crop only.
    sheet = draw_parts(crops(seen), SPEC)
    plain = draw_parts(crops(seen[[0, 0]]), SPEC)
    beside = sheet[:, plain.shape[1] :]
    assert (beside[: sheet.shape[0] // 2] == 255).all()
    assert (beside[sheet.shape[0] // 2 :] < 128).any()


def test_attention_is_drawn_over_the_clip_s_strongest() -> None:
    patches = np.zeros((2, 8), np.float32)
    patches[0, 3], patches[1, 3] = 0.01, 0.02
    images = np.stack([GREY, GREY])
    one = draw_attention(images, Looks(patches, np.array([0.2, 0.8], np.float32)), SPEC)
    other = draw_attention(images, Looks(10 * patches, np.array([0.2, 0.8], np.float32)), SPEC)
    assert (one == other).all()
    shares = draw_attention(images, Looks(patches, np.array([0.8, 0.2], np.float32)), SPEC)
    assert (one != shares).any()
    nothing = draw_attention(images, Looks(0 * patches, np.array([0.2, 0.8], np.float32)), SPEC)
    assert (nothing != one).any()


def test_no_sheet() -> None:
    for count in (0, 65):
        with pytest.raises(ValueError, match="a sheet has 1 to 64 rows"):
            draw_parts(crops(np.zeros((count, 6, 8))), SPEC) if count else draw_attention(
                np.zeros((0, 64, 32, 3), np.uint8), Looks(np.zeros((0, 8), np.float32), np.zeros(0, np.float32)), SPEC
            )
