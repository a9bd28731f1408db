"""The page's networks: pictures are compared part by part, and only with galleries of the same model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from keyreid_demos import search_page
from keyreid_demos.networks import Networks
from keyreid_demos.people import Person, Sighting
from keyreid_demos.tab_model import looked_at
from keyreid_stream.association import GalleryStore
from keyreid_stream.association.decisions import PartComparison
from keyreid_stream.errors import InputError
from keyreid_stream.models.parts import PART_NAMES
from keyreid_stream.picture_search import Likeness, PersonInPicture
from keyreid_stream.pose.shipped import WORLD_POSE_FILE
from keyreid_stream.structures import ImageArray, TrackKey
from tests.association.test_store import filled
from tests.demos.test_people_page import EVIL, Tags


@pytest.fixture(scope="module")
def networks() -> Networks:
    return Networks(None, str(WORLD_POSE_FILE))


def picture(seed: int) -> ImageArray:
    return np.random.default_rng(seed).integers(0, 255, (128, 64, 3)).astype(np.uint8)


def test_a_picture_is_most_like_itself(networks: Networks) -> None:
    same, parts = networks.compare(picture(0), picture(0), 0.5)
    other, _ = networks.compare(picture(0), picture(1), 0.5)
    assert same == pytest.approx(1.0, abs=1e-4)
    assert other < same
    assert [one.name for one in parts] == ["whole body", *PART_NAMES]


def test_a_crop_without_a_person_counts_as_seen_whole(networks: Networks) -> None:
    crops, found = networks.crop(np.zeros((128, 64, 3), np.uint8))
    assert not found
    assert (crops.part_weights == 1).all()


def test_everything_about_two_crops_is_shown(networks: Networks) -> None:
    black = np.zeros((128, 64, 3), np.uint8)
    note, aligned, published, attention, compared = looked_at(networks, [picture(0), black])
    assert "found no person" in note
    assert aligned.shape == published.shape
    assert aligned.shape[2] == attention.shape[2] == 3
    assert "Similarity" in compared
    alone = looked_at(networks, [picture(0)])
    assert "Give two crops" in alone[4]
    assert alone[3].shape[0] * 2 == attention.shape[0]


def test_a_gallery_of_another_model_is_refused(networks: Networks, tmp_path: Path) -> None:
    filled(tmp_path / "people.gallery")
    with GalleryStore(tmp_path / "people.gallery") as store, pytest.raises(InputError, match="--weights of the run"):
        networks.search(picture(0), store, is_crop=True, count=3)


def test_what_was_found_is_shown_with_bars_and_nothing_in_a_name_is_html() -> None:
    parts = (
        PartComparison(name="head", similarity=0.8, visibility=1.0, candidate_visibility=1.0),
        PartComparison(name="left_leg", similarity=None, visibility=0.0, candidate_visibility=1.0),
    )
    person = Person(7, EVIL, (Sighting(TrackKey(EVIL, 1), 0, 7, 0.0, 1.0, Path("x.jpg")),), frozenset({7}))
    seen = PersonInPicture((10.0, 20.0, 50.0, 90.0), (Likeness(7, EVIL, 0.812, parts),))
    text = search_page.found(picture(0), [seen], {7: person}, lambda path: f"/f/{path}?a&b")
    tags = Tags(text)
    assert not tags.of("script")
    assert "0.81" in tags.text
    assert "hidden" in tags.text
    assert [one["style"] for one in tags.of("i")] == ["width:80%", "width:0%"]
    assert not tags.open


def test_an_empty_picture_says_what_to_try() -> None:
    assert "tick the box" in search_page.found(picture(0), [], {}, str)
