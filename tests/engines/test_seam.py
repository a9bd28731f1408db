from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from keyreid_engines import build, seam
from keyreid_engines.backend import Arrays, Backend, EngineFiles, Graph
from keyreid_engines.cache import EngineCache
from keyreid_engines.choose import Loader
from keyreid_engines.errors import EngineError
from keyreid_engines.graphs import GraphKind, Precision
from keyreid_engines.onnxruntime_backend import OnnxRuntimeBackend
from keyreid_engines.seam import EngineEncoders
from keyreid_engines.validate import validate_all
from keyreid_stream.encoders import EncoderConfig, TorchFrameEncoder
from keyreid_stream.encoders.card import BackendCard
from keyreid_stream.errors import ConfigError, MissingExtraError
from keyreid_stream.interfaces import FrameEncoder
from keyreid_stream.models.keyreid import KeyReID
from tests.engines.engine_models import crops_of, exported, loaded_model
from tests.engines.fake_engines import FakeBackend


class Spoiled:
    """ONNX Runtime under another name, which spoils what it computes."""

    def __init__(self, name: str, spoil: Any, precisions: tuple[Precision, ...] = ("float32",)) -> None:
        self.inner = OnnxRuntimeBackend()
        self.name, self.version, self.device, self.precisions = name, "1.0", "CPU (spoiled)", precisions
        self.spoil = spoil
        self.compiled = 0

    def graph_precision(self, precision: Precision) -> Precision:
        return "float32"

    def compile(self, content: bytes) -> EngineFiles:
        self.compiled += 1
        return self.inner.compile(content)

    def load(self, files: EngineFiles, precision: Precision, threads: int) -> Graph:
        graph = self.inner.load(files, precision, threads)

        def run(inputs: Mapping[str, NDArray[Any]]) -> Arrays:
            outputs = graph(inputs)
            return {name: self.spoil(name, array, precision) for name, array in outputs.items()}

        return run


def exact(name: str, array: NDArray[Any], precision: str) -> NDArray[Any]:
    return array


def zeros(name: str, array: NDArray[Any], precision: str) -> NDArray[Any]:
    return 0 * array


def not_finite(name: str, array: NDArray[Any], precision: str) -> NDArray[Any]:
    return np.where(np.arange(array.size).reshape(array.shape) == 3, np.nan, array) if name == "embedding" else array


def parts_swapped(name: str, array: NDArray[Any], precision: str) -> NDArray[Any]:
    return (
        np.concatenate([array[:, :64], array[:, 69:74], array[:, 64:69], array[:, 74:]], 1)
        if (name == "embedding")
        else array
    )


def rough_in_bfloat16(name: str, array: NDArray[Any], precision: str) -> NDArray[Any]:
    return (
        array + 0.2 * np.sign(np.sin(np.arange(array.size).reshape(array.shape))) if precision == "bfloat16" else array
    )


@pytest.fixture(autouse=True)
def cheap_exports(monkeypatch: pytest.MonkeyPatch) -> None:
    """All models here have the same parameters, so one export serves them all."""

    def export(model: KeyReID, kind: GraphKind, precision: Precision, *, weights_sha256: str) -> Any:
        return exported(model.config.mode, kind, precision)

    monkeypatch.setattr(build, "export_graph", export)


def use(monkeypatch: pytest.MonkeyPatch, **loaders: Loader) -> None:
    monkeypatch.setattr(seam, "LOADERS", loaders)


def always(backend: Backend) -> Loader:
    return lambda: backend


class Told:
    """Encoders of a cache, and what was said on the way."""

    def __init__(self, folder: Path) -> None:
        self.lines: list[str] = []
        self.cache = EngineCache(folder)

    def encoder(self, **settings: object) -> FrameEncoder:
        config = EncoderConfig.model_validate({"device": "cpu"} | settings)
        return EngineEncoders(self.lines.append, self.cache)(loaded_model(), config)[0]

    def card(self, **settings: object) -> BackendCard:
        card = getattr(self.encoder(**settings), "backend", None)
        assert isinstance(card, BackendCard)
        return card


@pytest.fixture
def told(tmp_path: Path) -> Told:
    return Told(tmp_path)


@pytest.mark.parametrize("backend", ["openvino", "onnxruntime"])
def test_a_named_backend_is_built_kept_and_used(told: Told, backend: str) -> None:
    card = told.card(backend=backend, precision="float32")
    assert (card.name, card.precision) == (backend, "float32")
    assert card.minimum_cosine is not None
    assert card.minimum_cosine > 0.99999
    assert len(told.lines) == 1
    assert told.lines[0].startswith(f"building engine small-test-{backend}-float32-")
    again = told.encoder(backend=backend, precision="float32")
    assert len(told.lines) == 1
    model = loaded_model().model
    crops = crops_of(model, 3)
    wanted = TorchFrameEncoder(model).encode(crops).tokens
    torch.testing.assert_close(again.encode(crops).tokens, wanted, rtol=1e-3, atol=1e-4)


def test_torch_needs_no_engine(told: Told) -> None:
    card = told.card(backend="torch")
    assert (card.name, card.precision, card.engine) == ("torch", "float32", None)
    assert told.lines == []
    assert told.cache.entries() == []


def test_auto_takes_the_best_and_says_so(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, openvino=always(Spoiled("openvino", exact)), onnxruntime=always(FakeBackend("onnxruntime")))
    assert told.card(backend="auto").reason == "backend openvino 1.0"
    assert told.lines[-1] == "backend openvino 1.0"


@pytest.mark.parametrize(
    ("spoil", "fault"),
    [(zeros, "all zero"), (not_finite, "embeddings that are not finite"), (parts_swapped, "least cosine")],
)
def test_an_engine_that_answers_wrongly_is_refused_and_the_next_one_taken(
    told: Told, monkeypatch: pytest.MonkeyPatch, spoil: Any, fault: str
) -> None:
    wrong = Spoiled("openvino", spoil)
    use(monkeypatch, openvino=always(wrong), onnxruntime=OnnxRuntimeBackend)
    card = told.card(backend="auto")
    assert card.name == "onnxruntime"
    assert card.reason is not None
    assert fault in card.reason
    assert told.lines[-1] == card.reason
    # It is remembered, and neither built again nor used.
    builds = wrong.compiled
    assert told.card(backend="auto").name == "onnxruntime"
    assert wrong.compiled == builds
    assert [entry.fault is None for entry in told.cache.entries()] == [True, False]


def test_asked_for_by_name_a_wrong_engine_is_an_error(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seam, "named_backend", lambda name: Spoiled("openvino", zeros))
    for _ in range(2):
        with pytest.raises(EngineError, match=r"all zero.*keyreid engine clean small-test-openvino"):
            told.encoder(backend="openvino")


def test_auto_tries_a_backends_next_precision_before_the_next_backend(
    told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    rough = Spoiled("openvino", rough_in_bfloat16, ("bfloat16", "float32"))
    use(monkeypatch, openvino=always(rough), onnxruntime=always(FakeBackend("onnxruntime")))
    card = told.card(backend="auto")
    assert (card.name, card.precision) == ("openvino", "float32")
    assert any("cannot be used in bfloat16" in line for line in told.lines)


def test_where_nothing_compiles_auto_is_torch(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> Backend:
        raise ImportError("openvino is not installed")

    use(monkeypatch, openvino=missing, onnxruntime=always(Spoiled("onnxruntime", zeros)))
    card = told.card(backend="auto")
    assert card.name == "torch"
    assert card.reason is not None
    assert "openvino is not installed" in card.reason
    assert "onnxruntime: the engine gives" in card.reason


def test_a_precision_that_a_backend_does_not_have_is_refused(told: Told) -> None:
    with pytest.raises(ConfigError, match=r"float16 does not run on onnxruntime .* choose auto or one of: float32"):
        told.encoder(backend="onnxruntime", precision="float16")


def test_what_is_not_installed_is_said_with_the_command(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Backend:
        raise MissingExtraError(name, name)

    monkeypatch.setattr(seam, "named_backend", missing)
    with pytest.raises(MissingExtraError, match=r"keyreid-stream\[openvino\]"):
        told.encoder(backend="openvino")


def test_engines_do_not_run_on_a_gpu(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seam, "torch_device", lambda name: torch.device("cuda:0"))
    with pytest.raises(ConfigError, match="openvino runs on the CPU only, not on cuda:0; use --device cpu"):
        told.encoder(backend="openvino")


def test_validating_tells_of_every_engine_of_the_weights(told: Told) -> None:
    told.encoder(backend="onnxruntime")
    told.encoder(backend="openvino", precision="float32")
    names = {entry.name: told.cache.folder / entry.name for entry in told.cache.entries()}
    results = validate_all(loaded_model(), told.cache)
    assert [result.name for result in results] == list(names)
    assert all(result.fault is None and (result.minimum_cosine or 0) > 0.99999 for result in results)
    damaged = next(path for name, path in names.items() if "openvino" in name) / "clip_head.bin"
    content = bytearray(damaged.read_bytes())
    content[-1] ^= 255
    damaged.write_bytes(content)
    faults = {result.name: result.fault for result in validate_all(loaded_model(), told.cache)}
    assert [name for name, fault in faults.items() if fault] == [damaged.parent.name]


def test_validating_notices_an_engine_that_computes_something_else(told: Told) -> None:
    told.encoder(backend="onnxruntime")
    model = loaded_model()
    model.model.clip_head.global_norm.weight.data.neg_()
    results = validate_all(model, told.cache)
    assert ["least cosine" in (result.fault or "") for result in results] == [True]


def test_an_engine_of_another_version_is_not_right_any_more(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    told.encoder(backend="onnxruntime")
    newer = Spoiled("onnxruntime", exact)
    newer.device = OnnxRuntimeBackend().device
    results = validate_all(loaded_model(), told.cache, {"onnxruntime": always(newer)})
    assert [result.fault is None for result in results] == [False]
    assert "backend_version: " in (results[0].fault or "")
