from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from keyreid_engines import build, onnxruntime_backend, seam
from keyreid_engines.cache import EngineCache
from keyreid_engines.choose import available, candidates, on_device
from keyreid_engines.device_encoders import DeviceFrameEncoder
from keyreid_engines.errors import EngineError
from keyreid_engines.graphs import HALVES
from keyreid_engines.onnxruntime_backend import OnnxRuntimeBackend, OnnxRuntimeGraph
from keyreid_engines.onnxruntime_device import BoundGraph
from keyreid_engines.onnxruntime_tensorrt import KeptEngines
from keyreid_engines.seam import EngineEncoders
from keyreid_stream.encoders import EncoderConfig, TorchFrameEncoder
from keyreid_stream.errors import ConfigError
from tests.engines.engine_models import clip_of, crops_of, engine_model, exported, loaded_model
from tests.engines.fake_onnxruntime_gpu import ALL, FakeLibrary
from tests.engines.host_side import HostSide

CPU, GPU = torch.device("cpu"), torch.device("cuda:0")


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> FakeLibrary:
    """A GPU wheel, and this machine's memory for a GPU's."""
    fake = FakeLibrary()
    monkeypatch.setattr(onnxruntime_backend, "import_library", lambda name: fake)
    monkeypatch.setattr(onnxruntime_backend, "CudaSide", lambda device=None: HostSide())
    return fake


def real_graphs() -> tuple[OnnxRuntimeGraph, BoundGraph]:
    """The same frame encoder in the real library: by arrays, and by addresses."""
    backend = OnnxRuntimeBackend()
    plain = backend.load(backend.compile(exported("aligned", "frame_encoder", "float32").content), "float32", 1)
    assert isinstance(plain, OnnxRuntimeGraph)
    return plain, BoundGraph(plain._session, HostSide())


@pytest.mark.parametrize(("count", "most"), [(1, None), (5, None), (5, 2), (6, 3), (3, 64)])
def test_bound_by_address_the_real_library_answers_the_same(count: int, most: int | None) -> None:
    plain, bound = real_graphs()
    images = crops_of(engine_model(), count).images
    wanted = plain({"images": images})
    given = bound.run({"images": bound.side.upload(torch.from_numpy(images))}, most)
    assert list(given) == list(wanted)
    for name, array in wanted.items():
        assert given[name].shape == array.shape
        np.testing.assert_allclose(given[name].numpy(), array, rtol=1e-5, atol=1e-6 * float(np.abs(array).max()))


def test_in_one_piece_not_a_bit_differs_from_the_plain_path() -> None:
    plain, bound = real_graphs()
    images = crops_of(engine_model(), 4).images
    wanted, given = plain({"images": images}), bound({"images": images})
    assert all(np.array_equal(given[name], array) for name, array in wanted.items())


def test_half_precision_is_bound_as_it_is() -> None:
    backend = OnnxRuntimeBackend()
    files = backend.compile(exported("aligned", "clip_head", "float16").content)
    plain = backend.load(files, "float16", 1)
    assert isinstance(plain, OnnxRuntimeGraph)
    bound = BoundGraph(plain._session, HostSide())
    assert bound.dtypes["tokens"] == torch.float16
    encodings = TorchFrameEncoder(engine_model()).encode(crops_of(engine_model(), 3))
    clip = clip_of(encodings, [0, 1, 2])
    inputs = {
        "tokens": clip.tokens[None].half(),
        "class_rows": clip.class_rows[None].half(),
        "part_weights": clip.part_weights[None].half(),
    }
    wanted = plain({name: tensor.numpy() for name, tensor in inputs.items()})
    assert np.array_equal(bound.run(inputs)["embedding"].numpy(), wanted["embedding"])


def test_what_cannot_be_bound_is_refused_before_an_address_is_read() -> None:
    _, bound = real_graphs()
    spec = engine_model().crop_spec
    images = torch.zeros(2, spec.height, spec.width, 3, dtype=torch.uint8)
    for wrong, fault in (
        (images.float(), "must be contiguous torch.uint8"),
        (images[:, 1:], "must be contiguous"),
        (torch.zeros(2, 3, spec.height, spec.width, dtype=torch.uint8).permute(0, 2, 3, 1), "must be contiguous"),
        (images[:0], "at least one"),
        (images.to("meta"), "must be on cpu, got meta"),
    ):
        with pytest.raises(ValueError, match=fault):
            bound.run({"images": wrong})
    with pytest.raises(ValueError, match="the engine's inputs are images; got pictures"):
        bound.run({"pictures": images})


def test_on_cuda_its_own_stream_and_tf32_off(library: FakeLibrary) -> None:
    backend = on_device(OnnxRuntimeBackend(), GPU)
    assert backend.precisions == ("float16", "float32")
    assert backend.device == "CUDA (fake GPU, driver 1)"
    graph = backend.load(backend.compile(exported("aligned", "frame_encoder", "float32").content), "float32", 1)
    assert isinstance(graph, BoundGraph)
    ((called, settings),) = library.asked
    assert called == "CUDAExecutionProvider"
    assert isinstance(graph.side, HostSide)
    assert settings == {
        "device_id": "0",
        "user_compute_stream": str(graph.side.handle(graph.side.streams[0])),
        "use_tf32": "0",
    }


def test_tensors_are_bound_where_they_lie(library: FakeLibrary) -> None:
    backend = on_device(OnnxRuntimeBackend(), GPU)
    graph = backend.load(backend.compile(exported("aligned", "frame_encoder", "float32").content), "float32", 1)
    assert isinstance(graph, BoundGraph)
    images = graph.side.upload(torch.from_numpy(crops_of(engine_model(), 2).images))
    outputs = graph.run({"images": images})
    places = library.sessions[0].places
    assert places == {"images": images.data_ptr()} | {name: tensor.data_ptr() for name, tensor in outputs.items()}


def test_tensorrt_gets_its_batches_and_no_more_rows_at_a_time(library: FakeLibrary) -> None:
    backend = on_device(OnnxRuntimeBackend(), GPU, "tensorrt")
    graph = backend.load(backend.compile(exported("aligned", "frame_encoder", "float32").content), "float32", 1)
    assert isinstance(graph, BoundGraph)
    ((called, settings),) = library.asked
    assert called == "TensorrtExecutionProvider"
    spec = engine_model().crop_spec
    row = f"{spec.height}x{spec.width}x3"
    shapes = [settings[f"trt_profile_{size}_shapes"] for size in ("min", "opt", "max")]
    assert shapes[0] == f"images:1x{row}"
    assert shapes[2] == f"images:64x{row}"
    assert settings["trt_engine_cache_enable"] == settings["trt_timing_cache_enable"] == "1"
    images = graph.side.upload(torch.from_numpy(np.repeat(crops_of(engine_model(), 1).images, 70, axis=0)))
    assert len(graph.run({"images": images})["tokens"]) == 70
    assert library.sessions[0].batches == [64, 6]


def test_what_tensorrt_built_is_kept_hashed_and_given_back(
    library: FakeLibrary, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(build, "export_graph", lambda model, kind, precision, **_: exported("aligned", kind, precision))
    monkeypatch.setattr(seam, "torch_device", lambda name: GPU)
    cache, lines = EngineCache(tmp_path), list[str]()
    config = EncoderConfig.model_validate({"backend": "onnxruntime", "provider": "tensorrt", "precision": "float32"})

    def encoder() -> DeviceFrameEncoder:
        made = EngineEncoders(lines.append, cache)(loaded_model(), config)[0]
        assert isinstance(made, DeviceFrameEncoder)
        return made

    encoder()
    (entry,) = cache.entries()
    assert entry.manifest is not None
    assert entry.manifest.facts.flags["provider"] == "tensorrt"
    assert "tensorrt" in entry.manifest.facts.flags
    kept = {file.graph for file in entry.manifest.files if file.suffix == "kernels"}
    assert kept == set(HALVES)
    assert all(session.found == [] for session in library.sessions)
    library.sessions.clear()
    crops = crops_of(engine_model(), 3)
    wanted = TorchFrameEncoder(engine_model()).encode(crops).tokens
    torch.testing.assert_close(encoder().encode(crops).tokens, wanted, rtol=1e-3, atol=1e-4)
    assert [session.found for session in library.sessions] == [["TensorrtExecutionProvider_graph.engine"]] * 2
    assert len([line for line in lines if line.startswith("building")]) == 1


def test_kept_engines_are_the_same_bytes_and_leave_no_folder() -> None:
    kept = KeptEngines()
    assert kept.packed() == b""
    (kept.folder / "b.engine").write_bytes(b"2")
    (kept.folder / "a.engine").write_bytes(b"1")
    packed = kept.packed()
    again = KeptEngines(packed)
    assert {path.name: path.read_bytes() for path in again.folder.iterdir()} == {"a.engine": b"1", "b.engine": b"2"}
    assert again.packed() == packed
    folder = again.folder
    del again
    assert not folder.exists()


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "a/b", "a\\b"])
def test_an_archive_writes_nowhere_else(name: str) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, b"x")
    with pytest.raises(EngineError, match="names"):
        KeptEngines(buffer.getvalue())
    with pytest.raises(EngineError, match="damaged"):
        KeptEngines(b"no archive")


def test_a_provider_that_quietly_becomes_the_cpu_is_an_error(library: FakeLibrary) -> None:
    library.falls_back = True
    backend = on_device(OnnxRuntimeBackend(), GPU)
    with pytest.raises(EngineError, match="cannot use CUDAExecutionProvider: its libraries do not load"):
        backend.load({"onnx": exported("aligned", "frame_encoder", "float32").content}, "float32", 1)


def test_auto_on_a_gpu_takes_it_before_torch(library: FakeLibrary) -> None:
    found = candidates(GPU, {"onnxruntime": OnnxRuntimeBackend})
    assert [candidate.name for candidate in available(found)] == ["onnxruntime", "torch"]
    assert found[0].note == "providers: cpu, cuda, tensorrt"


@pytest.mark.parametrize("provider", ["cuda", "tensorrt"])
def test_a_provider_that_the_wheel_lacks_names_what_to_install(
    provider: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(onnxruntime_backend, "import_library", lambda name: FakeLibrary(ALL[2:]))
    monkeypatch.setattr(seam, "torch_device", lambda name: GPU)
    config = EncoderConfig.model_validate({"backend": "onnxruntime", "provider": provider})
    with pytest.raises(ConfigError, match=r"onnxruntime has no (CUDA|Tensorrt)ExecutionProvider.*onnxruntime-gpu"):
        EngineEncoders(lambda line: None, EngineCache(tmp_path))(loaded_model(), config)
    (onnx, torch_itself) = candidates(GPU, {"onnxruntime": OnnxRuntimeBackend})
    assert "pip install onnxruntime-gpu" in (onnx.fault or "")
    assert torch_itself.fault is None
    assert "not cuda, tensorrt" in OnnxRuntimeBackend().providers


@pytest.mark.parametrize(("device", "provider"), [(CPU, "cuda"), (CPU, "tensorrt"), (GPU, "cpu")])
def test_a_provider_for_another_device_is_refused(device: torch.device, provider: str, library: FakeLibrary) -> None:
    with pytest.raises(ConfigError, match=f"provider {provider} of onnxruntime does not compute on {device}"):
        OnnxRuntimeBackend().for_device(device, provider)  # type: ignore[arg-type]


def test_a_provider_is_for_onnxruntime_alone() -> None:
    with pytest.raises(ValueError, match="provider cuda is for onnxruntime, not for openvino"):
        EncoderConfig.model_validate({"backend": "openvino", "provider": "cuda"})
