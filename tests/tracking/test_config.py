from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from keyreid_stream.tracking import TRACKERS, ClipConfig, TrackingConfig
from tests.tracking.scenes import ALL_TRACKERS, MOTION_TRACKERS


def refusal(**settings: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        TrackingConfig(**settings)
    (fault,) = caught.value.errors()
    assert "\n" not in fault["msg"]
    return str(fault["msg"])


@pytest.mark.parametrize("name", ["BotSort", "BOTSORT", " botsort "])
def test_names_may_be_written_in_any_case(name: str) -> None:
    assert TrackingConfig(tracker=name).tracker == "botsort"


def test_an_unknown_tracker_gets_the_list_of_known_ones() -> None:
    message = refusal(tracker="kalman9000")
    assert "'kalman9000'" in message
    assert all(name in message for name in ALL_TRACKERS)


def test_the_offered_trackers_are_the_documented_ones() -> None:
    assert set(TRACKERS) == set(ALL_TRACKERS)


def test_defaults_suit_fixed_cameras() -> None:
    config = TrackingConfig()
    assert (config.tracker, config.camera_motion_compensation, config.write_back) == ("botsort", False, True)


@pytest.mark.parametrize("name", ALL_TRACKERS)
def test_an_unknown_option_gets_the_list_of_what_this_tracker_accepts(name: str) -> None:
    known = {"botsort": "track_buffer", "sfsort": "central_timeout"}.get(name, "max_age")
    message = refusal(tracker=name, options={"gravity": 9.81})
    assert f"{name} has no option 'gravity'" in message
    assert known in message
    assert known in TrackingConfig(tracker=name, options={known: 7}).options


@pytest.mark.parametrize(
    "option",
    ["reid_model", "reid_weights", "device", "half", "reid_preprocess", "use_cmc", "is_obb", "per_class"],
)
def test_what_we_set_ourselves_is_no_option(option: str) -> None:
    assert f"has no option '{option}'" in refusal(tracker="botsort", options={option: True})


@pytest.mark.parametrize("name", ["bytetrack", "sfsort"])
def test_options_that_boxmot_would_only_refuse_later_are_refused_now(name: str) -> None:
    assert "has no option 'det_thresh'" in refusal(tracker=name, options={"det_thresh": 0.4})


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("track_buffer", "long"),
        ("track_buffer", True),
        ("track_buffer", float("nan")),
        ("track_buffer", float("inf")),
        ("fuse_first_associate", 1),
        ("asso_func", 3),
        ("track_buffer", [30]),
    ],
)
def test_options_of_the_wrong_kind_are_refused(option: str, value: object) -> None:
    message = refusal(tracker="botsort", options={option: value})
    assert option in message
    assert "default:" in message


@pytest.mark.parametrize(
    ("tracker", "option", "value", "wanted"),
    [
        ("botsort", "track_buffer", -5, "above 0"),
        ("botsort", "track_buffer", 0, "above 0"),
        ("botsort", "frame_rate", 0.0, "above 0"),
        ("botsort", "match_thresh", -0.1, "from 0 on"),
        ("ocsort", "max_age", -1, "above 0"),
        ("deepocsort", "max_obs", 0, "above 0"),
        ("sfsort", "central_timeout", -1, "from 0 on"),
    ],
)
def test_numbers_that_make_no_sense_are_refused(tracker: str, option: str, value: float, wanted: str) -> None:
    assert f"option '{option}' is {value}; give a number {wanted} (default: " in refusal(
        tracker=tracker, options={option: value}
    )


@pytest.mark.parametrize(
    ("tracker", "option", "value"), [("botsort", "match_thresh", 0), ("sfsort", "central_timeout", 0)]
)
def test_zero_is_a_number_where_it_means_something(tracker: str, option: str, value: float) -> None:
    assert TrackingConfig(tracker=tracker, options={option: value}).options == {option: value}


def test_a_compensation_method_needs_compensation() -> None:
    options = {"cmc_method": "ecc"}
    assert "camera_motion_compensation" in refusal(tracker="hybridsort", options=options)
    assert TrackingConfig(tracker="hybridsort", camera_motion_compensation=True, options=options).options == options


@pytest.mark.parametrize("name", MOTION_TRACKERS)
def test_compensation_is_refused_where_there_is_none(name: str) -> None:
    message = refusal(tracker=name, camera_motion_compensation=True)
    assert "botsort" in message
    assert "bytetrack" not in message.split("choose one of")[1]


def test_unknown_settings_are_refused() -> None:
    with pytest.raises(ValidationError, match="Extra inputs"):
        TrackingConfig(trackers="botsort")  # type: ignore[call-arg]
    with pytest.raises(ValidationError, match="Extra inputs"):
        ClipConfig(stride=2)  # type: ignore[call-arg]


@pytest.mark.parametrize("settings", [{"clip_stride": 0}, {"min_crops": 0}, {"embed_every": -1}])
def test_clip_settings_out_of_range_are_refused(settings: dict[str, int]) -> None:
    with pytest.raises(ValidationError):
        ClipConfig(**settings)


def test_the_guide_shows_settings_that_exist_and_their_defaults() -> None:
    guide = (Path(__file__).parents[2] / "docs" / "guides" / "boxmot.md").read_text(encoding="utf-8")
    shown = tomllib.loads(guide.split("```toml")[1].split("```")[0])
    assert shown["tracking"].pop("options") == {"track_buffer": 60}
    assert TrackingConfig(**shown["tracking"]) == TrackingConfig()
    assert ClipConfig(**shown["clips"]) == ClipConfig()
    assert set(shown["tracking"]) | {"options"} == set(TrackingConfig.model_fields)
    assert set(shown["clips"]) | {"encode_every"} == set(ClipConfig.model_fields)
    assert "# encode_every" in guide  # its usual value, "it depends", cannot be written in TOML
