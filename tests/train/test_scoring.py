from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from keyreid_stream.errors import ConfigError
from keyreid_train import scoring
from keyreid_train.data.structures import Tracklet, TrackletSet
from keyreid_train.scoring import score_tracklets
from keyreid_train.validation import PreparedTracklets
from tests.models.small_models import small_model


def people(folder: Path) -> TrackletSet:
    """Three people who look the same in both cameras."""
    tracklets = []
    for person in range(3):
        picture = np.random.default_rng(person).integers(0, 256, (64, 32, 3), np.uint8)
        for camera in ("a", "b"):
            path = folder / f"{person}{camera}.png"
            cv2.imwrite(str(path), picture)
            tracklets.append(Tracklet(str(person), camera, path.stem, (path,)))
    return TrackletSet("people", tuple(tracklets))


def test_every_way_is_scored(tmp_path: Path) -> None:
    rows = score_tracklets(small_model().eval(), people(tmp_path))
    assert len({(row.entries, row.similarity) for row in rows}) == len(rows) == 12
    assert {row.score.rank1 for row in rows} == {1.0}
    assert {row.score.queries for row in rows} == {6}


def test_half_of_the_queries_is_hidden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = small_model().eval()
    seen: list[PreparedTracklets] = []
    embed = scoring.embed_tracklets

    def spy(network: object, prepared: PreparedTracklets, **options: int) -> object:
        seen.append(prepared)
        return embed(network, prepared, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(scoring, "embed_tracklets", spy)
    score_tracklets(model, people(tmp_path), hidden="lower")
    whole, asked = seen[0].crops[0], seen[1].crops[0]
    np.testing.assert_array_equal(asked.images[:, :32], whole.images[:, :32])
    assert not asked.images[:, 32:].any()
    np.testing.assert_array_equal(asked.part_weights[:, :, :4], whole.part_weights[:, :, :4])
    assert not asked.part_weights[:, :, 4:].any()
    with pytest.raises(ConfigError, match="no 'left' half"):
        score_tracklets(model, people(tmp_path), hidden="left")
