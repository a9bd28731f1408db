"""The example for BoxMOT users, and the real network behind it (untrained)."""

from __future__ import annotations

import numpy as np
import pytest

from demos import boxmot_reid
from keyreid_stream.encoders.torch_encoder import TorchFrameEncoder
from keyreid_stream.models.build import build_model
from keyreid_stream.models.config import named_model
from keyreid_stream.tracking import KeyReIDAppearance


def test_the_example_runs_and_follows_both_people(capsys: pytest.CaptureFixture[str]) -> None:
    boxmot_reid.main(frames=4)
    *frames, first, second = capsys.readouterr().out.splitlines()
    assert frames == [f"frame {i}: tracks by crops [0 1], by clips [0 1]" for i in range(4)]
    size = 192 + 6 * 64
    assert [first, second] == [f"track {i}: a clip embedding of {size} numbers" for i in (0, 1)]


def test_the_real_models_appearance_is_one_boxmot_takes() -> None:
    appearance = KeyReIDAppearance(TorchFrameEncoder(build_model(named_model("tiny"), seed=0)))
    image, detections = boxmot_reid.scene(0)
    rows = appearance.get_features(detections[:, :4], image)
    assert (appearance.embedding_dim, rows.shape, rows.dtype) == (192, (2, 192), np.float32)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    assert not np.allclose(rows[0], rows[1], atol=1e-3)
