from __future__ import annotations

from collections.abc import Sequence

import pytest

from keyreid_stream.fakes import (
    FakeAssociator,
    FakeClipHead,
    FakeDetector,
    FakeFrameEncoder,
    FakeSource,
    FakeTracker,
)
from keyreid_stream.models.load import ModelCard
from keyreid_stream.oracle import OracleName
from keyreid_stream.pipeline import Pipeline, Stages
from keyreid_stream.run_notices import notices, short_notices


def pipeline(oracles: Sequence[OracleName] = (), *, trained: bool = True) -> Pipeline:
    stages = Stages(
        sources=[FakeSource("a", [])],
        detector=FakeDetector(),
        encoder=FakeFrameEncoder(),
        clip_head=FakeClipHead(),
        make_tracker=lambda _: FakeTracker(),
        associator=FakeAssociator(),
    )
    card = ModelCard("tiny", "aligned", 12, trained=trained, sha256="0" * 64, weights=None)
    return Pipeline(stages, model=card, oracles=oracles)


def test_nothing_is_said_of_a_trained_model_that_measures_all() -> None:
    assert notices(pipeline()) == short_notices(pipeline()) == []


def test_an_untrained_model_and_truth_are_both_told() -> None:
    told = notices(pipeline(["detections"], trained=False))
    assert [("untrained" in line, "not measured" in line) for line in told] == [(True, False), (False, True)]
    assert len(short_notices(pipeline(["detections"], trained=False))) == 2


def test_an_untrained_model_cannot_spoil_identities_that_are_the_truth() -> None:
    (line,) = notices(pipeline(["tracks", "identities"], trained=False))
    assert line.startswith("tracks and identities are the truth")


@pytest.mark.parametrize(
    ("oracles", "start"),
    [
        (["tracks"], "tracks are the truth"),
        (["detections", "keypoints", "tracks"], "detections, keypoints and tracks are the truth"),
    ],
)
def test_what_is_the_truth_is_listed(oracles: list[OracleName], start: str) -> None:
    (line,) = notices(pipeline(oracles))
    assert line.startswith(start)
    (short,) = short_notices(pipeline(oracles))
    assert short == f"the truth, not measured: {', '.join(oracles)}"
    assert short.isascii()
