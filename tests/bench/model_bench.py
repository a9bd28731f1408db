"""What the model costs: the factorised clip beside the published arrangement, and the named models' speed.

Random weights: cost does not depend on their values. Everything runs on the CPU in float32.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch.utils.flop_counter import FlopCounterMode
from torch.utils.mkldnn import to_mkldnn

from keyreid_stream.models.build import build_model, build_skeleton
from keyreid_stream.models.config import named_model
from keyreid_stream.models.keyreid import KeyReID
from keyreid_stream.models.published_head import heatmaps_to_part_weights
from tests.parity.unfactorised import unfactorised

MIN_SPEED_UP = 3.0
MAX_CLIP_GFLOP = 94.0


@dataclass(frozen=True)
class BenchRow:
    """One measured figure; `needed` says what it must be, if anything, and `met` whether it is."""

    name: str
    value: float
    unit: str
    needed: str = ""
    met: bool = True


def run(rounds: int = 5) -> list[BenchRow]:
    """All figures of the model, medians over `rounds`."""
    return [*clip_flops(), *clip_times(rounds), *product_rates(rounds), *named_model_rates(rounds)]


def clip_flops() -> list[BenchRow]:
    """GFLOP of one published clip both ways, by torch's counter."""
    model = build_skeleton(named_model("published"))
    crops, heatmaps, cameras = (tensor.to("meta") for tensor in _published_clip())
    weights = heatmaps_to_part_weights(heatmaps, model.crop_spec)
    factorised = _gflop(lambda: model(crops, weights, cameras))
    published = _gflop(lambda: unfactorised(model, crops, heatmaps, cameras))
    met = factorised <= MAX_CLIP_GFLOP
    return [
        BenchRow("clip, factorised", factorised, "GFLOP", f"at most {MAX_CLIP_GFLOP:.0f}", met),
        BenchRow("clip, published arrangement", published, "GFLOP"),
    ]


@torch.inference_mode()
def clip_times(rounds: int) -> list[BenchRow]:
    """Seconds for one published clip both ways, alternating so that both meet the same machine."""
    model = build_model(named_model("published"), seed=0)
    crops, heatmaps, cameras = _published_clip()
    weights = heatmaps_to_part_weights(heatmaps, model.crop_spec)
    ways = (lambda: model(crops, weights, cameras), lambda: unfactorised(model, crops, heatmaps, cameras))
    factorised, published = alternating_seconds(ways, rounds)
    speed_up = published / factorised
    return [
        BenchRow("clip, factorised", factorised, "s"),
        BenchRow("clip, published arrangement", published, "s"),
        BenchRow("speed-up", speed_up, "x", f"at least {MIN_SPEED_UP:.0f}", speed_up >= MIN_SPEED_UP),
    ]


@torch.inference_mode()
def product_rates(rounds: int, length: int = 2048) -> list[BenchRow]:
    """The limit: GFLOP/s of one large float32 product, as torch's modules run it and by oneDNN."""
    linear = torch.nn.Linear(length, length)
    by_onednn, rows = to_mkldnn(linear), torch.randn(length, length)
    converted = rows.to_mkldnn()
    seconds = alternating_seconds((lambda: linear(rows), lambda: by_onednn(converted)), rounds)
    gflop = 2 * length**3 / 1e9
    return [
        BenchRow(f"float32 product {length}^3, {name}", gflop / taken, "GFLOP/s")
        for name, taken in zip(("torch", "oneDNN"), seconds, strict=True)
    ]


@torch.inference_mode()
def named_model_rates(rounds: int, batch: int = 8) -> list[BenchRow]:
    """Crops and clips per second of our models' two halves."""
    rows = []
    for name in ("tiny", "small", "base"):
        model = build_model(named_model(name), seed=0)
        crop_seconds, clip_seconds = alternating_seconds(_halves(model, batch), rounds)
        rows += [
            BenchRow(f"{name}, frame encoder", batch / crop_seconds, "crops/s"),
            BenchRow(f"{name}, clip head", batch / clip_seconds, "clips/s"),
        ]
    return rows


def _halves(model: KeyReID, batch: int) -> tuple[Callable[[], object], Callable[[], object]]:
    spec, frames = model.crop_spec, model.config.frames
    images = torch.randint(0, 256, (batch, 3, spec.height, spec.width), dtype=torch.uint8)
    weights = torch.rand(batch, frames, spec.parts, spec.patches)
    tokens, class_rows = model.frame_encoder(images)
    clip_tokens = tokens[:, None].repeat(1, frames, 1, 1)
    clip_rows = class_rows[:, None].repeat(1, frames, 1)
    return lambda: model.frame_encoder(images), lambda: model.clip_head(clip_tokens, clip_rows, weights)


def _published_clip() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    crops = torch.randn(1, 4, 3, 256, 128, generator=generator)
    heatmaps = 2 * torch.rand(1, 4, 6, 256, 128, generator=generator) - 1
    return crops, heatmaps, torch.zeros(1, 4, dtype=torch.long)


def _gflop(call: Callable[[], object]) -> float:
    with FlopCounterMode(display=False) as counter:
        call()
    return float(counter.get_total_flops()) / 1e9


def alternating_seconds(ways: tuple[Callable[[], object], ...], rounds: int) -> list[float]:
    """The median time of each way; the first round is not counted."""
    seconds: list[list[float]] = [[] for _ in ways]
    for _ in range(rounds + 1):
        for taken, way in zip(seconds, ways, strict=True):
            started = time.perf_counter()
            way()
            taken.append(time.perf_counter() - started)
    return [statistics.median(taken[1:]) for taken in seconds]
