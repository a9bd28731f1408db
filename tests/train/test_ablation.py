from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from keyreid_stream.evaluation.reid import RetrievalScore
from keyreid_train.ablation import Ablation, ablate, ablation_record, ablation_tables, table_lines
from keyreid_train.data.structures import TrackletSet
from keyreid_train.retrieval import camera_to_camera
from keyreid_train.scoring import ScoreRow, without_half
from keyreid_train.validation import embed_tracklets, prepare
from tests.models.small_models import small_model
from tests.train.test_scoring import people


def with_some_keypoints(tracklets: TrackletSet) -> TrackletSet:
    """Heads only, elsewhere in every tracklet."""
    changed = []
    for number, one in enumerate(tracklets.tracklets):
        keypoints = np.zeros((len(one), 17, 3), np.float32)
        keypoints[:, :5] = (6 * (number + 1) % 32, 10 * number % 64, 0.9)
        changed.append(replace(one, keypoints=keypoints))
    return TrackletSet(tracklets.name, tuple(changed))


def test_every_change_is_scored_in_three_ways(tmp_path: Path) -> None:
    rows = ablate(small_model(frames=4).eval(), with_some_keypoints(people(tmp_path)))
    changes = list(dict.fromkeys(row.entries for row in rows))
    assert changes == [
        "clips of 1",
        "clips of 2",
        "clips of 4",
        "first image alone",
        "every part sees the whole body",
        "upper half of queries hidden",
        "lower half of queries hidden",
    ]
    assert [row.similarity for row in rows[:3]] == ["cosine of all", "global part alone", "visible parts, global 0.5"]
    assert len(rows) == 3 * len(changes)


def test_a_change_that_cannot_be_made_is_left_out(tmp_path: Path) -> None:
    rows = ablate(small_model(frames=2).eval(), people(tmp_path))
    changes = {row.entries for row in rows}
    assert "clips of 4" not in changes
    assert "every part sees the whole body" not in changes
    text = ablation_tables([Ablation("w", "0" * 64, 2, tuple(rows))], "people", keypoints=False)
    assert "The model holds 2 frames: no clips of 4." in text


def test_figures_are_those_of_each_change(tmp_path: Path) -> None:
    model, tracklets = small_model().eval(), with_some_keypoints(people(tmp_path))
    scores = {(row.entries, row.similarity): row.score for row in ablate(model, tracklets)}
    for half in ("upper", "lower"):
        whole = prepare(tracklets, model.crop_spec)
        asked = embed_tracklets(model, without_half(whole, model, half))
        expected = camera_to_camera(embed_tracklets(model, whole), queries=asked)
        assert scores[f"{half} half of queries hidden", "cosine of all"] == expected
    blind = TrackletSet("people", tuple(replace(one, keypoints=None) for one in tracklets.tracklets))
    expected = camera_to_camera(embed_tracklets(model, prepare(blind, model.crop_spec)))
    assert scores["every part sees the whole body", "cosine of all"] == expected


def test_tables_are_in_percent_and_records_in_fractions() -> None:
    names = ("cosine of all", "global part alone", "visible parts, global 0.5")
    rows = tuple(
        ScoreRow("clips of 1", name, RetrievalScore(0.1 * place, 0.5, 0.6, 0.25, 8)) for place, name in enumerate(names)
    )
    assert table_lines(rows) == [("clips of 1", ("0.0 / 25.0", "10.0 / 25.0", "20.0 / 25.0"))]
    ablation = Ablation("best.safetensors", "a" * 64, 4, rows)
    text = ablation_tables([ablation, ablation], "cuhk03-val", keypoints=True)
    assert text.count("| clips of 1 | 0.0 / 25.0 | 10.0 / 25.0 | 20.0 / 25.0 |") == 2
    record = ablation_record([ablation], "cuhk03-val", keypoints=True)
    assert record["ablations"][0]["rows"][1]["score"]["rank1"] == pytest.approx(0.1)
