from __future__ import annotations

from pathlib import Path

import pytest

from keyreid_stream.demo import chosen_pose, reid_ingredient
from keyreid_stream.errors import WeightsError
from keyreid_stream.models.load import ModelCard


@pytest.fixture
def shipped(tmp_path: Path) -> Path:
    path = tmp_path / "world-net.pt"
    path.touch()
    return path


def card(weights: str | None, *data_sets: str) -> ModelCard:
    return ModelCard("tiny", "aligned", 7, weights is not None, "ab" * 32, weights, data_sets)


def test_the_shipped_detector_is_the_default_and_says_what_it_is(shipped: Path) -> None:
    for given in (None, "world-net"):
        chosen = chosen_pose(given, shipped)
        assert chosen.weights == str(shipped)
        assert chosen.ingredient.name == "world-net"
        assert "drawn people" in (chosen.ingredient.note or "")
        assert "nothing about real video" in (chosen.ingredient.note or "")


def test_a_detector_that_a_user_names_is_taken_and_named(shipped: Path) -> None:
    pose = chosen_pose("nets/yolo.pt", shipped)
    assert (pose.weights, pose.ingredient.name) == ("nets/yolo.pt", "yolo.pt")
    assert "drawn" in (pose.ingredient.note or "")


def test_without_the_shipped_detector_one_must_be_named(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="--pose"):
        chosen_pose(None, tmp_path / "gone.pt")


def test_a_model_is_named_by_its_file_and_tells_what_it_knows_of_drawn_people() -> None:
    assert reid_ingredient(card("nets/mars.safetensors", "mars")).note is None
    assert reid_ingredient(card("nets/mars.safetensors", "mars")).name == "mars"
    assert "says little about real video" in (reid_ingredient(card("a.safetensors", "mars", "worlds")).note or "")
    assert "drawn people alone" in (reid_ingredient(card("a.safetensors", "worlds")).note or "")
    untrained = reid_ingredient(card(None))
    assert untrained.name == "tiny, untrained"
    assert "do not tell people apart" in (untrained.note or "")
