from __future__ import annotations

import pytest

from keyreid_stream.config import deployment
from keyreid_stream.errors import ConfigError


def test_nothing_is_taken_from_the_truth_unless_asked_for() -> None:
    assert deployment({}).oracle == ()


@pytest.mark.parametrize(
    "given", [["tracks", "detections", "tracks"], "tracks, detections", "tracks,detections,tracks"]
)
def test_names_come_once_and_in_the_order_of_the_pipeline(given: object) -> None:
    assert deployment({"oracle": given}).oracle == ("detections", "tracks")


@pytest.mark.parametrize("given", ["boxes", "detections,boxes", ["boxes"], "", "detections,", 3, True])
def test_anything_else_is_refused_in_one_line(given: object) -> None:
    with pytest.raises(ConfigError, match=r"^setting 'oracle[^\n]*$") as raised:
        deployment({"oracle": given})
    if "boxes" in str(given):
        assert all(name in str(raised.value) for name in ("detections", "keypoints", "tracks", "identities"))
