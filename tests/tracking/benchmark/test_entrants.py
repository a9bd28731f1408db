"""Networks that embed pictures, as BoxMOT's appearance encoders."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from boxmot.reid.protocols import AppearanceEncoder

from keyreid_stream.structures import FloatArray, ImageArray
from keyreid_stream.tracking import KeypointStore
from tests.tracking.benchmark.recordings import other
from tests.tracking.boxmot_scenes import BLUE, GREEN, PLACES, RED, detections, frame, picture

SCENE = picture(*zip(PLACES, (RED, GREEN, BLUE), strict=True))
UNIT = np.array((RED, GREEN, BLUE), np.float32) / np.linalg.norm((RED, GREEN, BLUE), axis=1, keepdims=True)


def mean_colours(pictures: list[ImageArray]) -> FloatArray:
    return np.stack([one.mean(axis=(0, 1)) for one in pictures]).astype(np.float32) + np.float32(1e-3)


def test_rows_belong_to_their_detections() -> None:
    appearance = other(mean_colours).appearance(KeypointStore())
    assert isinstance(appearance, AppearanceEncoder)
    assert appearance.embedding_dim == 3
    rows = appearance.encode(
        [frame(SCENE, "a"), frame(SCENE, "b"), frame(SCENE, "c")],
        [detections([PLACES[2], PLACES[0]], "a"), detections([], "b"), detections([PLACES[1]], "c")],
    )
    assert [tuple(one.shape) for one in rows] == [(2, 3), (0, 3), (1, 3)]
    np.testing.assert_allclose(torch.cat(rows).numpy(), UNIT[[2, 0, 1]], atol=0.01)
    assert all(one.is_contiguous() and one.dtype == torch.float32 for one in rows)


def test_pictures_are_rgb_and_cut_at_the_frame() -> None:
    seen: list[ImageArray] = []

    def embed(pictures: list[ImageArray]) -> FloatArray:
        seen.extend(pictures)
        return np.ones((len(pictures), 2), np.float32)

    appearance = other(embed).appearance(KeypointStore())
    seen.clear()
    appearance.encode([frame(SCENE)], [detections([PLACES[0], (-20, 60, 50, 300), (900, 900, 950, 990)])])
    assert [one.shape for one in seen[:2]] == [(100, 40, 3), (180, 50, 3)]
    assert seen[0][0, 0].tolist() == list(RED)
    assert not seen[2].any(), "nobody is outside the picture"


def test_frames_and_detections_must_belong_together() -> None:
    appearance = other(mean_colours).appearance(KeypointStore())
    with pytest.raises(ValueError, match="frame 'a' got the detections of 'b'"):
        appearance.encode([frame(SCENE, "a")], [detections(PLACES, "b")])
