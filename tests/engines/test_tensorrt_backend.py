"""TensorRT from the settings to the cache and back, on a module that answers through ONNX Runtime."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from keyreid_engines import build, seam, tensorrt_backend
from keyreid_engines.backend import EngineFiles
from keyreid_engines.build import obtain_engine, prepare_engine
from keyreid_engines.cache import EngineCache
from keyreid_engines.choose import Candidate, candidates, explanation, named_backend, wrong_device
from keyreid_engines.errors import EngineError
from keyreid_engines.graphs import GraphKind, Precision
from keyreid_engines.libraries import import_library
from keyreid_engines.onnxruntime_backend import OnnxRuntimeBackend
from keyreid_engines.seam import EngineEncoders
from keyreid_engines.tensorrt_backend import TensorRtBackend, TensorRtRtxBackend
from keyreid_engines.tensorrt_builder import Plan, PlanRequest, build_plan
from keyreid_engines.tensorrt_process import build_in_child
from keyreid_engines.tensorrt_runtime import TensorRtGraph
from keyreid_engines.tensorrt_timing import TimingStore
from keyreid_engines.validate import validate_all
from keyreid_stream.encoders import EncoderConfig, TorchFrameEncoder
from keyreid_stream.errors import ConfigError, MissingExtraError
from keyreid_stream.models.keyreid import KeyReID
from tests.engines import fake_tensorrt, fake_tensorrt_rtx
from tests.engines.engine_models import crops_of, exported, loaded_model
from tests.engines.host_side import HostSide


class Trt(TensorRtBackend):
    module = "tests.engines.fake_tensorrt"


class Rtx(TensorRtRtxBackend):
    module = "tests.engines.fake_tensorrt_rtx"


def trt(words: str = "fake GPU, driver 1") -> TensorRtBackend:
    return Trt(fake_tensorrt, HostSide(words=words))


def rtx(words: str = "fake GPU, driver 1") -> TensorRtRtxBackend:
    return Rtx(fake_tensorrt_rtx, HostSide(words=words), ("8.0", "8.9", "12.0"))


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """One export serves all models here, which have the same parameters; nothing is kept outside of the test."""

    def export(model: KeyReID, kind: GraphKind, precision: Precision, *, weights_sha256: str) -> Any:
        return exported(model.config.mode, kind, precision)

    def build_here(module: str, content: bytes, request: PlanRequest, *, limit_s: float, progress: Any) -> Plan:
        return build_plan(import_library(module), content, request, progress)

    monkeypatch.setattr(build, "export_graph", export)
    monkeypatch.setattr(tensorrt_backend, "build_in_child", build_here)
    monkeypatch.setenv("KEYREID_HOME", str(tmp_path / "home"))


class Kept:
    """A cache of engines, and what was said."""

    def __init__(self, folder: Path) -> None:
        self.lines: list[str] = []
        self.cache = EngineCache(folder)

    def obtain(self, backend: TensorRtBackend, precision: Precision = "float32") -> build.Engine:
        return obtain_engine(loaded_model(), backend, precision, self.cache, threads=1, say=self.lines.append)


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(tmp_path / "engines")


def test_an_engine_is_built_in_a_child_checked_kept_and_used_again(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tensorrt_backend, "build_in_child", build_in_child)
    engine = kept.obtain(trt())
    assert kept.lines[0].startswith("building engine small-test-tensorrt-float32-")
    assert "tensorrt, frame_encoder: pretending (1 steps)" in kept.lines
    assert not any("inner" in line for line in kept.lines)
    assert engine.manifest.check is not None
    assert engine.manifest.check.minimum_cosine > 0.99999
    said = len(kept.lines)
    again = kept.obtain(trt())
    assert len(kept.lines) == said
    model = loaded_model().model
    encoder, head = again.encoders(model, 4, reason="because")
    crops = crops_of(model, 11)
    encodings = encoder.encode(crops)
    np.testing.assert_allclose(
        encodings.appearance, TorchFrameEncoder(model).encode(crops).appearance, rtol=1e-3, atol=1e-4
    )
    card = encoder.backend
    assert card is not None
    assert head.backend == card
    assert (card.name, card.precision, card.device) == ("tensorrt", "float32", "CUDA (fake GPU, driver 1)")
    assert (card.engine, card.reason) == (again.manifest.facts.name, "because")


def test_files_and_facts_name_what_an_engine_is(kept: Kept) -> None:
    manifest = kept.obtain(trt(), "float16").manifest
    assert sorted(stored.name for stored in manifest.files) == [
        *("clip_head.json", "clip_head.plan", "frame_encoder.json", "frame_encoder.plan")
    ]
    assert manifest.facts.flags["tf32"] == "off"
    assert json.loads(manifest.facts.flags["profiles"])["clip_head"][1] == [1, 16, 32]
    described = json.loads((kept.cache.folder / manifest.facts.name / "frame_encoder.json").read_text(encoding="utf-8"))
    assert described["images"] == {"type": "UINT8", "shape": [-1, 64, 32, 3]}
    assert described["tokens"]["type"] == "HALF"


def test_another_driver_or_profile_is_another_engine_and_said(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    first = kept.obtain(trt()).manifest.facts.name
    kept.lines.clear()
    second = kept.obtain(trt("fake GPU, driver 2")).manifest.facts.name
    assert first != second
    assert "driver 1), now CUDA (fake GPU, driver 2)" in kept.lines[0]
    monkeypatch.setattr(Trt, "flags", {"tf32": "off", "profiles": "others"})
    kept.lines.clear()
    assert kept.obtain(trt()).manifest.facts.name not in (first, second)
    assert "flags: {" in kept.lines[0]
    monkeypatch.undo()


def plan_file(kept: Kept) -> Path:
    (folder,) = [path for path in kept.cache.folder.iterdir() if path.is_dir()]
    return folder / "frame_encoder.plan"


def test_a_damaged_plan_never_reaches_the_library_and_is_built_again(kept: Kept) -> None:
    kept.obtain(trt())
    path = plan_file(kept)
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    kept.lines.clear()
    runtimes = fake_tensorrt.SPACE.runtimes
    kept.obtain(trt())
    assert "frame_encoder.plan is not what its manifest describes; building it again" in kept.lines[0]
    assert fake_tensorrt.SPACE.runtimes == runtimes + 2  # the new one's halves alone


def test_a_plan_that_the_library_refuses_is_built_again_once(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    kept.obtain(trt())
    kept.lines.clear()
    real, calls = fake_tensorrt.Runtime.deserialize_cuda_engine, []

    def refusing(runtime: Any, plan: bytes) -> Any:
        calls.append(plan)
        return real(runtime, plan) if len(calls) > 1 else None

    monkeypatch.setattr(fake_tensorrt.Runtime, "deserialize_cuda_engine", refusing)
    kept.obtain(trt())
    assert "TensorRT 10.99 does not take the plan" in kept.lines[0]
    assert kept.lines[0].endswith("building it again")
    monkeypatch.setattr(fake_tensorrt.Runtime, "deserialize_cuda_engine", lambda *_: None)
    with pytest.raises(EngineError, match="does not take the plan"):
        kept.obtain(trt())


def test_a_plan_with_other_tensors_than_noted_is_refused(kept: Kept) -> None:
    backend = trt()
    files: EngineFiles = backend.compile(exported("aligned", "clip_head", "float32").content)
    other = {"plan": files["plan"], "json": b'{"images": {}}'}
    with pytest.raises(EngineError, match="it was to have images"):
        backend.load(other, "float32", 1)


def test_wrong_answers_are_refused_and_the_refusal_is_kept(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    real = TensorRtGraph.run

    def zeros(graph: TensorRtGraph, inputs: Any, most: int | None = None) -> Any:
        return {name: 0 * tensor for name, tensor in real(graph, inputs, most).items()}

    monkeypatch.setattr(TensorRtGraph, "run", zeros)
    for _ in range(2):
        with pytest.raises(EngineError, match="all zero"):
            kept.obtain(trt())
    assert sum(line.startswith("building") for line in kept.lines) == 1


def test_rtx_engines_are_built_elsewhere_and_checked_where_they_run_first(kept: Kept) -> None:
    abroad = Rtx(fake_tensorrt_rtx, None, ("8.0", "8.9", "12.0"))
    stored = prepare_engine(loaded_model(), abroad, "float32", kept.cache, say=kept.lines.append)
    assert stored.manifest.check is None
    assert stored.manifest.facts.device == "CUDA (capability 8.0, 8.9, 12.0)"
    with pytest.raises(EngineError, match=r"TensorRT-RTX 1\.99 needs a CUDA GPU to run"):
        abroad.load({}, "float32", 1)
    kept.lines.clear()
    engine = kept.obtain(rtx())
    assert kept.lines == [f"checking engine {stored.manifest.facts.name} on this device"]
    assert engine.manifest.check is not None
    assert engine.manifest.checked_on == "fake GPU, driver 1"
    kept.lines.clear()
    kept.obtain(rtx())
    assert kept.lines == []
    assert fake_tensorrt_rtx.KERNELS[-1] == b"kernels"
    kept.obtain(rtx("another GPU, driver 1"))
    assert [line.split()[0] for line in kept.lines] == ["checking"]


def test_an_engine_built_elsewhere_that_answers_wrongly_here_is_refused(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare_engine(
        loaded_model(), Rtx(fake_tensorrt_rtx, None, ("8.0", "8.9", "12.0")), "float32", kept.cache, say=print
    )
    real = TensorRtGraph.run

    def infinite(graph: TensorRtGraph, inputs: Any, most: int | None = None) -> Any:
        return {name: tensor / 0 for name, tensor in real(graph, inputs, most).items()}

    monkeypatch.setattr(TensorRtGraph, "run", infinite)
    for _ in range(2):
        with pytest.raises(EngineError, match="not finite"):
            kept.obtain(rtx())
    assert sum(line.startswith("checking") for line in kept.lines) == 1


def test_validate_checks_them_like_others(kept: Kept) -> None:
    kept.obtain(trt())
    (result,) = validate_all(loaded_model(), kept.cache, {"tensorrt": trt})
    assert (result.fault, (result.minimum_cosine or 0) > 0.9999) == (None, True)
    (other,) = validate_all(loaded_model(), kept.cache, {"tensorrt": lambda: trt("fake GPU, driver 3")})
    assert "not for this machine as it is now: device" in (other.fault or "")


def test_precisions_follow_the_gpu() -> None:
    assert trt().precisions == ("bfloat16", "float16", "float32")
    assert Trt(fake_tensorrt, HostSide("7.5")).precisions == ("float16", "float32")
    assert Rtx(fake_tensorrt_rtx, HostSide("7.5"), ("7.5",)).precisions == ("float16",)
    assert Rtx(fake_tensorrt_rtx, HostSide("12.0"), ("12.0",)).precisions[0] == "bfloat16"


def on_gpu(monkeypatch: pytest.MonkeyPatch, **loaders: Any) -> None:
    """This machine, as if it had a GPU that the fakes serve."""
    monkeypatch.setattr(seam, "LOADERS", loaders)
    monkeypatch.setattr(seam, "named_backend", lambda name: loaders[name]())
    monkeypatch.setattr(seam, "torch_device", lambda name: torch.device("cuda", 0))


def encoders(kept: Kept, **settings: object) -> Any:
    config = EncoderConfig.model_validate(settings)
    return EngineEncoders(kept.lines.append, kept.cache)(loaded_model(), config)[0]


@pytest.mark.parametrize(("name", "loader"), [("tensorrt", trt), ("tensorrt-rtx", rtx)])
def test_the_settings_name_it(
    kept: Kept, monkeypatch: pytest.MonkeyPatch, name: str, loader: Callable[[], Any]
) -> None:
    on_gpu(monkeypatch, **{name: loader})
    card = encoders(kept, backend=name, precision="float16").backend
    assert (card.name, card.precision) == (name, "float16")


def test_auto_takes_tensorrt_first_and_falls_back_when_it_fails(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    on_gpu(monkeypatch, tensorrt=trt, **{"tensorrt-rtx": rtx})
    encoders(kept, backend="tensorrt-rtx", precision="float16")
    card = encoders(kept, backend="auto", precision="float16").backend
    assert (card.name, card.reason) == ("tensorrt", "backend tensorrt 10.99")
    monkeypatch.setattr(tensorrt_backend, "build_in_child", build_in_child)
    broken = dataclasses.replace(trt("other GPU"), limit_s=0.01)
    on_gpu(monkeypatch, tensorrt=lambda: broken, **{"tensorrt-rtx": rtx})  # whose engine is kept from before
    card = encoders(kept, backend="auto", precision="float16").backend
    assert card.name == "tensorrt-rtx"
    assert "tensorrt: building took more than 0 s and was ended" in card.reason


def test_on_a_cpu_they_are_not_even_imported_and_asking_for_them_is_an_error(kept: Kept) -> None:
    def forbidden() -> Any:
        raise AssertionError("imported")

    found = candidates(torch.device("cpu"), {"onnxruntime": OnnxRuntimeBackend, "tensorrt": forbidden})
    assert [one.name for one in found] == ["onnxruntime", "torch", "tensorrt"]
    assert found[-1].fault == "runs on CUDA only, not on cpu"
    with pytest.raises(ConfigError, match="backend tensorrt runs on CUDA only, not on cpu; use --device cuda"):
        encoders(kept, backend="tensorrt", device="cpu")
    assert wrong_device("torch", torch.device("mps")) is None
    assert wrong_device("openvino", torch.device("cuda")) == "runs on the CPU only"


def test_what_is_not_installed_says_what_to_type() -> None:
    found = candidates(torch.device("cuda"), {"tensorrt": TensorRtBackend.here})
    assert isinstance(found[0], Candidate)
    assert found[0].fault == 'tensorrt is not installed; pip install "keyreid-stream[tensorrt]"'
    assert "tensorrt is not installed" in explanation(found[1], found)
    with pytest.raises(MissingExtraError, match=r"keyreid-stream\[tensorrt\]"):
        named_backend("tensorrt")


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_without_a_gpu_no_runtime_is_touched(monkeypatch: pytest.MonkeyPatch) -> None:
    """A runtime without a driver kills the process: this one must not be asked for."""
    rtx_library = pytest.importorskip("tensorrt_rtx")
    monkeypatch.setattr(rtx_library, "Runtime", None)
    with pytest.raises(ImportError, match="CUDA"):
        TensorRtRtxBackend.here()


def test_timing_caches_are_kept_hashed_and_read_back(tmp_path: Path) -> None:
    store = TimingStore(tmp_path / "engines", "tensorrt 10 GPU")
    assert store.read() == b""
    store.write(b"")
    assert not store.folder.exists()
    store.write(b"measured")
    assert store.read() == b"measured"
    assert TimingStore(store.folder, "tensorrt 11 GPU").read() == b""
    assert EngineCache(store.folder).entries() == []
    content = store.path.read_bytes()
    assert content[:32] == hashlib.sha256(b"measured").digest()
    for damaged in (content[:-1], b"", b"x" + content[1:]):
        store.path.write_bytes(damaged)
        assert store.read() == b""


def test_a_build_leaves_its_timings_for_the_next(kept: Kept, tmp_path: Path) -> None:
    kept.obtain(trt())
    (timings,) = [path for path in (tmp_path / "home" / "engines").iterdir() if path.name.startswith(".timing")]
    # The first build starts with none, the second with what the first left.
    assert timings.read_bytes()[32:] == b"timedtimed"


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="permissions do not bind this user")
def test_timings_that_cannot_be_kept_are_no_fault(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    TimingStore(tmp_path / "engines", "key").write(b"measured")
    tmp_path.chmod(0o700)
