from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyreid_stream.config import deployment
from keyreid_stream.errors import ConfigError
from keyreid_stream.geometry.zones import Zone, Zones
from keyreid_stream.structures import Detections, Frame

LEFT = ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0))
LOWER = ((0.0, 0.5), (1.0, 0.5), (1.0, 1.0), (0.0, 1.0))


def frame(camera_id: str = "yard", width: int = 200, height: int = 100) -> Frame:
    return Frame(camera_id, 0, 0.0, np.zeros((height, width, 3), np.uint8))


def standing(*places: tuple[float, float]) -> Detections:
    """People 20 wide and 40 high who stand there."""
    boxes = np.array([[x - 10, y - 40, x + 10, y] for x, y in places], np.float32).reshape(-1, 4)
    return Detections(boxes, np.linspace(0.5, 0.9, len(boxes), dtype=np.float32))


def kept(zones: list[Zone], *places: tuple[float, float], camera_id: str = "yard") -> list[tuple[float, float]]:
    found = Zones(zones, ["yard", "door"]).keep(frame(camera_id), standing(*places))
    return [(float(box[0] + 10), float(box[3])) for box in found.boxes_xyxy]


def zone(kind: Any, polygon: Any = LEFT, camera: str = "yard") -> Zone:
    return Zone(camera=camera, kind=kind, polygon=polygon)


def test_whoever_stands_in_an_excluded_zone_is_passed_over() -> None:
    assert kept([zone("exclude")], (50, 90), (150, 90), (99, 20)) == [(150, 90)]


def test_of_a_camera_with_included_zones_only_who_stands_in_one_counts() -> None:
    assert kept([zone("include")], (50, 90), (150, 90)) == [(50, 90)]
    assert kept([zone("include"), zone("include", LOWER)], (50, 20), (150, 90), (150, 20)) == [(50, 20), (150, 90)]


def test_an_excluded_zone_within_an_included_one() -> None:
    assert kept([zone("include"), zone("exclude", LOWER)], (50, 20), (50, 90), (150, 20)) == [(50, 20)]


def test_feet_count_not_heads() -> None:
    assert kept([zone("exclude", LOWER)], (50, 49), (50, 51)) == [(50, 49)]


def test_whoever_is_cut_off_by_the_lower_edge_stands_at_it() -> None:
    assert kept([zone("include", LOWER)], (50, 130)) == [(50, 130)]


def test_other_cameras_are_taken_whole() -> None:
    assert kept([zone("exclude")], (50, 90), camera_id="door") == [(50, 90)]


def test_nobody_is_nobody() -> None:
    assert kept([zone("include")]) == []


def test_a_zone_of_no_camera_is_refused() -> None:
    with pytest.raises(ConfigError, match="zone of camera 'gate', but the cameras are 'yard'"):
        Zones([zone("include", camera="gate")], ["yard"])


@pytest.mark.parametrize(
    ("polygon", "reason"),
    [
        ([[0, 0], [1, 1]], "at least 3"),
        ([[0, 0], [0.5, 0.5], [1, 1]], "one line"),
        ([[0, 0], [640, 0], [640, 360]], "less than or equal to 1"),
        ([[0, 0], [-0.1, 0], [1, 1]], "greater than or equal to 0"),
    ],
)
def test_what_is_no_area_of_a_picture_is_refused(polygon: list[list[float]], reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        deployment({"zones": [{"camera": "yard", "kind": "include", "polygon": polygon}]})


@given(st.lists(st.tuples(st.floats(0, 200), st.floats(0, 99)), max_size=20))
def test_an_excluded_and_an_included_zone_share_people_out(places: list[tuple[float, float]]) -> None:
    inside, outside = (kept([zone(kind)], *places) for kind in ("include", "exclude"))
    assert len(inside) + len(outside) == len(places)
