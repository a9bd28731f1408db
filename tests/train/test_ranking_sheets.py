from __future__ import annotations

from pathlib import Path

import pytest

from keyreid_stream.errors import InputError
from keyreid_train.data.structures import TrackletSet
from keyreid_train.embedders.tracklets import ClipPlan
from keyreid_train.ranking_sheets import ranking_sheets
from keyreid_train.reid_evaluation import EvaluationOptions, evaluate
from keyreid_train.searches import searches_of
from tests.train.test_reid_evaluation import BLUE, GREEN, RED, Colours, seen


def test_the_worst_come_first_with_what_they_found(tmp_path: Path) -> None:
    """Ann changed her shirt to bob's: looked for from camera a, she finds bob first; bob himself is found."""
    tracklets = (
        seen(tmp_path, "ann", "a", BLUE, GREEN),
        seen(tmp_path, "ann", "b", RED, GREEN),
        seen(tmp_path, "bob", "a", BLUE, RED),
        seen(tmp_path, "bob", "b", BLUE, RED),
    )
    searches = searches_of("folder", lambda _: TrackletSet("folder", tracklets))
    evaluation = evaluate(Colours(), searches, EvaluationOptions(ClipPlan(), closest=10))
    sheets = ranking_sheets(searches, [evaluation.results["cosine", "folder"]])
    assert {sheet.label for sheet in sheets} == {"ann in a", "ann in b", "bob in a", "bob in b"}
    assert len(sheets) == 4
    assert (sheets[0].average_precision, sheets[0].first_rank) == (0.5, 2)
    for sheet in sheets:
        assert sheet.found[sheet.first_rank - 1].right
        assert [one.label.split(" in ")[1] for one in sheet.found] == ["b" if sheet.label.endswith("a") else "a"] * 2
        assert sheet.picture.startswith("data:image/jpeg;base64,")
    assert [sheet.average_precision for sheet in sheets] == sorted(sheet.average_precision for sheet in sheets)
    tracklets[0].images[0].unlink()
    with pytest.raises(InputError, match="cannot read image"):
        ranking_sheets(searches, [evaluation.results["cosine", "folder"]])
