from __future__ import annotations

import numpy as np
import pytest

from keyreid_stream.models.looking import look
from keyreid_train.looked_pictures import keyreid_looks, part_colours
from tests.models.small_models import small_model

IMAGE = np.random.default_rng(4).integers(0, 256, (200, 90, 3), np.uint8)


@pytest.mark.parametrize("hidden", [None, "upper"])
def test_the_hottest_patch_is_the_one_most_attended_to(hidden: str | None) -> None:
    model = small_model().eval()
    spec = model.crop_spec
    looked = keyreid_looks(model)(IMAGE, None, hidden)  # type: ignore[arg-type]
    assert looked.attention is not None
    assert looked.parts is None
    assert looked.plain.shape == looked.attention.shape == (spec.height, spec.width, 3)
    assert looked.plain[: spec.height // 2].any() == (hidden is None)
    patches = look(model, looked.plain[None]).patches[0]
    row, column = divmod(int(patches.argmax()), spec.grid_columns)
    top, left = row * spec.height // spec.grid_rows, column * spec.width // spec.grid_columns
    # Turbo's hot end is a dark red, and the strongest heat hides three quarters of the picture.
    expected = 0.25 * looked.plain[top, left] + 0.75 * np.array([122, 4, 3])
    assert np.abs(looked.attention[top, left] - expected).max() <= 2


def test_parts_are_coloured_where_their_keypoints_are() -> None:
    model = small_model().eval()
    keypoints = np.zeros((17, 3), np.float32)
    keypoints[0] = 45, 30, 0.9  # the nose alone
    plain = np.full((200, 90, 3), 100, np.uint8)
    looked = keyreid_looks(model)(plain, keypoints, None)
    assert looked.parts is not None
    (name, colour), *_ = part_colours(model.crop_spec)
    assert (name, colour) == ("head", "#facc15")
    changed = (looked.parts != looked.plain).any(axis=2)
    spec = model.crop_spec
    assert changed[int(30 / 200 * spec.height), spec.width // 2]
    assert not changed[spec.height // 2 :].any()
    hidden = keyreid_looks(model)(plain, keypoints, "upper")
    assert hidden.parts is not None
    assert (hidden.parts == hidden.plain).all()


def test_each_part_has_a_colour_of_its_own() -> None:
    colours = part_colours(small_model().crop_spec)
    assert len({colour for _, colour in colours}) == len(colours) == small_model().crop_spec.parts
    assert all(len(colour) == 7 for _, colour in colours)
