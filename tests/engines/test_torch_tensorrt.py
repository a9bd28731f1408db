"""The way through torch-tensorrt, on a stand-in: the library itself needs an NVIDIA GPU."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from keyreid_engines import seam, torch_tensorrt_backend
from keyreid_engines.cache import EngineCache
from keyreid_engines.choose import available, candidates, named_backend
from keyreid_engines.errors import EngineError
from keyreid_engines.graphs import GraphKind, traced_graph
from keyreid_engines.profiles import BATCHES, BatchRange
from keyreid_engines.seam import EngineEncoders
from keyreid_engines.torch_tensorrt_backend import TorchTensorRtBackend, TorchTensorRtGraph
from keyreid_engines.validate import validate_all
from keyreid_stream.encoders import EncoderConfig, TorchClipHead, TorchFrameEncoder
from keyreid_stream.errors import MissingExtraError
from tests.engines import fake_torch_tensorrt
from tests.engines.engine_models import clip_of, crops_of, engine_model, loaded_model
from tests.engines.host_side import HostSide


def backend(capability: str = "8.9") -> TorchTensorRtBackend:
    return TorchTensorRtBackend(fake_torch_tensorrt, HostSide(capability))


def test_a_model_is_compiled_kept_loaded_and_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seam, "named_backend", lambda name: backend())
    monkeypatch.setattr(seam, "wrong_device", lambda name, device: None)
    loaded, cache = loaded_model(), EngineCache(tmp_path)
    lines: list[str] = []
    config = EncoderConfig.model_validate({"backend": "torch-tensorrt", "precision": "float32", "device": "cpu"})
    for _ in range(2):  # built, then read
        encoder, head = EngineEncoders(lines.append, cache)(loaded, config)
        crops = crops_of(loaded.model, 5)
        encodings, wanted = encoder.encode(crops), TorchFrameEncoder(loaded.model).encode(crops)
        torch.testing.assert_close(encodings.tokens, wanted.tokens, rtol=1e-4, atol=1e-4)
        clips = [clip_of(wanted, [0, 1, 2]), clip_of(wanted, [3])]
        given, exact = head.embed(clips), TorchClipHead(loaded.model).embed(clips)
        np.testing.assert_allclose(given.vectors, exact.vectors, rtol=1e-3, atol=1e-3)
    assert len(lines) == 1
    stored = cache.read(encoder.backend.engine)  # type: ignore[attr-defined]
    assert {(kind, *sorted(files)) for kind, files in stored.contents.items()} == {
        ("frame_encoder", "json", "pt2"),
        ("clip_head", "json", "pt2"),
    }
    assert stored.manifest.onnx_sha256 == {}
    assert stored.manifest.preprocessing["colours"] == "RGB"
    assert [one.fault for one in validate_all(loaded, cache, {"torch-tensorrt": backend})] == [None]


@pytest.mark.parametrize("kind", ["frame_encoder", "clip_head"])
def test_it_is_compiled_for_the_widest_range_of_batches(kind: GraphKind) -> None:
    files = backend().compile_traced(traced_graph(engine_model(), kind, "bfloat16"), kind)
    batch = BATCHES[kind][-1]
    for given in fake_torch_tensorrt.INPUTS[-1]:
        assert (given.min_shape[0], given.opt_shape[0], given.max_shape[0]) == (batch.least, batch.usual, batch.most)
    graph = backend().load(files, "bfloat16", 1)
    assert graph.dtypes["tokens"] == torch.bfloat16
    assert graph.dtypes["appearance" if kind == "frame_encoder" else "embedding"] == torch.float32


class Doubling:
    """A network of one input that notes the batches it is given."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    def __call__(self, rows: torch.Tensor) -> tuple[torch.Tensor]:
        self.batches.append(len(rows))
        assert rows.is_contiguous()
        if (rows < 0).any():
            raise RuntimeError("CUDA error: an illegal memory access\nCUDA kernel errors might be …")
        return (2 * rows,)


def doubling() -> tuple[TorchTensorRtGraph, Doubling]:
    module = Doubling()
    noted = {"inputs": {"x": "float32"}, "outputs": {"y": "float32"}, "batch": [1, 2, 4]}
    return TorchTensorRtGraph(module, HostSide(), noted), module


@pytest.mark.parametrize(
    ("rows", "most", "batches"), [(1, None, [1]), (4, None, [4]), (9, None, [4, 4, 1]), (5, 2, [2, 2, 1])]
)
def test_any_batch_is_cut_to_the_range(rows: int, most: int | None, batches: list[int]) -> None:
    graph, module = doubling()
    given = torch.arange(3.0 * rows).view(rows, 3)
    assert torch.equal(graph.run({"x": given}, most)["y"], 2 * given)
    assert module.batches == batches


def test_wrong_inputs_and_failures_are_told() -> None:
    graph, _ = doubling()
    with pytest.raises(ValueError, match="inputs are x; got y"):
        graph.run({"y": torch.zeros(1, 3)})
    with pytest.raises(ValueError, match=r"x must be torch.float32, got torch.float64"):
        graph.run({"x": torch.zeros(1, 3, dtype=torch.float64)})
    with pytest.raises(EngineError, match=r"fails \(CUDA error: an illegal memory access\); use --backend torch"):
        graph({"x": np.full((1, 3), -1, np.float32)})
    assert BatchRange(1, 2, 4) == graph._range


def test_what_does_not_compile_or_load_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: Any, **options: Any) -> Any:
        raise RuntimeError("no converter for aten.foo\nand a long story")

    monkeypatch.setattr(fake_torch_tensorrt.dynamo, "compile", refuse)
    with pytest.raises(EngineError, match=r"does not take the clip_head \(no converter for aten.foo\); use --backend"):
        backend().compile_traced(traced_graph(engine_model(), "clip_head", "float32"), "clip_head")
    with pytest.raises(EngineError, match=r"does not take the file .* build it again"):
        backend().load({"pt2": b"damaged", "json": b"{}"}, "float32", 1)
    with pytest.raises(EngineError, match="not ONNX files"):
        backend().compile(b"")


def test_precisions_are_those_of_the_gpu() -> None:
    assert backend("7.5").precisions == ("float16", "float32")
    assert backend().precisions == ("bfloat16", "float16", "float32")
    assert backend().graph_precision("bfloat16") == "bfloat16"


def test_where_it_is_missing_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "torch_tensorrt", raising=False)
    monkeypatch.setattr(torch_tensorrt_backend, "find_spec", lambda name: None)
    with pytest.raises(
        MissingExtraError, match=r"torch-tensorrt is not installed; run: pip install .*\[torch-tensorrt"
    ):
        named_backend("torch-tensorrt")


def test_without_a_gpu_the_library_is_not_even_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch_tensorrt_backend, "find_spec", lambda name: object())
    monkeypatch.setattr(torch.version, "cuda", None)
    monkeypatch.setattr(torch_tensorrt_backend, "import_library", lambda name: pytest.fail("it was imported"))
    with pytest.raises(ImportError, match="built without CUDA"):
        TorchTensorRtBackend.here()


def test_half_a_library_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch_tensorrt", ModuleType("torch_tensorrt"))
    monkeypatch.setattr(torch_tensorrt_backend, "CudaSide", HostSide)
    with pytest.raises(ImportError, match="installed but has no Input, dynamo, save, load"):
        TorchTensorRtBackend.here()
    monkeypatch.setitem(sys.modules, "torch_tensorrt", fake_torch_tensorrt)
    assert TorchTensorRtBackend.here().version == "2.14.0+fake"


def test_it_is_never_taken_by_itself() -> None:
    on_gpu = candidates(torch.device("cuda:0"), {"torch-tensorrt": backend})
    assert [one.name for one in available(on_gpu)] == ["torch"]
    found = on_gpu[-1]
    assert (found.version, found.fault) == ("2.14.0+fake", "only where it is asked for: --backend torch-tensorrt")
    on_cpu = candidates(torch.device("cpu"), {"torch-tensorrt": backend})
    assert on_cpu[-1].fault == "runs on CUDA only, not on cpu"
