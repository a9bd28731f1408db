"""What was found is shown with bars, and nothing of it is taken for HTML."""

from __future__ import annotations

import base64
from pathlib import Path

import cv2
import numpy as np
import pytest

from keyreid_demos import search_page
from keyreid_demos.people import Person, Sighting
from keyreid_stream.association.decisions import PartComparison
from keyreid_stream.picture_search import Likeness, PersonInPicture
from keyreid_stream.structures import ImageArray, TrackKey
from tests.demos.test_people_page import EVIL, Tags

BOTH = PartComparison(name="head", similarity=0.8, visibility=1.0, candidate_visibility=0.5)
APART = PartComparison(name="torso", similarity=-0.3, visibility=1.0, candidate_visibility=1.0)
HIDDEN = PartComparison(name="left_leg", similarity=None, visibility=0.0, candidate_visibility=1.0)


def half_red() -> ImageArray:
    """Red on the left, black on the right."""
    image = np.zeros((90, 60, 3), np.uint8)
    image[:, :30, 0] = 255
    return image


def person(name: str, camera_id: str = "door") -> Person:
    """Seen from 62 s to 125 s."""
    seen = Sighting(TrackKey(camera_id, 1), 0, 7, 62.0, 125.0, Path("x.jpg"))
    return Person(7, name, (seen,), frozenset({7}))


def page(name: str = "", *, box: tuple[float, float, float, float] = (0, 0, 60, 90)) -> Tags:
    seen = PersonInPicture(box, (Likeness(7, name, 0.812, (BOTH, APART, HIDDEN)),))
    return Tags(search_page.found(half_red(), [seen], {7: person(name, name or "door")}, lambda path: f"/f/{path}?a&b"))


def test_somebody_found_has_similarity_cameras_times_and_parts() -> None:
    tags = page("the baker")
    for told in ("P7 the baker", "0.81", "1:02", "2:05", "0.80", "left leg", "hidden (picture)"):
        assert told in tags.text
    assert [one["style"] for one in tags.of("i")] == ["width:80%", "width:0%", "width:0%"]
    bars = [one["title"] for one in tags.of("span") if one.get("class") == "kr-bar"]
    assert bars[0] == "seen: picture 100%, gallery 50%"
    assert not tags.open


def test_nothing_in_a_name_is_html() -> None:
    tags = page(EVIL)
    assert EVIL in tags.text
    assert not tags.of("script")
    assert len(tags.of("img")) == 2
    assert not tags.open


@pytest.mark.parametrize(
    ("box", "colour"), [((0, 0, 30, 90), (255, 0, 0)), ((31, 0, 60, 90), (0, 0, 0)), ((-5, -5, 20, 200), (255, 0, 0))]
)
def test_whom_the_picture_shows_is_cut_out_of_it(box: tuple[float, float, float, float], colour: object) -> None:
    (source,) = [one["src"] for one in page(box=box).of("img") if str(one["src"]).startswith("data:")]
    content = np.frombuffer(base64.b64decode(str(source).split(",")[1]), np.uint8)
    cut = cv2.imdecode(content, cv2.IMREAD_COLOR_RGB)
    assert cut is not None
    middle = cut[cut.shape[0] // 2, cut.shape[1] // 2]
    assert np.abs(middle.astype(int) - np.array(colour)).max() < 12  # JPEG


def test_somebody_of_whom_the_run_has_nothing_is_still_named() -> None:
    seen = PersonInPicture((0, 0, 60, 90), (Likeness(9, "", 0.5, ()),))
    tags = Tags(search_page.found(half_red(), [seen], {}, str))
    assert "P9" in tags.text
    assert len(tags.of("img")) == 1


def test_nobody_in_the_picture_and_nobody_known_say_so() -> None:
    assert "tick the box" in search_page.found(half_red(), [], {}, str)
    assert "gallery is empty" in search_page.found(half_red(), [PersonInPicture((0, 0, 60, 90), ())], {}, str)


def test_two_crops_are_called_first_and_second() -> None:
    unseen = PartComparison(name="head", similarity=None, visibility=0.0, candidate_visibility=0.0)
    tags = Tags(search_page.compared(0.456, [BOTH, unseen]))
    assert "0.46" in tags.text
    assert "hidden (first and second)" in tags.text
