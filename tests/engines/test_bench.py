from __future__ import annotations

import time
from pathlib import Path

import pytest
import torch

from keyreid_engines import bench, build
from keyreid_engines.bench import bench_model, gflop_per_row
from keyreid_engines.bench_memory import MemoryRequest, peak_megabytes
from keyreid_engines.bench_report import EngineBench
from keyreid_engines.cache import EngineCache
from keyreid_engines.seam import EngineEncoders
from keyreid_stream.encoders import EncoderConfig
from keyreid_stream.errors import InputError
from keyreid_stream.models.build import build_model
from keyreid_stream.models.config import named_model
from keyreid_stream.models.load import parameters_sha256
from tests.engines.engine_models import exported, loaded_model

CPU = torch.device("cpu")


def measure(folder: Path, batches: list[int], rounds: int = 1) -> EngineBench:
    return bench_model(
        loaded_model(), CPU, "a processor", batches, cache=EngineCache(folder), rounds=rounds, say=lambda line: None
    )


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(bench.PRODUCT_LENGTH, "cpu", 64)
    monkeypatch.setattr(build, "export_graph", lambda model, kind, precision, **_: exported("aligned", kind, precision))


@pytest.fixture
def memory_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten MB a row: children take seconds to start."""
    monkeypatch.setattr(bench, "peak_megabytes", lambda request: 10.0 * request.batch)


@pytest.mark.usefixtures("memory_known")
def test_every_backend_precision_batch_and_half_is_measured_or_named_as_left_out(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime", reason="ONNXRUNTIME IS NOT INSTALLED: no engine is measured")
    found = measure(tmp_path, [1, 3])
    cases = {(one.half, one.batch) for one in found.figures}
    assert cases == {(half, batch) for half in ("frame_encoder", "clip_head") for batch in (1, 3)}
    assert {"onnxruntime", "torch"} <= {one.backend for one in found.figures}
    ways = {(one.backend, one.precision) for one in found.figures}
    assert len(found.figures) == len(cases) * len(ways)
    assert set(found.ceilings) == {precision for _, precision in ways}
    assert any(line.startswith("tensorrt: ") for line in found.left_out)


@pytest.mark.usefixtures("memory_known")
def test_rates_follow_from_the_time_of_a_call(tmp_path: Path) -> None:
    model = loaded_model().model
    for one in measure(tmp_path, [3]).figures:
        assert one.rows_per_s == pytest.approx(3 / (one.milliseconds / 1000))
        assert one.gflop_per_s == pytest.approx(one.rows_per_s * gflop_per_row(model, one.half))
        assert one.minimum_cosine > 0.99


def test_memory_is_that_of_a_process_of_its_own_and_grows_with_the_batch(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime", reason="ONNXRUNTIME IS NOT INSTALLED: no engine is measured")
    if not Path("/proc/self/status").exists():
        pytest.skip("THIS SYSTEM DOES NOT SAY WHAT A PROCESS HOLDS: memory is not measured")
    loaded = loaded_model()
    config = EncoderConfig(backend="onnxruntime", device="cpu")
    card = EngineEncoders(lambda line: None, EngineCache(tmp_path))(loaded, config)[0].backend  # type: ignore[attr-defined]
    request = MemoryRequest(
        config=loaded.model.config,
        backend="onnxruntime",
        precision="float32",
        device="cpu",
        engine=card.engine,
        folder=tmp_path,
        batch=1,
        threads=1,
    )
    small, large = (peak_megabytes(request.model_copy(update={"batch": batch})) for batch in (1, 512))
    images = 512 * 64 * 32 * 3 / 1e6
    assert small is not None
    assert large is not None
    assert 1 < small < large - images
    # What cannot be measured is said to be unknown, not nothing.
    assert peak_megabytes(request.model_copy(update={"engine": "not-there"})) is None


@pytest.mark.usefixtures("memory_known")
def test_rank1_is_asked_once_for_every_way_and_told_beside_float32(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench, "LOADERS", {})
    answers = iter([0.70, 0.68])
    found = bench_model(
        loaded_model(),
        *(CPU, "a processor", [1, 2]),
        cache=EngineCache(tmp_path),
        rounds=1,
        rank1=lambda encoder, head: next(answers),
        say=lambda line: None,
    )
    changes = {one.precision: one.rank1_change for one in found.figures}
    assert changes == {"float32": 0, "bfloat16": pytest.approx(-0.02)}
    assert {one.memory_mb for one in found.figures} == {10.0, 20.0}


@pytest.mark.usefixtures("memory_known")
def test_engines_are_compared_with_a_model_that_stays_float32(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "LOADERS", {})
    loaded = loaded_model()
    before = parameters_sha256(loaded.model.state_dict())
    monkeypatch.setitem(bench.ON_TORCH, "cpu", ("float32", "bfloat16"))
    bench_model(loaded, CPU, "a processor", [1], cache=EngineCache(tmp_path), rounds=1, say=lambda line: None)
    assert next(loaded.model.parameters()).dtype == torch.float32
    assert parameters_sha256(loaded.model.state_dict()) == before


def test_medians_leave_out_the_first_round_and_all_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = {"now": 0.0}
    order: list[str] = []
    lengths = {"a": iter([100.0, 1.0, 9.0, 2.0]), "b": iter([100.0, 5.0, 5.0, 7.0])}

    def call(name: str) -> None:
        order.append(name)
        clock["now"] += next(lengths[name])

    monkeypatch.setattr(time, "perf_counter", lambda: clock["now"])
    assert bench._interleaved([lambda: call("a"), lambda: call("b")], rounds=3) == [2.0, 5.0]
    assert "".join(order) == "abababab"


def test_arithmetic_of_the_tiny_encoder_counted_by_hand() -> None:
    # Per crop: S rows through every block cost 2·(12·D²·S + 2·S²·D); the stem and the last block come on top or less.
    model = build_model(named_model("tiny"), seed=0)
    rows, width = 1 + model.crop_spec.patches, model.layout.global_dim
    depth = len(model.frame_encoder.backbone.vit.blocks)
    blocks = 2 * (12 * width**2 * rows + 2 * rows**2 * width) * depth / 1e9
    assert gflop_per_row(model, "frame_encoder") == pytest.approx(blocks, rel=0.2)


@pytest.mark.parametrize(
    ("batches", "rounds", "told"), [([], 1, "none"), ([0], 1, "0"), ([1, 2000], 1, "2000"), ([1], 0, "rounds")]
)
def test_sizes_out_of_range_are_refused(tmp_path: Path, batches: list[int], rounds: int, told: str) -> None:
    with pytest.raises(InputError, match=told):
        measure(tmp_path, batches, rounds)
