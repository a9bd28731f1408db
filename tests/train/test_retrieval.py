from __future__ import annotations

import numpy as np
import pytest

from keyreid_stream.errors import InputError
from keyreid_stream.structures import ClipEmbedding, EmbeddingLayout
from keyreid_train.retrieval import EmbeddedTracklets, camera_to_camera

FLAT = EmbeddingLayout(global_dim=2, parts=0, part_dim=0)


def embedded(*rows: tuple[str, str, tuple[float, float]]) -> EmbeddedTracklets:
    embeddings = [ClipEmbedding(np.array(v, np.float32), np.zeros(0, np.float32), FLAT) for _, _, v in rows]
    return EmbeddedTracklets(embeddings, tuple(p for p, _, _ in rows), tuple(c for _, c, _ in rows))


def test_cameras_are_searched_both_ways() -> None:
    tracklets = embedded(
        ("ann", "1", (1, 0)), ("bob", "1", (0, 1)), ("ann", "2", (1, 0.1)), ("bob", "2", (1, 0)), ("eve", "2", (-1, 0))
    )
    # From 1 to 2: ann finds bob first; bob (0, 1) is closest to ann's (1, 0.1). From 2 to 1: ann right, bob finds ann.
    assert camera_to_camera(tracklets).rank1 == pytest.approx((0 + 0.5) / 2)
    assert camera_to_camera(tracklets).queries == 4


def test_people_of_one_camera_only_cannot_be_scored() -> None:
    with pytest.raises(InputError, match="two cameras"):
        camera_to_camera(embedded(("ann", "1", (1, 0)), ("bob", "2", (0, 1))))


def test_hidden_parts_are_left_out_of_the_visible_similarity() -> None:
    layout = EmbeddingLayout(global_dim=1, parts=1, part_dim=2)

    def person(x: float, y: float, seen: float) -> ClipEmbedding:
        return ClipEmbedding(np.array([1, x, y], np.float32), np.array([seen], np.float32), layout)

    people = (person(1, 0, 1), person(0, 1, 1), person(-1, 0, 0), person(0, 1, 1))
    tracklets = EmbeddedTracklets(people, ("ann", "bob", "ann", "eve"), ("1", "1", "2", "2"))
    # Ann hides in camera 2, and what is there instead of her part looks like nobody: eve would be closer. The way back
    # only the global part is left, which says nothing, so it finds nobody.
    assert camera_to_camera(tracklets).rank1 == 0
    assert camera_to_camera(tracklets, global_weight=0.5).rank1 == 0.5
