from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from keyreid_stream.structures import Crops, CropSpec
from keyreid_train.data.structures import Tracklet, TrackletSet
from keyreid_train.scoring import half_hidden, score_rows
from keyreid_train.validation import embed_tracklets, prepare
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
    model = small_model().eval()
    found = embed_tracklets(model, prepare(people(tmp_path), model.crop_spec))
    rows = score_rows("images", found, found, (None, 1.0, 0.5))
    assert [row.similarity for row in rows] == ["cosine of all", "global part alone", "visible parts, global 0.5"]
    assert {(row.score.rank1, row.score.queries) for row in rows} == {(1.0, 6)}


@pytest.mark.parametrize(("weighting", "nothing"), [("soft", 0.0), ("signed", -1.0)])
def test_a_hidden_half_is_black_and_shows_no_part(weighting: str, nothing: float) -> None:
    spec = CropSpec(64, 32, grid_rows=8, grid_columns=4, parts=2, weighting=weighting)  # type: ignore[arg-type]
    whole = Crops(np.full((3, 64, 32, 3), 9, np.uint8), np.full((3, 2, 32), 0.5, np.float32))
    lower, upper = half_hidden(whole, spec, "lower"), half_hidden(whole, spec, "upper")
    assert (lower.images[:, :32] == 9).all()
    assert (lower.images[:, 32:] == 0).all()
    assert (lower.part_weights[:, :, :16] == 0.5).all()
    assert (lower.part_weights[:, :, 16:] == nothing).all()
    assert (upper.images[:, :32] == 0).all()
    assert (upper.part_weights[:, :, :16] == nothing).all()
    assert (upper.part_weights[:, :, 16:] == 0.5).all()
    assert (whole.images == 9).all()
