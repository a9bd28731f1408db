"""The exported published model, through ONNX Runtime and OpenVINO, against what the published code answered."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from keyreid_engines.backend import Backend
from keyreid_engines.export import OnnxGraph, export_graph
from keyreid_engines.graphs import HALVES, Precision
from keyreid_engines.onnxruntime_backend import OnnxRuntimeBackend
from keyreid_engines.openvino_backend import OpenVinoBackend
from keyreid_stream.models.frame_encoder import UNKNOWN_CAMERA
from keyreid_stream.models.published_head import heatmaps_to_part_weights
from keyreid_stream.structures import EmbeddingLayout
from tests.engines.test_real_crops import COUNT, photographs
from tests.parity.test_golden import Golden, golden

__all__ = ["golden"]

pytestmark = [pytest.mark.data, pytest.mark.slow]

TOLERANCE = 1e-3


@pytest.fixture(scope="module")
def graphs(golden: Golden) -> list[OnnxGraph]:
    """Of normalised images: the golden crops are random numbers and no 8-bit pictures."""
    return [export_graph(golden.model, kind, "float32", weights_sha256="0" * 64, normalised=True) for kind in HALVES]


@pytest.mark.parametrize("make", [OnnxRuntimeBackend, OpenVinoBackend])
def test_engines_give_what_the_published_code_gave(golden: Golden, graphs: list[OnnxGraph], make: type) -> None:
    backend: Backend = make()
    encode, embed = (backend.load(backend.compile(graph.content), "float32", threads=1) for graph in graphs)
    clips, frames = golden.crops.shape[:2]
    images = golden.crops.flatten(0, 1).permute(0, 2, 3, 1).numpy()
    encoded = encode({"images": images, "cameras": golden.cameras.flatten().numpy().astype(np.int64)})
    weights = heatmaps_to_part_weights(golden.heatmaps, golden.model.crop_spec).numpy()
    given = embed(
        {
            "tokens": encoded["tokens"].reshape(clips, frames, *encoded["tokens"].shape[1:]),
            "class_rows": encoded["class_rows"].reshape(clips, frames, -1),
            "part_weights": weights,
        }
    )["embedding"]
    wanted = golden.answers["embedding"]
    assert np.abs(given - wanted).max() <= TOLERANCE * np.abs(wanted).max()
    assert np.linalg.norm(given - wanted) <= TOLERANCE * np.linalg.norm(wanted)


LOWER: tuple[tuple[type, Precision], ...] = ((OnnxRuntimeBackend, "float16"), (OpenVinoBackend, "bfloat16"))


@pytest.mark.parametrize(("make", "precision"), LOWER)
@torch.inference_mode()
def test_lower_precision_keeps_every_part_of_64_photographs(
    golden: Golden, data: Path, make: type, precision: Precision
) -> None:
    """Four clips of four at a time, so that both halves are held to the published model in float32."""
    backend: Backend = make()
    if make is OpenVinoBackend and precision not in backend.precisions:
        pytest.skip("THIS PROCESSOR HAS NO BFLOAT16: the published model is not compared in it")
    model, frames = golden.model, golden.model.config.frames
    typed = backend.graph_precision(precision)
    encode, embed = (
        backend.load(backend.compile(export_graph(model, kind, typed, weights_sha256="0" * 64).content), precision, 1)
        for kind in HALVES
    )
    crops = photographs(data, model.crop_spec)
    worst = 1.0
    for start in range(0, COUNT, 4 * frames):
        rows = slice(start, start + 4 * frames)
        images, weights = crops.images[rows], crops.part_weights[rows].reshape(4, frames, *crops.part_weights.shape[1:])
        half = encode({"images": images, "cameras": np.full(4 * frames, UNKNOWN_CAMERA, np.int64)})
        given = embed(
            {
                "tokens": half["tokens"].reshape(4, frames, *half["tokens"].shape[1:]),
                "class_rows": half["class_rows"].reshape(4, frames, -1),
                "part_weights": weights.astype(half["tokens"].dtype),
            }
        )["embedding"]
        pictures = torch.from_numpy(images).permute(0, 3, 1, 2)
        wanted = model(pictures.reshape(4, frames, *pictures.shape[1:]), torch.from_numpy(weights)).embedding.numpy()
        worst = min(worst, least_part_cosine(given, wanted, model.layout))
    assert worst >= 0.999
    assert worst < 0.9999999, "float32 was compared with itself"


def least_part_cosine(given: np.ndarray, wanted: np.ndarray, layout: EmbeddingLayout) -> float:
    """Of the global part and of every body part by itself: a cosine over all hides one that is wrong."""
    assert given.shape == wanted.shape == (len(given), layout.size)
    borders = [layout.global_dim + layout.part_dim * part for part in range(layout.parts)]
    pairs = zip(
        np.split(given.astype(np.float64), borders, 1), np.split(wanted.astype(np.float64), borders, 1), strict=True
    )
    return min(
        float(((one * other).sum(1) / np.linalg.norm(one, axis=1) / np.linalg.norm(other, axis=1)).min())
        for one, other in pairs
    )
