"""The page's networks: pictures are compared part by part, and only with galleries of the same model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from keyreid_demos.networks import Networks
from keyreid_demos.tab_model import looked_at
from keyreid_stream.association import GalleryStore
from keyreid_stream.errors import InputError
from keyreid_stream.models.parts import PART_NAMES
from keyreid_stream.pose.shipped import WORLD_POSE_FILE
from keyreid_stream.structures import FloatArray, ImageArray
from tests.association.test_store import filled


@pytest.fixture(scope="module")
def networks() -> Networks:
    return Networks(None, str(WORLD_POSE_FILE))


def picture(seed: int) -> ImageArray:
    return np.random.default_rng(seed).integers(0, 255, (128, 64, 3)).astype(np.uint8)


def test_a_picture_is_most_like_itself(networks: Networks) -> None:
    (one,), _ = networks.crops(picture(0))
    (another,), _ = networks.crops(picture(1))
    same, parts = networks.compare(one, one, 0.5)
    other, _ = networks.compare(one, another, 0.5)
    assert same == pytest.approx(1.0, abs=1e-4)
    assert other < same
    assert [one.name for one in parts] == ["whole body", *PART_NAMES]


def test_a_crop_without_a_person_counts_as_seen_whole(networks: Networks) -> None:
    spec = networks.loaded.encoder.crop_spec
    (own, other), found = networks.crops(np.zeros((128, 64, 3), np.uint8), replace(spec, weighting="signed"))
    assert not found
    assert (own.part_weights == 1).all()
    assert (other.part_weights == 1).all()


def test_one_look_of_the_detector_serves_both_modes(monkeypatch: pytest.MonkeyPatch, networks: Networks) -> None:
    """A nose in the middle: what shows no part weighs 0 in the model's mode, and -1 in the published one."""
    spec = networks.loaded.encoder.crop_spec
    keypoints = np.zeros((17, 3), np.float32)
    keypoints[0] = (spec.width / 2, spec.height / 2, 0.9)
    asked: list[ImageArray] = []

    def known(image: ImageArray) -> FloatArray:
        asked.append(image)
        return keypoints.copy()

    monkeypatch.setattr(networks, "keypoints", known)
    grey = np.full((spec.height, spec.width, 3), 90, np.uint8)
    (own, signed), found = networks.crops(grey, replace(spec, weighting="signed"))
    assert found
    assert len(asked) == 1
    assert own.part_weights[0, 0].max() > 0
    assert own.part_weights[0, 1:].max() == 0
    assert signed.part_weights[0, 1:].max() == -1
    assert int(own.part_weights[0, 0].argmax()) == int(signed.part_weights[0, 0].argmax())


def test_everything_about_two_crops_is_shown(networks: Networks) -> None:
    black = np.zeros((128, 64, 3), np.uint8)
    note, aligned, published, attention, compared = looked_at(networks, [picture(0), black])
    assert "found no person" in note
    assert aligned.shape == published.shape
    assert aligned.shape[2] == attention.shape[2] == 3
    assert "Similarity" in compared
    assert "in aligned mode" in compared
    alone = looked_at(networks, [picture(0)])
    assert "Give two crops" in alone[4]
    assert alone[3].shape[0] * 2 == attention.shape[0]


def test_a_gallery_of_another_model_is_refused(networks: Networks, tmp_path: Path) -> None:
    filled(tmp_path / "people.gallery")
    with GalleryStore(tmp_path / "people.gallery") as store, pytest.raises(InputError, match="--weights of the run"):
        networks.search(picture(0), store, is_crop=True, count=3)
