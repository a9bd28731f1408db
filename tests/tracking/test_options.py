from __future__ import annotations

import logging

import pytest

from keyreid_stream.errors import ConfigError
from keyreid_stream.tracking import TRACKERS
from keyreid_stream.tracking.options import build_tracker, tracker_defaults
from tests.tracking.scenes import ALL_TRACKERS, APPEARANCE_TRACKERS, tracker


@pytest.mark.parametrize("name", ALL_TRACKERS)
def test_every_accepted_option_is_accepted_by_the_constructor(name: str) -> None:
    defaults = tracker_defaults(name)
    del defaults["frame_width" if name == "sfsort" else "kf_time_unit"]  # None: no default to hand back
    settable = {option: value for option, value in defaults.items() if value is not None and option != "cmc_method"}
    assert build_tracker(name, settable, compensating=False, fps=30).name.lower() == name


@pytest.mark.parametrize("name", ALL_TRACKERS)
def test_an_override_reaches_the_tracker(name: str) -> None:
    option = {"botsort": "match_thresh", "bytetrack": "match_thresh", "sfsort": "match_th_first"}.get(name, "max_age")
    built = build_tracker(name, {option: 0.25 if "match" in option else 17}, compensating=False, fps=30)
    assert getattr(built, option) == (0.25 if "match" in option else 17)


@pytest.mark.parametrize("name", APPEARANCE_TRACKERS)
def test_camera_motion_is_compensated_only_on_request(name: str) -> None:
    assert build_tracker(name, {}, compensating=False, fps=30).cmc is None
    assert build_tracker(name, {}, compensating=True, fps=30).cmc is not None


@pytest.mark.parametrize("name", APPEARANCE_TRACKERS)
def test_appearance_trackers_use_appearance_as_built(name: str) -> None:
    assert build_tracker(name, {}, compensating=False, fps=30).use_embeddings is True


@pytest.mark.parametrize("name", ["botsort", "bytetrack"])
def test_lost_tracks_are_kept_for_the_same_time_at_any_frame_rate(name: str) -> None:
    frames = [build_tracker(name, {"track_buffer": 30}, compensating=False, fps=fps).max_time_lost for fps in (10, 30)]
    assert frames == [10, 30]
    fixed = build_tracker(name, {"track_buffer": 30, "frame_rate": 30}, compensating=False, fps=10)
    assert fixed.max_time_lost == 30


def test_a_value_that_only_boxmot_refuses_becomes_one_line() -> None:
    with pytest.raises(ConfigError, match=r"botsort refuses its options .*asso_func") as caught:
        tracker("botsort", options={"asso_func": "sideways"})
    assert "\n" not in str(caught.value)


def test_the_table_names_what_boxmot_has() -> None:
    for name, traits in TRACKERS.items():
        built = build_tracker(name, {}, compensating=False, fps=30)
        assert type(built).__name__ == traits.class_name
        assert traits.live_tracks(built) == {}
        assert traits.live_ids(built) == set()
        assert built.capabilities.accepts_embeddings == (traits.write is not None)


def test_building_a_tracker_prints_nothing_and_leaves_boxmot_s_logger_as_it_was(
    capfd: pytest.CaptureFixture[str],
) -> None:
    import boxmot  # noqa: F401  (sets its logger up)

    logger = logging.getLogger("boxmot")
    logger.disabled = False  # the fixture's doing
    before = logger.level
    build_tracker("botsort", {}, compensating=False, fps=10)
    assert capfd.readouterr() == ("", "")
    assert logger.level == before
