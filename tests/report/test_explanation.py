"""Which decisions and which crops an explanation is made of."""

from __future__ import annotations

from pathlib import Path

import pytest

from keyreid_stream.errors import InputError
from keyreid_stream.report.explanation import explanation
from keyreid_stream.structures import TrackKey
from tests.report.explained import ANOTHER, MATCHED, MERGED, NEW, SPLIT, STRANGER, write_run


def test_decisions_about_an_identity_are_those_about_whoever_was_merged_into_it_too(tmp_path: Path) -> None:
    explained = explanation(write_run(tmp_path), 1)
    assert explained.decisions == (NEW, MATCHED, ANOTHER, MERGED, SPLIT)
    assert explained.merged == {4}


def test_an_identity_that_was_merged_or_split_off_has_its_own(tmp_path: Path) -> None:
    write_run(tmp_path)
    assert explanation(tmp_path, 4).decisions == (ANOTHER, MERGED)
    assert explanation(tmp_path, 5).decisions == (SPLIT,)
    assert explanation(tmp_path, 6).decisions == (STRANGER,)


def test_one_track_of_several(tmp_path: Path) -> None:
    write_run(tmp_path)
    assert explanation(tmp_path, 1, TrackKey("yard", 7)).decisions == (MATCHED, SPLIT)
    with pytest.raises(InputError, match="choose from: hall/2, hall/8, yard/7"):
        explanation(tmp_path, 1, TrackKey("yard", 8))


def test_whoever_the_run_says_nothing_about_is_refused_with_those_it_knows(tmp_path: Path) -> None:
    write_run(tmp_path)
    with pytest.raises(InputError, match="identity 9; about: 1, 4, 5, 6"):
        explanation(tmp_path, 9)


def test_a_folder_that_is_no_run_or_holds_no_decisions_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no run in"):
        explanation(tmp_path / "nowhere", 1)
    with pytest.raises(InputError, match="--decisions"):
        explanation(tmp_path, 1)


def test_a_tracklets_crop_is_the_one_from_its_own_frames(tmp_path: Path) -> None:
    explained = explanation(write_run(tmp_path, crops=True), 1)

    def name(*tracklet: object) -> str | None:
        path = explained.crop_of_tracklet(*tracklet)  # type: ignore[arg-type]
        return None if path is None else path.name

    assert name("hall", 2, 0) == "2_3.jpg"
    assert name("hall", 2, 30) == "2_40.jpg"
    assert name("hall", 2, 50) == "2_40.jpg"  # there is none after it
    assert name("hall", 3, 0) is None
    assert name(None, None, None) is None


def test_a_persons_crop_is_one_of_whom_the_events_say_it_is(tmp_path: Path) -> None:
    explained = explanation(write_run(tmp_path, crops=True), 1)
    people = {
        identity_id: [crop.path.name for crop in crops] for identity_id, crops in explained.crops_of_people.items()
    }
    assert people == {1: ["2_3.jpg", "2_40.jpg", "8_101.jpg"], 5: ["7_95.jpg"]}
    assert explained.crop_of_person(5, "hall") == tmp_path / "crops" / "yard" / "7_95.jpg"
    assert explained.crop_of_person(6) is None


def test_without_crops_nothing_is_missing(tmp_path: Path) -> None:
    explained = explanation(write_run(tmp_path), 1)
    assert explained.crop_of_tracklet("hall", 2, 0) is None
    assert explained.crop_of_person(1) is None
