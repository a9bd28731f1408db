"""What a measurement of backends found, as JSON keeps it."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from keyreid_engines.graphs import GraphKind, Precision


class Figure(BaseModel):
    """One half of a model on one backend, in one precision and batch.

    Attributes:
        backend, version, precision: what ran.
        half: `frame_encoder`, whose rows are crops, or `clip_head`, whose rows are clips of T crops.
        batch: rows in one call.
        milliseconds: of a call, the median.
        rows_per_s: crops or clips.
        gflop_per_s: arithmetic that was done.
        ceiling_share: of the rate of one large matrix product in the same run and precision; PyTorch's product, so a
            library that multiplies faster may come out above 1.
        memory_mb: both halves with this batch take beyond Python and its libraries, of the GPU on a GPU; None where it
            is not known.
        rank1_change: of the share of people that are found again, to float32 on PyTorch; None where it was not asked.
        minimum_cosine: the least cosine to float32 on PyTorch of tokens, appearance and every embedding part.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    backend: str
    version: str
    precision: Precision
    half: GraphKind
    batch: int
    milliseconds: float
    rows_per_s: float
    gflop_per_s: float
    ceiling_share: float
    memory_mb: float | None
    minimum_cosine: float
    rank1_change: float | None


class EngineBench(BaseModel):
    """What `keyreid engine bench` measured.

    Attributes:
        model, weights_sha256: what was measured.
        device: where.
        threads: of the processor in one call.
        rounds: of every figure.
        ceilings: GFLOP/s of one large matrix product, by precision.
        figures: all of them.
        left_out: why a backend was not measured, or not in a precision.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    weights_sha256: str
    device: str
    threads: int
    rounds: int
    ceilings: dict[Precision, float]
    figures: list[Figure]
    left_out: list[str]
