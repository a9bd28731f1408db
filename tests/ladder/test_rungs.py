from __future__ import annotations

from itertools import pairwise

import pytest

from keyreid_stream.evaluation import RunScores, TrackingScores
from keyreid_stream.ladder import RUNGS, figures_of, losses
from keyreid_stream.oracle import ORACLE_NAMES


def scores(hota: float, idsw: int, truth_boxes: int = 100) -> TrackingScores:
    return TrackingScores(
        hota=hota,
        deta=hota / 2,
        assa=hota / 4,
        loca=1.0,
        idf1=hota / 5,
        idp=0.0,
        idr=0.0,
        mota=-hota,
        idsw=idsw,
        fp=0,
        fn=0,
        tp=0,
        truth_boxes=truth_boxes,
        result_boxes=0,
        truth_ids=0,
        result_ids=0,
    )


def test_every_rung_takes_one_thing_more_from_the_truth() -> None:
    assert [set(above.oracle) - set(below.oracle) for below, above in pairwise(RUNGS)] == [
        {"detections"},
        {"tracks"},
        {"identities"},
    ]
    assert all(set(rung.oracle) <= set(ORACLE_NAMES) for rung in RUNGS)
    assert sorted(rung.name for rung in RUNGS) == [rung.name for rung in RUNGS]


def test_means_are_over_cameras_with_people_and_switches_are_summed() -> None:
    nobody = scores(0.0, 0, truth_boxes=0)
    figures = figures_of(RunScores({"a": scores(0.8, 2), "b": scores(0.4, 3), "empty": nobody}, scores(0.5, 5)))
    assert figures.mean == pytest.approx(
        {"hota": 0.6, "deta": 0.3, "assa": 0.15, "idf1": 0.12, "mota": -0.6, "idsw": 5}
    )
    assert figures.together == pytest.approx(
        {"hota": 0.5, "deta": 0.25, "assa": 0.125, "idf1": 0.1, "mota": -0.5, "idsw": 5}
    )


def test_a_ladder_over_nobody_has_no_figures() -> None:
    with pytest.raises(ValueError, match="somebody"):
        figures_of(RunScores({"empty": scores(0.0, 0, truth_boxes=0)}, scores(0.0, 0, truth_boxes=0)))


def test_a_loss_is_what_a_step_gains_and_switches_count_the_other_way() -> None:
    rungs = [
        figures_of(RunScores({"a": scores(*one)}, scores(*one))) for one in ((0.5, 7), (0.9, 9), (0.8, 1), (1.0, 0))
    ]
    lost = losses(rungs)
    assert [one.together["hota"] for one in lost] == pytest.approx([0.4, -0.1, 0.2])
    assert [one.mean["idsw"] for one in lost] == [-2, 8, 1]
    assert rungs[0].mean["hota"] + sum(one.mean["hota"] for one in lost) == pytest.approx(rungs[-1].mean["hota"])
