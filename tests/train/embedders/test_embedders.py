"""Every embedder gives what its own library gives for the same pictures."""

from __future__ import annotations

import datetime
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from keyreid_stream.encoders import EncoderConfig, torch_encoders
from keyreid_stream.errors import ConfigError, InputError
from keyreid_stream.models.weights import Provenance, save_weights
from keyreid_train.data.structures import Tracklet, TrackletSet
from keyreid_train.embedders.choose import open_embedder
from keyreid_train.embedders.interface import ClipImages, half_black
from keyreid_train.embedders.keyreid import KeyreidEmbedder
from keyreid_train.embedders.stages import StagesEmbedder
from keyreid_train.embedders.tracklets import ClipPlan
from keyreid_train.reid_evaluation import EvaluationOptions, evaluate
from keyreid_train.scoring import without_half
from keyreid_train.searches import load_searches
from keyreid_train.validation import embed_tracklets, prepare
from tests.models.small_models import small_model


def picture(seed: int, height: int = 80, width: int = 40) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def test_our_weights_embed_as_in_training(tmp_path: Path) -> None:
    model = small_model(frames=2).eval()
    path = tmp_path / "small.safetensors"
    save_weights(
        path,
        model.config,
        model.state_dict(),
        Provenance(source="test", created=datetime.date(2026, 1, 1), trained=True),
    )
    images, points = [picture(0), picture(1, 60, 30)], np.random.default_rng(2).uniform(0, 40, (2, 17, 3))
    paths = tuple(tmp_path / f"{place}.png" for place in range(2))
    for one, image in zip(paths, images, strict=True):
        cv2.imwrite(str(one), image[..., ::-1])
    keypoints = points.astype(np.float32)
    prepared = prepare(TrackletSet("one", (Tracklet("a", "b", "c", paths, keypoints),)), model.crop_spec)
    embedder = KeyreidEmbedder(str(path), "cpu")
    assert embedder.frames == 2
    for hidden in (None, "upper", "lower"):
        found = embedder.embed([ClipImages(tuple(images), keypoints)], hidden)  # type: ignore[arg-type]
        expected = embed_tracklets(
            model, prepared if hidden is None else without_half(prepared, model, hidden), frames=2
        ).embeddings[0]
        np.testing.assert_allclose(found.vectors[0], expected.vector, rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(found.visibility[0], expected.visibility, atol=1e-6)
        # The two stages of a run see the same.
        stages = StagesEmbedder(str(path), lambda loaded: torch_encoders(loaded.model, EncoderConfig()), "torch")
        both = stages.embed([ClipImages(tuple(images), keypoints)] * 2, hidden)  # type: ignore[arg-type]
        np.testing.assert_allclose(both.vectors, np.repeat(found.vectors, 2, axis=0), rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(both.visibility[1], expected.visibility, atol=1e-6)
    assert stages.name == f"{embedder.name} on torch"


def test_boxmots_models_embed_as_boxmot_does(tmp_path: Path) -> None:
    boxmot_models = pytest.importorskip("boxmot.reid.core.registry")
    network = boxmot_models.ReIDModelRegistry.build_model("osnet_x0_25", None, num_classes=3, pretrained=False)
    path = tmp_path / "osnet_x0_25_msmt17.pt"
    torch.save(network.state_dict(), path)
    embedder = open_embedder(f"boxmot:{path}", "cpu")
    images = [picture(seed, 90 + seed, 45) for seed in range(3)]
    found = embedder.embed([ClipImages((image,), None) for image in images])
    from boxmot.reid.core.runtime import ReID

    boxmot = ReID(path, device="cpu")
    for row, image in enumerate(images):
        box = np.array([[0, 0, image.shape[1], image.shape[0]]], np.float32)
        # BoxMOT's own way in: a box on a BGR picture.
        own = boxmot.model.get_features(box, np.ascontiguousarray(image[..., ::-1]))
        np.testing.assert_allclose(found.vectors[row], own[0], atol=1e-5)
    hidden = embedder.embed([ClipImages((images[0],), None)], "lower")
    assert np.abs(hidden.vectors[0] - found.vectors[0]).max() > 1e-3


def test_what_boxmot_would_download_or_install_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("boxmot")
    with pytest.raises(
        InputError, match=r"no re-ID model 'osnet_x1_0_msmt17_none\.pt' .*BoxMOT knows: .*lmbn_n_duke\.pt"
    ):
        open_embedder("boxmot:osnet_x1_0_msmt17_none.pt")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("boxmot.resources.paths._default_weights_directory", lambda: tmp_path)
    with pytest.raises(InputError, match=r"get it from https://drive\.google\.com/\S+ and give its path"):
        open_embedder("boxmot:osnet_x1_0_msmt17.pt")
    assert not list(tmp_path.iterdir())
    (tmp_path / "m.tflite").write_bytes(b"x")
    monkeypatch.setattr("boxmot.reid.backends.dependencies.requirement_satisfied", lambda _: False)
    with pytest.raises(InputError, match=r"m\.tflite with ai-edge-litert\S* alone; install that with pip"):
        open_embedder(f"boxmot:{tmp_path / 'm.tflite'}")


@pytest.mark.data
def test_the_osnet_baseline_through_boxmot(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Channels, sizes and scales of the crops are BoxMOT's business; single images must score as they should."""
    pytest.importorskip("onnxruntime")
    for module in ("backends.dependencies", "backends.onnx_backend"):  # whatever version is installed here
        monkeypatch.setattr(f"boxmot.reid.{module}.requirement_satisfied", lambda _: True)
    network = open_embedder(f"boxmot:{data / 'weights' / 'osnet_x0_25_msmt17.onnx'}", "cpu")
    searches = load_searches("cuhk03-val", data / "reid", {})
    figures = evaluate(network, searches, EvaluationOptions(ClipPlan("first"))).rows[0].figures
    assert figures.rank1 == pytest.approx(0.505, abs=0.003)
    assert figures.mean_average_precision == pytest.approx(0.629, abs=0.003)


@pytest.mark.parametrize("text", ["osnet.onnx", "torch:file", "onnx:", ""])
def test_unknown_kinds_are_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="give one of: keyreid:WEIGHTS, onnx:FILE, boxmot:NAME-OR-FILE"):
        open_embedder(text)


def test_half_of_a_picture_is_black() -> None:
    whole = np.full((5, 2, 3), 9, np.uint8)
    assert (half_black(whole, "upper")[:, 0, 0] == [0, 0, 9, 9, 9]).all()
    assert (half_black(whole, "lower")[:, 0, 0] == [9, 9, 0, 0, 0]).all()
    assert (whole == 9).all()
