"""Folded convolutions compute what they computed before, and export in every precision."""

from __future__ import annotations

from copy import deepcopy

import numpy as np
import onnx
import openvino
import pytest
import torch
from torch import nn

from keyreid_engines.export import export_graph
from keyreid_engines.fixed_crops import fixed_crops
from keyreid_engines.folded import fold_norms
from keyreid_engines.graphs import Precision
from keyreid_stream.models.load import load_model
from tests.engines.test_export import ELEMENT, cosine, run
from tests.models.small_models import small_model

STEM = small_model("aligned", 3, depth=2, stem="convolutional", patch_size=8)


@torch.inference_mode()
def test_folding_leaves_no_norm_behind_and_changes_no_answer() -> None:
    encoder = deepcopy(STEM.frame_encoder).eval()
    images = torch.from_numpy(fixed_crops(STEM.crop_spec, 4).images).permute(0, 3, 1, 2)
    wanted = encoder(images)
    assert any(isinstance(layer, nn.BatchNorm2d) for layer in encoder.modules())
    fold_norms(encoder)
    assert not any(isinstance(layer, nn.BatchNorm2d) for layer in encoder.modules())
    given = encoder(images)
    torch.testing.assert_close(given.tokens, wanted.tokens, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(given.class_rows, wanted.class_rows, rtol=1e-4, atol=1e-4)


def test_an_export_leaves_the_model_with_its_norms() -> None:
    export_graph(STEM, "frame_encoder", "float32", weights_sha256="0" * 64)
    assert any(isinstance(layer, nn.BatchNorm2d) for layer in STEM.frame_encoder.modules())


@pytest.mark.parametrize("precision", ["float16", "bfloat16"])
@torch.inference_mode()
def test_the_shipped_encoder_has_its_precision_throughout_and_stays_close(precision: Precision) -> None:
    loaded = load_model()
    graph = export_graph(loaded.model, "frame_encoder", precision, weights_sha256=loaded.card.sha256)
    held = onnx.load_model_from_string(graph.content).graph.initializer
    assert {one.data_type for one in held if np.prod(one.dims) >= 16} == {ELEMENT[precision]}
    images = fixed_crops(loaded.model.crop_spec, 8).images
    wanted = loaded.model.frame_encoder(torch.from_numpy(images).permute(0, 3, 1, 2))
    if precision == "float16":
        answer = run(graph, {"images": images})
    else:  # ONNX Runtime computes no bfloat16 on a CPU; OpenVINO reads the graph
        core = openvino.Core()
        answer = core.compile_model(core.read_model(model=graph.content), "CPU")({"images": images})
    appearance = loaded.model.clip_head.appearance(wanted.class_rows).numpy()
    assert cosine(answer["appearance"], appearance) >= 0.999
