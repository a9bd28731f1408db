from __future__ import annotations

import pytest

from keyreid_stream.errors import InputError
from keyreid_stream.fakes import FakeAssociator, FakeDetector, FakeSource, FakeTracker
from keyreid_stream.interfaces import Associator, PoseDetector, Source, Tracker
from keyreid_stream.oracle import OracleAssociator, OracleDetector, OracleName, OracleStages, OracleTracker
from tests.oracle.scripted import ScriptedSource


def never() -> PoseDetector:
    raise AssertionError("the real detector was made, though nothing of it is needed")


def real_tracker(_: Source) -> Tracker:
    return FakeTracker()


def real_associator() -> Associator:
    return FakeAssociator()


def test_nothing_named_changes_nothing_and_asks_no_camera() -> None:
    stages = OracleStages([], [FakeSource("lobby", [])])
    assert isinstance(stages.detector(FakeDetector), FakeDetector)
    assert stages.tracker_maker(real_tracker) is real_tracker
    assert isinstance(stages.associator(real_associator), FakeAssociator)
    assert stages.names == ()


def test_everything_named_replaces_everything() -> None:
    source = ScriptedSource("door", [])
    stages = OracleStages(["identities", "tracks", "keypoints", "detections"], [source])
    assert isinstance(stages.detector(never), OracleDetector)
    assert isinstance(stages.tracker_maker(real_tracker)(source), OracleTracker)
    assert isinstance(stages.associator(real_associator), OracleAssociator)
    assert stages.names == ("detections", "keypoints", "tracks", "identities")


@pytest.mark.parametrize("name", ["detections", "keypoints"])
def test_half_a_detector_needs_the_other_half(name: OracleName) -> None:
    made = []

    def make() -> PoseDetector:
        made.append(FakeDetector())
        return made[0]

    stages = OracleStages([name], [ScriptedSource("door", [])])
    assert isinstance(stages.detector(make), OracleDetector)
    assert len(made) == 1
    assert stages.tracker_maker(real_tracker) is real_tracker


def test_a_camera_without_truth_is_refused_before_a_stage_is_made() -> None:
    with pytest.raises(InputError, match="'lobby'"):
        OracleStages(["tracks"], [FakeSource("lobby", [])])
