"""The exported published model, through ONNX Runtime and OpenVINO, against what the published code answered."""

from __future__ import annotations

import numpy as np
import pytest

from keyreid_engines.backend import Backend
from keyreid_engines.export import OnnxGraph, export_graph
from keyreid_engines.graphs import HALVES
from keyreid_engines.onnxruntime_backend import OnnxRuntimeBackend
from keyreid_engines.openvino_backend import OpenVinoBackend
from keyreid_stream.models.published_head import heatmaps_to_part_weights
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
