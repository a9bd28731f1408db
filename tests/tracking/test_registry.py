from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from boxmot.reid import factory
from boxmot.reid.factory import create_reid_encoder
from boxmot.reid.specs import ReIDEncoderSpec

from keyreid_stream.errors import ConfigError
from keyreid_stream.tracking import KeyReIDAppearance, register
from tests.tracking.boxmot_scenes import PLACES, detections, frame, picture
from tests.tracking.scenes import ColourEncoder

OURS = "tests.tracking.test_registry:colour_appearance"


def colour_appearance(_spec: Any) -> KeyReIDAppearance:
    return KeyReIDAppearance(ColourEncoder())


@pytest.fixture(autouse=True)
def restored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(factory, "_REID_ENCODER_FACTORIES", factory._REID_ENCODER_FACTORIES)


def test_nothing_is_registered_unasked() -> None:
    assert "keyreid" not in factory._REID_ENCODER_FACTORIES.entries


def test_a_spec_builds_our_encoder_once_registered(tmp_path: Path) -> None:
    weights = tmp_path / "weights"
    weights.write_bytes(b"of some encoder")
    before = dict(factory._REID_ENCODER_FACTORIES.entries)
    register(OURS)
    register(OURS)
    digest = sha256(weights.read_bytes()).hexdigest()
    encoder = create_reid_encoder(ReIDEncoderSpec("keyreid", artifact=str(weights), artifact_sha256=digest))
    (rows,) = encoder.encode([frame(picture((PLACES[0], (255, 0, 0))))], [detections(PLACES[:1])])
    np.testing.assert_allclose(rows.numpy(), [[1, 0, 0]], atol=0.01)
    assert dict(factory._REID_ENCODER_FACTORIES.entries) == before | {"keyreid": OURS}


@pytest.mark.parametrize(
    ("reference", "backend", "reason"),
    [(OURS, "onnx", "already has"), ("no colon", "keyreid", "module:callable"), (OURS, "Key ReID", "lowercase")],
)
def test_what_cannot_be_registered_is_refused_and_changes_nothing(reference: str, backend: str, reason: str) -> None:
    before = factory._REID_ENCODER_FACTORIES
    with pytest.raises(ConfigError, match=reason):
        register(reference, backend=backend)
    assert factory._REID_ENCODER_FACTORIES is before
