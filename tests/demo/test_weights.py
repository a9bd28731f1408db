from __future__ import annotations

from pathlib import Path

import pytest

from keyreid_stream.demo import chosen_pose, chosen_reid
from keyreid_stream.errors import WeightsError


@pytest.fixture
def shipped(tmp_path: Path) -> Path:
    path = tmp_path / "world-net.pt"
    path.touch()
    return path


def test_shipped_weights_are_the_default_and_say_what_they_are(shipped: Path) -> None:
    for choose in (chosen_pose, chosen_reid):
        for given in (None, "world-net"):
            chosen = choose(given, shipped)
            assert chosen.weights == str(shipped)
            assert chosen.ingredient.name == "world-net"
            assert "drawn people" in (chosen.ingredient.note or "")
            assert "nothing about real video" in (chosen.ingredient.note or "")


def test_what_a_user_names_is_taken_and_named(shipped: Path) -> None:
    pose = chosen_pose("nets/yolo.pt", shipped)
    assert (pose.weights, pose.ingredient.name) == ("nets/yolo.pt", "yolo.pt")
    assert "drawn" in (pose.ingredient.note or "")
    reid = chosen_reid("mars", shipped)
    assert (reid.weights, reid.ingredient.name, reid.ingredient.note) == ("mars", "mars", None)


def test_without_shipped_weights_a_detector_must_be_named_and_the_model_is_untrained(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="--pose"):
        chosen_pose(None, tmp_path / "gone.pt")
    chosen = chosen_reid(None, tmp_path / "gone.safetensors")
    assert chosen.weights is None
    assert chosen.ingredient.name == "no trained weights"
    assert chosen_reid("gone", tmp_path / "gone.safetensors").weights == "gone"  # whoever loads it, says it is missing
