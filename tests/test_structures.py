"""The structures refuse what does not fit together, and say what would."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from keyreid_stream.structures import (
    CameraTick,
    Clip,
    ClipEmbedding,
    ClipEmbeddings,
    Crops,
    CropSpec,
    Detections,
    EmbeddingLayout,
    Encodings,
    Frame,
    Identity,
    TrackKey,
    Tracks,
)

LAYOUT = EmbeddingLayout(global_dim=4, parts=2, part_dim=3)


def zeros(*shape: int, dtype: Any = np.float32) -> np.ndarray:
    return np.zeros(shape, dtype)


def frame() -> Frame:
    return Frame("a", 0, 0.0, zeros(4, 6, 3, dtype=np.uint8))


def tracks(count: int = 2) -> Tracks:
    ids = np.arange(count)
    return Tracks(ids, zeros(count, 4), zeros(count), ids)


WRONG: dict[str, tuple[Callable[[], object], str]] = {
    "frame of grey": (
        lambda: Frame("a", 0, 0.0, zeros(4, 6, dtype=np.uint8)),
        r"image .*\(any, any, 3\), got \(4, 6\)",
    ),
    "frame of floats": (lambda: Frame("a", 0, 0.0, zeros(4, 6, 3)), "image must have dtype .*uint8.*, got float32"),
    "boxes of 5": (lambda: Detections(zeros(2, 5), zeros(2)), r"boxes_xyxy .*\(any, 4\), got \(2, 5\)"),
    "boxes of doubles": (lambda: Detections(zeros(2, 4, dtype=float), zeros(2)), "boxes_xyxy must have dtype"),
    "a confidence too few": (lambda: Detections(zeros(2, 4), zeros(1)), r"confidence .*\(2\), got \(1,\)"),
    "keypoints of 18": (lambda: Detections(zeros(2, 4), zeros(2), zeros(2, 18, 3)), r"keypoints .*\(2, 17, 3\)"),
    "keypoints of another": (lambda: Detections(zeros(2, 4), zeros(2), zeros(1, 17, 3)), r"keypoints .*\(2, 17, 3\)"),
    "crops of floats": (lambda: Crops(zeros(2, 8, 4, 3), zeros(2, 6, 8)), "images must have dtype"),
    "weights of another": (
        lambda: Crops(zeros(2, 8, 4, 3, dtype=np.uint8), zeros(1, 6, 8)),
        r"part_weights .*\(2, any",
    ),
    "class rows of other channels": (
        lambda: Encodings(torch.zeros(2, 9, 4), torch.zeros(2, 5), torch.zeros(2, 6, 8), zeros(2, 4)),
        r"class_rows .*\(2, 4\), got \(2, 5\)",
    ),
    "weights of other patches": (
        lambda: Encodings(torch.zeros(2, 9, 4), torch.zeros(2, 4), torch.zeros(2, 6, 9), zeros(2, 4)),
        r"part_weights .*\(2, any, 8\), got \(2, 6, 9\)",
    ),
    "appearance of another": (
        lambda: Encodings(torch.zeros(2, 9, 4), torch.zeros(2, 4), torch.zeros(2, 6, 8), zeros(3, 4)),
        r"appearance .*\(2, any\), got \(3, 4\)",
    ),
    "empty clip": (lambda: Clip(torch.zeros(0, 9, 4), torch.zeros(0, 4), torch.zeros(0, 6, 8)), "at least one crop"),
    "clip of unequal length": (
        lambda: Clip(torch.zeros(2, 9, 4), torch.zeros(1, 4), torch.zeros(2, 6, 8)),
        r"class_rows .*\(2, 4\), got \(1, 4\)",
    ),
    "vectors of another layout": (lambda: ClipEmbeddings(zeros(1, 11), zeros(1, 2), LAYOUT), r"vectors .*\(any, 10\)"),
    "visibility of other parts": (lambda: ClipEmbeddings(zeros(1, 10), zeros(1, 3), LAYOUT), r"visibility .*\(1, 2\)"),
    "vector of another layout": (lambda: ClipEmbedding(zeros(9), zeros(2), LAYOUT), r"vector .*\(10\), got \(9,\)"),
    "track ids of another type": (
        lambda: Tracks(zeros(1, dtype=np.int32), zeros(1, 4), zeros(1), zeros(1, dtype=np.int64)),
        "track_ids must have dtype .*int64.*, got int32",
    ),
    "tracks of unequal length": (
        lambda: Tracks(np.arange(2), zeros(1, 4), zeros(2), np.arange(2)),
        r"boxes_xyxy .*\(2, 4\), got \(1, 4\)",
    ),
    "identities of other tracks": (
        lambda: CameraTick(frame(), Detections.empty(), tracks(2), np.arange(3), {}),
        r"identity_ids .*\(2\), got \(3,\)",
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_does_not_fit_is_refused_with_what_would(what: str) -> None:
    build, told = WRONG[what]
    with pytest.raises(ValueError, match=told) as caught:
        build()
    assert "\n" not in str(caught.value)


def test_nothing_at_all_fits() -> None:
    assert len(Detections.empty()) == len(Tracks.empty()) == 0
    assert len(Crops(zeros(0, 8, 4, 3, dtype=np.uint8), zeros(0, 6, 8))) == 0
    assert len(Encodings(torch.zeros(0, 9, 4), torch.zeros(0, 4), torch.zeros(0, 6, 8), zeros(0, 4))) == 0
    assert len(ClipEmbeddings(zeros(0, 10), zeros(0, 2), LAYOUT)) == 0


def test_no_people_still_say_whether_there_would_be_keypoints() -> None:
    assert Detections.empty(keypoints=False).keypoints is None
    keypoints = Detections.empty().keypoints
    assert keypoints is not None
    assert keypoints.shape == (0, 17, 3)


@pytest.mark.parametrize("rows", [np.array([2, 0]), np.array([True, False, True])])
def test_selecting_takes_every_column_along(rows: np.ndarray) -> None:
    people = Detections(
        np.arange(12, dtype=np.float32).reshape(3, 4),
        np.array([0.1, 0.2, 0.3], np.float32),
        np.arange(3, dtype=np.float32)[:, None, None] * np.ones((3, 17, 3), np.float32),
    )
    chosen = people.select(rows)
    order = [2, 0] if rows.dtype != bool else [0, 2]
    assert chosen.boxes_xyxy[:, 0].tolist() == [4 * row for row in order]
    assert chosen.confidence.tolist() == people.confidence[order].tolist()
    assert chosen.keypoints is not None
    assert chosen.keypoints[:, 0, 0].tolist() == order
    assert Detections(people.boxes_xyxy, people.confidence).select(rows).keypoints is None


def test_half_precision_tokens_are_welcome() -> None:
    half = torch.zeros(2, 9, 4, dtype=torch.float16)
    assert len(Clip(half, half[:, 0], torch.zeros(2, 6, 8))) == 2


def test_an_embedding_is_the_global_part_and_then_the_parts() -> None:
    vectors = np.arange(20, dtype=np.float32).reshape(2, 10)
    embedding = ClipEmbeddings(vectors, zeros(2, 2), LAYOUT)[1]
    assert embedding.global_part.tolist() == [10, 11, 12, 13]
    assert embedding.part_rows.tolist() == [[14, 15, 16], [17, 18, 19]]


def test_one_embedding_does_not_keep_its_batch_alive() -> None:
    layout = EmbeddingLayout(global_dim=2, parts=2, part_dim=3)
    batch = ClipEmbeddings(zeros(5, 8), zeros(5, 2), layout)
    one = batch[3]
    for kept, whole in ((one.vector, batch.vectors), (one.visibility, batch.visibility)):
        assert not np.shares_memory(kept, whole)
        assert kept.base is None
    batch.vectors[:] = 1
    assert not one.vector.any()


def test_a_crop_has_rows_times_columns_patches() -> None:
    assert CropSpec(height=256, width=128, grid_rows=16, grid_columns=8, parts=6).patches == 128


def test_an_identity_names_each_of_its_cameras_once() -> None:
    keys = (TrackKey("yard", 1), TrackKey("door", 4), TrackKey("yard", 2))
    assert Identity(1, 0.0, 1.0, keys).camera_ids == ("door", "yard")
