from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from keyreid_engines.device_encoders import DeviceClipHead, DeviceFrameEncoder
from keyreid_engines.errors import EngineError
from keyreid_engines.graphs import GraphKind, Precision
from keyreid_engines.profiles import BatchRange, batch_profiles
from keyreid_engines.tensorrt_builder import PlanRequest, build_plan
from keyreid_engines.tensorrt_runtime import TensorRtGraph
from keyreid_stream.encoders import TorchClipHead, TorchFrameEncoder
from keyreid_stream.structures import Crops
from tests.engines import fake_tensorrt, fake_tensorrt_rtx
from tests.engines.engine_models import FRAMES, clip_of, crops_of, engine_model, exported
from tests.engines.host_side import HostSide

RANGES = (BatchRange(1, 2, 4), BatchRange(1, 4, 8))
FIXED = (1, 2, 4, 8)
MODEL = engine_model()


def plan_of(
    kind: GraphKind,
    precision: Precision = "float32",
    ranges: Sequence[BatchRange] = RANGES,
    *,
    fake: Any = fake_tensorrt,
) -> bytes:
    content = exported("aligned", kind, precision).content
    network = fake_tensorrt.INetworkDefinition()
    network.read(content)
    inputs = {tensor.name: tensor.shape for tensor in network.inputs}
    return build_plan(fake, content, PlanRequest(batch_profiles(inputs, ranges))).content


def graph_of(
    kind: GraphKind,
    precision: Precision = "float32",
    *,
    side: HostSide | None = None,
    ranges: Sequence[BatchRange] = RANGES,
    fixed: Sequence[int] = (),
    fake: ModuleType = fake_tensorrt,
) -> TensorRtGraph:
    return TensorRtGraph(fake, plan_of(kind, precision, ranges, fake=fake), side or HostSide(), fixed=fixed)


def halves(side: HostSide, precision: Precision, fixed: Sequence[int]) -> tuple[DeviceFrameEncoder, DeviceClipHead]:
    layout = MODEL.layout
    on_crops = graph_of("frame_encoder", precision, side=side, fixed=fixed)
    on_clips = graph_of("clip_head", precision, side=side, fixed=fixed)
    return (
        DeviceFrameEncoder(on_crops, MODEL.crop_spec, layout.global_dim),
        DeviceClipHead(on_clips, layout, FRAMES),
    )


@pytest.mark.parametrize("fixed", [(), FIXED], ids=["any size", "recorded"])
@pytest.mark.parametrize("count", [0, 1, 3, 5, 8, 21])
def test_any_number_of_crops_and_clips_gives_what_torch_gives(count: int, fixed: Sequence[int]) -> None:
    crops = crops_of(MODEL, count)
    encoder, head = halves(HostSide(), "float32", fixed)
    for _ in range(2):  # the second time, everything is played back
        encodings = encoder.encode(crops)
        wanted = TorchFrameEncoder(engine_model()).encode(crops)
        assert encodings.tokens.shape == wanted.tokens.shape
        torch.testing.assert_close(encodings.tokens, wanted.tokens, rtol=1e-3, atol=1e-4)
        torch.testing.assert_close(encodings.class_rows, wanted.class_rows, rtol=1e-3, atol=1e-4)
        np.testing.assert_allclose(encodings.appearance, wanted.appearance, rtol=1e-3, atol=1e-4)
        rows = [[row, (row + 1) % count][: 1 + row % 2] for row in range(count)]
        given = head.embed([clip_of(encodings, members) for members in rows])
        truth = TorchClipHead(engine_model()).embed([clip_of(wanted, members) for members in rows])
        np.testing.assert_allclose(given.vectors, truth.vectors, rtol=1e-3, atol=1e-3)
        np.testing.assert_allclose(given.visibility, truth.visibility, atol=1e-6)


def test_half_precision_stays_in_half_precision_between_the_halves() -> None:
    encoder, head = halves(HostSide(), "float16", FIXED)
    crops = crops_of(MODEL, 5)
    encodings = encoder.encode(crops)
    assert {encodings.tokens.dtype, encodings.class_rows.dtype, encodings.part_weights.dtype} == {torch.float16}
    wanted = TorchFrameEncoder(engine_model()).encode(crops)
    given = head.embed([clip_of(encodings, [0, 1, 2]), clip_of(encodings, [4])]).vectors
    truth = TorchClipHead(engine_model()).embed([clip_of(wanted, [0, 1, 2]), clip_of(wanted, [4])]).vectors
    cosine = (given * truth).sum(1) / np.linalg.norm(given, axis=1) / np.linalg.norm(truth, axis=1)
    assert cosine.min() > 0.999


def inputs(rows: int, side: HostSide) -> dict[str, torch.Tensor]:
    return {"images": side.upload(torch.from_numpy(crops_of(MODEL, rows).images))}


def test_earlier_answers_stay_when_recorded_memory_is_used_again() -> None:
    side = HostSide()
    graph = graph_of("frame_encoder", side=side, fixed=FIXED)
    first = graph.run(inputs(4, side))
    kept = {name: tensor.clone() for name, tensor in first.items()}
    graph.run({"images": 255 - inputs(4, side)["images"]} | {})
    assert all(torch.equal(first[name], kept[name]) for name in kept)
    again = graph.run(inputs(4, side))
    assert all(torch.equal(again[name], kept[name]) for name in kept)
    assert side.played == 2


def test_ballast_never_comes_out() -> None:
    """A short batch after a full one of the same size: what lies in the rest of the memory is not in the answer."""
    side = HostSide()
    graph = graph_of("frame_encoder", side=side, fixed=(4,))
    graph.run(inputs(4, side))
    outputs = graph.run(inputs(3, side))
    assert {len(tensor) for tensor in outputs.values()} == {3}
    exact = graph_of("frame_encoder", side=side).run(inputs(3, side))
    assert all(torch.allclose(outputs[name], exact[name], atol=1e-5) for name in exact)


def test_pieces_take_turns_on_lanes_with_their_own_contexts() -> None:
    side = HostSide()
    graph = graph_of("frame_encoder", side=side)
    before = fake_tensorrt.SPACE.contexts
    graph.run(inputs(1, side))
    assert fake_tensorrt.SPACE.contexts - before == 1
    graph.run(inputs(21, side))  # 8 + 8 + 5, on two lanes of the large profile
    assert fake_tensorrt.SPACE.contexts - before == 3
    assert len(side.streams) == 3
    graph.run(inputs(21, side))
    assert len(side.streams) == 3


def test_where_recording_fails_it_is_run_step_by_step() -> None:
    side = HostSide(records=False)
    graph = graph_of("frame_encoder", side=side, fixed=FIXED)
    first, second = graph.run(inputs(4, side)), graph.run(inputs(4, side))
    assert torch.equal(first["tokens"], second["tokens"])
    assert not first["tokens"].isnan().any()
    assert side.played == 0


def test_rtx_records_itself_and_keeps_what_it_finished() -> None:
    side = HostSide()
    plan = plan_of("frame_encoder", fake=fake_tensorrt_rtx)
    graph = TensorRtGraph(fake_tensorrt_rtx, plan, side, fixed=FIXED, kernels=b"finished before")
    assert fake_tensorrt_rtx.KERNELS[-1] == b"finished before"
    first, second = graph.run(inputs(4, side)), graph.run(inputs(4, side))
    assert torch.equal(first["tokens"], second["tokens"])
    assert side.played == 0
    assert graph.kernels() == b"kernels"
    assert graph_of("frame_encoder").kernels() == b""


def test_arrays_of_the_host_are_taken_too() -> None:
    graph = graph_of("frame_encoder", "float16", fixed=FIXED)
    outputs = graph({"images": crops_of(MODEL, 3).images[:, :, ::-1]})
    assert {name: array.dtype for name, array in outputs.items()} == dict.fromkeys(outputs, np.dtype(np.float32))
    assert outputs["tokens"].shape == (3, 9, 64)


def test_tensors_that_begin_anywhere_are_moved() -> None:
    side = HostSide()
    graph = graph_of("frame_encoder", side=side)
    whole = inputs(6, side)["images"]
    odd = torch.empty(whole.numel() + 3, dtype=torch.uint8)[3:].view(whole.shape).copy_(whole)
    assert odd.data_ptr() % 256
    assert torch.equal(graph.run({"images": odd})["tokens"], graph.run({"images": whole})["tokens"])


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({}, "inputs are images; got none"),
        ({"pictures": torch.zeros(1, 64, 32, 3, dtype=torch.uint8)}, "inputs are images; got pictures"),
        ({"images": torch.zeros(0, 64, 32, 3, dtype=torch.uint8)}, "at least one"),
        ({"images": torch.zeros(1, 32, 64, 3, dtype=torch.uint8)}, "rows of \\(64, 32, 3\\), got"),
        ({"images": torch.zeros(1, 64, 32, 3)}, "contiguous torch.uint8"),
        ({"images": torch.zeros(1, 64, 64, 3, dtype=torch.uint8)[:, :, ::2]}, "contiguous"),
        ({"images": torch.zeros(1, 64, 32, 3, dtype=torch.uint8, device="meta")}, "must be on cpu, got meta"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(given: dict[str, torch.Tensor], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        graph_of("frame_encoder").run(given)


@pytest.mark.parametrize("damage", [lambda plan: plan[:-1], lambda plan: b"x" + plan[1:], lambda plan: b""])
def test_a_plan_that_the_library_does_not_take_is_an_error_that_says_why(damage: Any) -> None:
    with pytest.raises(
        EngineError, match=r"TensorRT 10.99 does not take the plan \(the plan's magic tag is not right\)"
    ):
        TensorRtGraph(fake_tensorrt, damage(plan_of("frame_encoder")), HostSide())


@pytest.mark.parametrize(
    ("method", "told"),
    [
        ("set_input_shape", "does not take images of"),
        ("set_tensor_address", "does not take an address for images"),
        ("set_optimization_profile_async", "does not take profile 0"),
        ("execute_async_v3", "fails"),
    ],
)
@pytest.mark.parametrize("fixed", [(), FIXED], ids=["any size", "recorded"])
def test_every_refusal_of_the_library_is_noticed(
    method: str, told: str, fixed: Sequence[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    side = HostSide()
    graph = graph_of("frame_encoder", side=side, fixed=fixed)
    monkeypatch.setattr(fake_tensorrt.IExecutionContext, method, lambda *_: False)
    with pytest.raises(EngineError, match=f"TensorRT 10.99 {told}"):
        graph.run(inputs(3, side))


def test_no_memory_for_a_context_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    side = HostSide()
    graph = graph_of("frame_encoder", side=side)
    monkeypatch.setattr(fake_tensorrt.ICudaEngine, "create_execution_context", lambda *_: None)
    with pytest.raises(EngineError, match=r"gives no execution context; lower model\.batch_size"):
        graph.run(inputs(3, side))


def test_crops_of_another_size_are_refused_before_the_device_sees_them() -> None:
    encoder, _ = halves(HostSide(), "float32", ())
    with pytest.raises(ValueError, match="64x32 pixels, got 32x64"):
        encoder.encode(Crops(np.zeros((1, 32, 64, 3), np.uint8), np.zeros((1, 3, 8), np.float32)))
