"""How fast a model runs on every backend of a device, side by side in one run."""

from __future__ import annotations

import copy
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import torch
from torch.utils.flop_counter import FlopCounterMode

from keyreid_engines.bench_memory import MemoryRequest, noise_crops, peak_megabytes
from keyreid_engines.bench_report import EngineBench, Figure
from keyreid_engines.cache import EngineCache, Say
from keyreid_engines.checks import check_engine
from keyreid_engines.choose import LOADERS, TORCH, Candidate, available, candidates
from keyreid_engines.errors import EngineError
from keyreid_engines.graphs import HALVES, GraphKind, Precision
from keyreid_engines.seam import EngineEncoders
from keyreid_stream.encoders import EncoderConfig
from keyreid_stream.errors import InputError, KeyReIDError
from keyreid_stream.interfaces import ClipHead, FrameEncoder
from keyreid_stream.models.build import build_skeleton
from keyreid_stream.models.keyreid import KeyReID
from keyreid_stream.models.load import LoadedModel
from keyreid_stream.structures import Clip

DTYPES: dict[Precision, torch.dtype] = {
    "float32": torch.float32,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
}

ON_TORCH: dict[str, tuple[Precision, ...]] = {"cpu": ("float32", "bfloat16")}
"""What PyTorch is measured in, by type of device: float16 on a CPU is slower than float32."""

PRODUCT_LENGTH = {"cpu": 2048}
"""Side of the matrices whose product is the ceiling; larger ones on a GPU, which small ones do not fill."""
LARGE_PRODUCT = 8192

MOST_IN_BATCH = 1024

FindAgain: TypeAlias = Callable[[FrameEncoder, ClipHead], float]
"""The share of people that both halves of a model find again in another camera: rank-1."""


@dataclass(frozen=True, slots=True, eq=False)
class _Way:
    """One backend in one precision, ready to run."""

    backend: str
    version: str
    precision: Precision
    encoder: FrameEncoder
    head: ClipHead
    minimum_cosine: float
    engine: str | None
    rank1: float | None = None
    memory_mb: Mapping[int, float | None] = field(default_factory=dict)


def bench_model(
    loaded: LoadedModel,
    device: torch.device,
    device_name: str,
    batches: Sequence[int],
    *,
    cache: EngineCache,
    rounds: int = 5,
    rank1: FindAgain | None = None,
    say: Say,
) -> EngineBench:
    """Measure both halves of a model on everything that runs on a device.

    All ways take turns, round by round, so that all meet the same machine.

    Args:
        loaded: the model, in float32 on the CPU.
        device: where.
        device_name: the same in words.
        batches: crops or clips in one call.
        cache: where engines are kept; those that are missing are built first.
        rounds: of every figure, besides one that is not counted.
        rank1: gives the share of people that are found again; asked once for every backend and precision.
        say: is told what is built.

    Raises:
        InputError: a batch or the rounds are out of range.
    """
    if not batches or not all(1 <= batch <= MOST_IN_BATCH for batch in batches):
        raise InputError(f"batches must be 1 to {MOST_IN_BATCH}, got {', '.join(map(str, batches)) or 'none'}")
    if rounds < 1:
        raise InputError(f"rounds must be at least 1, got {rounds}")
    ways, left_out = _ways(loaded, device, max(batches), cache, say)
    ways = [_weighed(way, loaded, device, batches, cache, rank1) for way in ways]
    exact = next((way.rank1 for way in ways if (way.backend, way.precision) == (TORCH, "float32")), None)
    precisions = list(dict.fromkeys(way.precision for way in ways))
    calls: list[Callable[[], object]] = [_product(device, DTYPES[precision]) for precision in precisions]
    cases = [(way, half, batch) for half in HALVES for batch in batches for way in ways]
    calls += [_call(way, half, batch) for way, half, batch in cases]
    seconds = _interleaved(calls, rounds)
    gflop = 2 * _product_length(device) ** 3 / 1e9
    ceilings = {precision: gflop / taken for precision, taken in zip(precisions, seconds, strict=False)}
    costs = {half: gflop_per_row(loaded.model, half) for half in HALVES}
    return EngineBench(
        model=loaded.card.name,
        weights_sha256=loaded.card.sha256,
        device=device_name,
        threads=torch.get_num_threads(),
        rounds=rounds,
        ceilings=ceilings,
        figures=[
            _figure(way, half, batch, taken, costs[half], ceilings[way.precision], exact)
            for (way, half, batch), taken in zip(cases, seconds[len(precisions) :], strict=True)
        ],
        left_out=left_out,
    )


def gflop_per_row(model: KeyReID, half: GraphKind) -> float:
    """Arithmetic of one crop, or of one clip of T crops whose tokens are there: additions and multiplications."""
    skeleton = build_skeleton(model.config)
    spec, frames, channels = model.crop_spec, model.config.frames, model.layout.global_dim
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        if half == "frame_encoder":
            skeleton.frame_encoder(torch.zeros(1, 3, spec.height, spec.width, dtype=torch.uint8, device="meta"))
        else:
            skeleton.clip_head(
                torch.zeros(1, frames, 1 + spec.patches, channels, device="meta"),
                torch.zeros(1, frames, channels, device="meta"),
                torch.zeros(1, frames, spec.parts, spec.patches, device="meta"),
            )
    return float(counter.get_total_flops()) / 1e9


def _ways(
    loaded: LoadedModel, device: torch.device, max_batch: int, cache: EngineCache, say: Say
) -> tuple[list[_Way], list[str]]:
    found = candidates(device, LOADERS)
    ways, left_out = [], [f"{one.name}: {one.fault}" for one in found if one.fault is not None]
    for candidate in available(found):
        for precision in _precisions(candidate, device):
            try:
                ways.append(_way(loaded, candidate, precision, device, max_batch, cache, say))
            except KeyReIDError as error:
                left_out.append(f"{candidate.name} in {precision}: {error}")
    if not ways:
        raise EngineError(f"nothing runs on {device}: {'; '.join(left_out)}")
    return ways, left_out


def _precisions(candidate: Candidate, device: torch.device) -> tuple[Precision, ...]:
    if candidate.backend is not None:
        return candidate.backend.precisions
    return ON_TORCH.get(device.type, ("bfloat16", "float16", "float32"))


def _way(
    loaded: LoadedModel,
    candidate: Candidate,
    precision: Precision,
    device: torch.device,
    max_batch: int,
    cache: EngineCache,
    say: Say,
) -> _Way:
    config = EncoderConfig.model_validate(
        {"backend": candidate.name, "precision": precision, "device": str(device), "batch_size": max_batch}
    )
    # PyTorch takes a model over and changes its type; the one that all are compared with stays as it is.
    own = replace(loaded, model=copy.deepcopy(loaded.model)) if candidate.name == TORCH else loaded
    encoder, head = EngineEncoders(say, cache)(own, config)
    check = check_engine(lambda _: (encoder, head), loaded.model, precision)
    card = getattr(encoder, "backend", None)
    engine = None if card is None else card.engine
    return _Way(candidate.name, candidate.version or "", precision, encoder, head, check.minimum_cosine, engine)


def _weighed(
    way: _Way,
    loaded: LoadedModel,
    device: torch.device,
    batches: Sequence[int],
    cache: EngineCache,
    rank1: FindAgain | None,
) -> _Way:
    """The same, with what is measured once: memory for every batch, and who is found."""
    request = MemoryRequest(
        config=loaded.model.config,
        backend=way.backend,
        precision=way.precision,
        device=str(device),
        engine=way.engine,
        folder=cache.folder,
        batch=1,
        threads=torch.get_num_threads(),
    )
    memory = {batch: peak_megabytes(request.model_copy(update={"batch": batch})) for batch in batches}
    return replace(way, memory_mb=memory, rank1=None if rank1 is None else rank1(way.encoder, way.head))


def _call(way: _Way, half: GraphKind, batch: int) -> Callable[[], object]:
    if half == "frame_encoder":
        crops = noise_crops(way.encoder.crop_spec, batch)
        return lambda: way.encoder.encode(crops)
    frames = way.head.frames_per_clip
    encodings = way.encoder.encode(noise_crops(way.encoder.crop_spec, frames))
    clips = [Clip(encodings.tokens, encodings.class_rows, encodings.part_weights)] * batch
    return lambda: way.head.embed(clips)


def _product_length(device: torch.device) -> int:
    return PRODUCT_LENGTH.get(device.type, LARGE_PRODUCT)


def _product(device: torch.device, dtype: torch.dtype) -> Callable[[], object]:
    """One large matrix product; one number of it comes to the host, so that it is really over."""
    length = _product_length(device)
    # Not zeros or ones: a GPU multiplies those faster, since they cost it less power.
    generator = torch.Generator().manual_seed(0)
    left, right = (torch.randn(length, length, generator=generator).to(device, dtype) for _ in range(2))
    return lambda: float((left @ right)[0, 0])


def _interleaved(calls: Sequence[Callable[[], object]], rounds: int) -> list[float]:
    """The median seconds of each; the first round is not counted."""
    taken: list[list[float]] = [[] for _ in calls]
    for _ in range(rounds + 1):
        for seconds, call in zip(taken, calls, strict=True):
            started = time.perf_counter()
            call()
            seconds.append(time.perf_counter() - started)
    return [statistics.median(seconds[1:]) for seconds in taken]


def _figure(
    way: _Way, half: GraphKind, batch: int, seconds: float, gflop: float, ceiling: float, exact: float | None
) -> Figure:
    rate = batch / seconds
    return Figure(
        backend=way.backend,
        version=way.version,
        precision=way.precision,
        half=half,
        batch=batch,
        milliseconds=1000 * seconds,
        rows_per_s=rate,
        gflop_per_s=rate * gflop,
        ceiling_share=rate * gflop / ceiling,
        memory_mb=way.memory_mb[batch],
        minimum_cosine=way.minimum_cosine,
        rank1_change=None if way.rank1 is None or exact is None else way.rank1 - exact,
    )
