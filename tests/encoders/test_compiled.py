from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from keyreid_stream.encoders import EncoderConfig, TorchClipHead, TorchFrameEncoder, compiled, torch_encoders
from keyreid_stream.encoders.compiled import CompiledClipHead, CompiledFrameEncoder, _run_fixed, fixed_sizes
from keyreid_stream.structures import Clip, Crops, Encodings
from tests.models.small_models import small_model

FRAMES = 3

needs_compiler = pytest.mark.skipif(
    shutil.which("g++") is None, reason="NO C++ COMPILER (g++): torch.compile on the CPU is not checked"
)


def crops_of(count: int) -> Crops:
    spec = small_model("aligned", FRAMES, depth=2).crop_spec
    draw = np.random.default_rng(count)
    images = draw.integers(0, 256, (count, spec.height, spec.width, 3), np.uint8)
    return Crops(images, draw.random((count, spec.parts, spec.patches), np.float32))


def clips_of(encodings: Encodings) -> list[Clip]:
    rows = [[0, 1, 2], [2], [1, 0]]
    return [Clip(encodings.tokens[row], encodings.class_rows[row], encodings.part_weights[row]) for row in rows]


@pytest.fixture
def uncompiled(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What `torch.compile` is asked for; functions stay as they are."""
    asked: list[dict[str, Any]] = []

    def compile_nothing(
        function: Callable[..., Any], *, recompile_limit: int, isolate_recompiles: bool, **options: Any
    ) -> Callable[..., Any]:
        asked.append(options | {"recompile_limit": recompile_limit, "isolate_recompiles": isolate_recompiles})
        return function

    monkeypatch.setattr(torch, "compile", compile_nothing)
    return asked


@needs_compiler
@pytest.mark.slow
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-4), (torch.bfloat16, 6e-2)])
def test_compiled_both_halves_answer_as_eager(dtype: torch.dtype, tolerance: float) -> None:
    eager, other = small_model("aligned", FRAMES, depth=2), small_model("aligned", FRAMES, depth=2)
    encoder, head = CompiledFrameEncoder(other, dtype=dtype), CompiledClipHead(other, dtype=dtype)
    crops = crops_of(3)
    wanted = TorchFrameEncoder(eager, dtype=dtype).encode(crops)
    given = encoder.encode(crops)
    assert given.tokens.dtype == dtype
    scale = float(wanted.tokens.float().abs().max())
    torch.testing.assert_close(given.tokens, wanted.tokens, rtol=tolerance, atol=tolerance * scale)
    embeddings = TorchClipHead(eager, dtype=dtype).embed(clips_of(wanted)).vectors
    np.testing.assert_allclose(
        head.embed(clips_of(wanted)).vectors, embeddings, rtol=tolerance, atol=tolerance * np.abs(embeddings).max()
    )


@pytest.mark.parametrize("count", [0, 1, 3, 8, 13])
def test_rows_do_not_depend_on_ballast_and_no_row_is_added(
    count: int, uncompiled: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    crops = crops_of(count)
    encoder = CompiledFrameEncoder(small_model("aligned", FRAMES, depth=2), batch_size=10)
    wanted = TorchFrameEncoder(small_model("aligned", FRAMES, depth=2)).encode(crops)
    given = encoder.encode(crops)
    assert given.tokens.shape == wanted.tokens.shape
    torch.testing.assert_close(given.tokens, wanted.tokens, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(given.appearance, wanted.appearance, rtol=1e-4, atol=1e-4)

    def loud(tensor: torch.Tensor, size: int) -> torch.Tensor:
        ballast = tensor.new_full((size - len(tensor), *tensor.shape[1:]), 255)
        return torch.cat([tensor, ballast])

    monkeypatch.setattr(compiled, "_filled_up", loud)
    torch.testing.assert_close(encoder.encode(crops).tokens, given.tokens, rtol=1e-5, atol=1e-5)


def test_every_call_has_a_fixed_size() -> None:
    seen: list[int] = []

    def double(rows: torch.Tensor) -> tuple[torch.Tensor]:
        seen.append(len(rows))
        return (2 * rows,)

    for rows in (1, 2, 3, 5, 8, 9, 33, 64):
        assert _run_fixed(double, [torch.arange(rows)], fixed_sizes(64))[0].tolist() == list(range(0, 2 * rows, 2))
    assert seen == [1, 2, 4, 8, 8, 16, 64, 64]
    assert fixed_sizes(10) == (1, 2, 4, 8)
    assert fixed_sizes(4096)[-1] == 64


def test_answers_are_the_callers_own() -> None:
    """A CUDA graph gives the same memory each time."""
    memory = torch.zeros(4)

    def play(rows: torch.Tensor) -> tuple[torch.Tensor]:
        return (memory.copy_(rows),)

    first = _run_fixed(play, [torch.ones(4)], (4,))[0]
    _run_fixed(play, [torch.full((4,), 7.0)], (4,))
    assert first.tolist() == [1, 1, 1, 1]


@pytest.mark.parametrize(("device", "mode"), [("cpu", "default"), ("cuda:0", "reduce-overhead")])
def test_on_cuda_graphs_are_recorded(device: str, mode: str, uncompiled: list[dict[str, Any]]) -> None:
    compiled._compiled(lambda rows: rows, torch.device(device), 7)
    wanted = {"fullgraph": True, "dynamic": False, "mode": mode, "recompile_limit": 7, "isolate_recompiles": True}
    assert uncompiled == [wanted]


def test_it_is_a_setting_of_torch(uncompiled: list[dict[str, Any]]) -> None:
    config = EncoderConfig.model_validate({"device": "cpu", "compile": True})
    encoder, head = torch_encoders(small_model("aligned", FRAMES, depth=2), config)
    assert isinstance(encoder, CompiledFrameEncoder)
    assert isinstance(head, CompiledClipHead)
    assert len(uncompiled) == 2
    with pytest.raises(ValueError, match="compile is for torch, not for openvino"):
        EncoderConfig.model_validate({"backend": "openvino", "compile": True})
