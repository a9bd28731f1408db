from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from keyreid_stream.errors import InputError
from keyreid_stream.structures import FloatArray, ImageArray
from keyreid_train.data.structures import TrackletSet
from keyreid_train.embedders.interface import Half
from keyreid_train.embedders.tracklets import ClipPlan
from keyreid_train.looked_pictures import LookedPicture
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
        assert sheet.picture.plain.startswith("data:image/jpeg;base64,")
        assert sheet.picture.attention is None
    assert [sheet.average_precision for sheet in sheets] == sorted(sheet.average_precision for sheet in sheets)
    tracklets[0].images[0].unlink()
    with pytest.raises(InputError, match="cannot read image"):
        ranking_sheets(searches, [evaluation.results["cosine", "folder"]])


def test_looks_are_drawn_over_each_picture_once(tmp_path: Path) -> None:
    """Half of the queries is hidden: they are drawn as the network had them, the same pictures as finds are whole."""
    tracklets = tuple(seen(tmp_path, person, camera, BLUE, GREEN) for person in ("ann", "bob") for camera in "ab")
    points = np.full((1, 17, 3), 0.5, np.float32)
    tracklets = (replace(tracklets[0], keypoints=points), *tracklets[1:])
    searches = searches_of("folder", lambda _: TrackletSet("folder", tracklets))
    evaluation = evaluate(Colours(), searches, EvaluationOptions(ClipPlan(), closest=10))
    asked: list[tuple[bool, Half | None]] = []

    def draw(image: ImageArray, keypoints: FloatArray | None, hidden: Half | None) -> LookedPicture:
        asked.append((keypoints is not None, hidden))
        assert tuple(image[0, 0]) == BLUE
        return LookedPicture(image, image, None if keypoints is None else image[::-1])

    sheets = ranking_sheets(searches, [evaluation.results["cosine", "folder"]], draw, hidden="upper")
    assert len(asked) == 8
    assert {hidden for _, hidden in asked} == {"upper", None}
    assert sum(keyed for keyed, _ in asked) == 2
    by_label = {sheet.label: sheet.picture for sheet in sheets}
    assert by_label["ann in a"].parts not in (None, by_label["ann in a"].plain)
    assert by_label["bob in a"].parts is None
    assert by_label["bob in a"].attention == by_label["bob in a"].plain


def test_without_looks_a_hidden_half_is_still_black(tmp_path: Path) -> None:
    tracklets = tuple(seen(tmp_path, person, camera, RED, RED) for person in ("ann", "bob") for camera in "ab")
    searches = searches_of("folder", lambda _: TrackletSet("folder", tracklets))
    evaluation = evaluate(Colours(), searches, EvaluationOptions(ClipPlan(), closest=10))
    sheet = ranking_sheets(searches, [evaluation.results["cosine", "folder"]], hidden="lower")[0]
    query, found = (_decoded(one.plain) for one in (sheet.picture, sheet.found[0].picture))
    assert (query[: len(query) // 2 - 8, :, 2] > 150).all()
    assert (query[len(query) // 2 + 8 :] < 50).all()
    assert (found[..., 2] > 150).all()


def _decoded(uri: str) -> ImageArray:
    """BGR."""
    content = np.frombuffer(base64.b64decode(uri.partition(",")[2]), np.uint8)
    return np.asarray(cv2.imdecode(content, cv2.IMREAD_COLOR))
