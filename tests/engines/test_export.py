from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import openvino
import pytest
import torch

from keyreid_engines import export
from keyreid_engines.build import load_graphs
from keyreid_engines.encoders import EngineFrameEncoder
from keyreid_engines.export import OnnxGraph, export_graph, graph_metadata
from keyreid_engines.fixed_crops import fixed_crops
from keyreid_engines.graphs import GRAPH_KINDS, GraphKind, Precision
from keyreid_engines.onnxruntime_backend import OnnxRuntimeBackend
from keyreid_stream.encoders import TorchFrameEncoder
from keyreid_stream.errors import MissingExtraError
from tests.engines.engine_models import FRAMES, engine_model, exported
from tests.models.small_models import encoded, random_clips, small_model

MODES = ("aligned", "published")
ELEMENT = {
    "float32": onnx.TensorProto.FLOAT,
    "float16": onnx.TensorProto.FLOAT16,
    "bfloat16": onnx.TensorProto.BFLOAT16,
}
ROOT = Path(__file__).parents[2]


def run(graph: OnnxGraph, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(graph.content, options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, inputs), strict=True))


def cosine(given: np.ndarray, wanted: np.ndarray) -> float:
    given, wanted = given.astype(np.float64), wanted.astype(np.float64)
    return float(((given * wanted).sum(-1) / np.linalg.norm(given, axis=-1) / np.linalg.norm(wanted, axis=-1)).min())


@pytest.mark.parametrize("batch", [1, 3, 8])
@pytest.mark.parametrize("mode", MODES)
@torch.inference_mode()
def test_any_batch_of_crops_encodes_as_in_torch(mode: str, batch: int) -> None:
    model = engine_model(mode)
    images = fixed_crops(model.crop_spec, batch).images
    given = run(exported(mode, "frame_encoder", "float32"), {"images": images})
    wanted = model.frame_encoder(torch.from_numpy(images).permute(0, 3, 1, 2))
    np.testing.assert_allclose(given["tokens"], wanted.tokens, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(given["class_rows"], wanted.class_rows, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(given["appearance"], model.clip_head.appearance(wanted.class_rows), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("mode", MODES)
@torch.inference_mode()
def test_a_model_that_knows_cameras_takes_their_indices(mode: str) -> None:
    model = small_model(mode, FRAMES, depth=2, cameras=2)
    graph = export_graph(model, "frame_encoder", "float32", weights_sha256="0" * 64)
    images = fixed_crops(model.crop_spec, 3).images
    cameras = np.array([1, -1, 0])
    given = run(graph, {"images": images, "cameras": cameras})
    wanted = model.frame_encoder(torch.from_numpy(images).permute(0, 3, 1, 2), torch.from_numpy(cameras))
    np.testing.assert_allclose(given["tokens"], wanted.tokens, rtol=1e-4, atol=1e-4)
    contents = {"frame_encoder": {"onnx": graph.content}}
    loaded = load_graphs(OnnxRuntimeBackend(), contents, "float32", 1)["frame_encoder"]
    encoder = EngineFrameEncoder(loaded, model.crop_spec, model.layout.global_dim, cameras=True)
    crops = fixed_crops(model.crop_spec, 3)
    torch.testing.assert_close(
        encoder.encode(crops).tokens, TorchFrameEncoder(model).encode(crops).tokens, rtol=1e-4, atol=1e-4
    )


@pytest.mark.parametrize("batch", [1, 3, 8])
@pytest.mark.parametrize("mode", MODES)
@torch.inference_mode()
def test_any_batch_of_clips_embeds_as_in_torch(mode: str, batch: int) -> None:
    model = engine_model(mode)
    crops, weights = random_clips(model, batch)
    tokens, class_rows = encoded(model, crops)
    inputs = {"tokens": tokens.numpy(), "class_rows": class_rows.numpy(), "part_weights": weights.numpy()}
    given = run(exported(mode, "clip_head", "float32"), inputs)
    wanted = model.clip_head(tokens, class_rows, weights)
    np.testing.assert_allclose(given["embedding"], wanted.embedding, rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(given["visibility"], wanted.visibility, atol=1e-6)


@pytest.mark.parametrize("mode", MODES)
@torch.inference_mode()
def test_the_single_file_embeds_clips_as_the_whole_model(mode: str) -> None:
    model = engine_model(mode)
    for batch in (1, 3):
        crops, weights = random_clips(model, batch, seed=batch)
        inputs = {"images": crops.permute(0, 1, 3, 4, 2).contiguous().numpy(), "part_weights": weights.numpy()}
        given = run(exported(mode, "clip_model", "float32"), inputs)
        np.testing.assert_allclose(given["embedding"], model(crops, weights).embedding, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("precision", ["float16", "bfloat16"])
@pytest.mark.parametrize("kind", ["frame_encoder", "clip_head"])
def test_the_precision_is_typed_into_the_graph(kind: GraphKind, precision: Precision) -> None:
    graph = onnx.load_model_from_string(exported("published", kind, precision).content).graph
    held = {initializer.data_type for initializer in graph.initializer if np.prod(initializer.dims) >= 64}
    assert held == {ELEMENT[precision]}
    outputs = {output.name: output.type.tensor_type.elem_type for output in graph.output}
    exact = {"appearance", "embedding", "visibility"}
    assert all(kept == ELEMENT["float32" if name in exact else precision] for name, kept in outputs.items())
    inputs = {value.name: value.type.tensor_type.elem_type for value in graph.input}
    assert inputs.get("images", onnx.TensorProto.UINT8) == onnx.TensorProto.UINT8
    assert inputs.get("part_weights", ELEMENT[precision]) == ELEMENT[precision]


@torch.inference_mode()
def test_a_float16_graph_runs_and_stays_close() -> None:
    model = engine_model("published")
    images = fixed_crops(model.crop_spec, 4).images
    given = run(exported("published", "frame_encoder", "float16"), {"images": images})
    wanted = model.frame_encoder(torch.from_numpy(images).permute(0, 3, 1, 2))
    assert given["tokens"].dtype == np.float16
    assert cosine(given["tokens"].reshape(4, -1), wanted.tokens.reshape(4, -1).numpy()) > 0.999


@torch.inference_mode()
def test_a_bfloat16_graph_runs_and_stays_close() -> None:
    """ONNX Runtime computes no bfloat16 on a CPU; OpenVINO reads the graph."""
    model = engine_model("published")
    images = fixed_crops(model.crop_spec, 4).images
    core = openvino.Core()
    compiled = core.compile_model(
        core.read_model(model=exported("published", "frame_encoder", "bfloat16").content), "CPU"
    )
    appearance = compiled({"images": images})["appearance"]
    features = model.frame_encoder(torch.from_numpy(images).permute(0, 3, 1, 2))
    assert cosine(appearance, model.clip_head.appearance(features.class_rows).numpy()) > 0.999


@pytest.mark.parametrize("kind", GRAPH_KINDS)
def test_graphs_are_valid_and_tell_nothing_of_the_machine(kind: GraphKind) -> None:
    content = exported("aligned", kind, "float32").content
    onnx.checker.check_model(content, full_check=True)
    assert b"site-packages" not in content
    assert b".py" not in content
    assert str(ROOT).encode() not in content


def test_no_node_needs_what_engines_refuse() -> None:
    for kind in GRAPH_KINDS:
        for mode in MODES:
            graph = onnx.load_model_from_string(exported(mode, kind, "float32").content).graph
            assert not {node.op_type for node in graph.node} & {"NonZero", "NonMaxSuppression", "Loop", "If"}


def test_the_metadata_says_what_it_is() -> None:
    model = engine_model("published")
    noted = graph_metadata(exported("published", "clip_head", "float16").content)
    assert (noted["kind"], noted["precision"], noted["weights_sha256"]) == ("clip_head", "float16", "0" * 64)
    assert type(model.config).model_validate_json(noted["config"]) == model.config
    preprocessing = json.loads(noted["preprocessing"])
    assert (preprocessing["colours"], preprocessing["height"], preprocessing["width"]) == ("RGB", 64, 32)
    assert preprocessing["part_weights"] == "signed"


def test_the_same_weights_give_the_same_bytes() -> None:
    again = export_graph(engine_model(), "frame_encoder", "float32", weights_sha256="0" * 64)
    assert again.content == exported("aligned", "frame_encoder", "float32").content


def test_another_process_gives_the_same_bytes() -> None:
    code = (
        "import torch; torch.set_num_threads(1)\n"
        "from tests.engines.engine_models import exported\n"
        "print(exported('aligned', 'clip_head', 'float32').sha256)"
    )
    answer = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert answer.stdout.split()[-1] == exported("aligned", "clip_head", "float32").sha256


def test_other_weights_give_other_bytes() -> None:
    model = engine_model()
    model.clip_head.global_norm.weight.data.mul_(1.01)
    other = export_graph(model, "clip_head", "float32", weights_sha256="0" * 64)
    assert other.sha256 != exported("aligned", "clip_head", "float32").sha256


def test_exporting_leaves_the_model_and_the_random_state_alone() -> None:
    model = engine_model().train()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    random = torch.get_rng_state()
    export_graph(model, "clip_head", "float16", weights_sha256="0" * 64)
    assert model.training
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert torch.equal(torch.get_rng_state(), random)


def test_without_onnx_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(MissingExtraError, match=r'onnxscript is not installed; run: pip install "keyreid-stream\['):
        export_graph(engine_model(), "clip_head", "float32", weights_sha256="0" * 64)


def test_a_network_that_cannot_be_exported_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    class Sorting(torch.nn.Module):
        def forward(self, tokens: torch.Tensor, class_rows: torch.Tensor, part_weights: torch.Tensor) -> Any:
            return torch.linalg.svd(tokens.sum(1))[1], torch.linalg.eigvals(part_weights.sum(1))

    real = export.traced_graph

    def traced(*arguments: Any, **options: Any) -> Any:
        graph = real(*arguments, **options)
        return type(graph)(Sorting(), graph.inputs, graph.output_names)

    monkeypatch.setattr(export, "traced_graph", traced)
    with pytest.raises(export.EngineError, match="clip_head in float32 cannot be exported") as caught:
        export_graph(engine_model(), "clip_head", "float32", weights_sha256="0" * 64)
    assert "\n" not in str(caught.value)
