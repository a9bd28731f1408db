"""What `keyreid engine bench` needs beside the measurement: its sizes, its table, and who is found again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from keyreid_stream.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from keyreid_engines.bench_report import EngineBench
    from keyreid_stream.interfaces import ClipHead, FrameEncoder

SHORT = {"float32": "f32", "bfloat16": "bf16", "float16": "f16", "int8": "int8"}


def batch_sizes(text: str) -> list[int]:
    """Numbers such as 1,8,32.

    Raises:
        InputError: they are none.
    """
    try:
        return [int(word) for word in text.split(",")]
    except ValueError:
        raise InputError(f"--batches takes numbers such as 1,8,32, got {text!r}") from None


def bench_table(bench: EngineBench) -> Table:
    """A row for every half, batch, backend and precision; narrow enough for a terminal of 80 columns."""
    title = f"{bench.model} on {bench.device}, medians of {bench.rounds}"
    table = Table(title=Text(title), box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for column in ("batch", "backend"):
        table.add_column(column, no_wrap=True)
    for column in ("ms", "per s", "GFLOP/s", "share", "MB", "cosine", "rank-1"):
        table.add_column(column, justify="right", no_wrap=True)
    for one in bench.figures:
        rows = f"{one.batch} {'crops' if one.half == 'frame_encoder' else 'clips'}"
        table.add_row(
            *(rows, f"{one.backend} {SHORT[one.precision]}", f"{one.milliseconds:,.1f}", f"{one.rows_per_s:,.1f}"),
            *(f"{one.gflop_per_s:,.0f}", f"{one.ceiling_share:.0%}"),
            *("-" if one.memory_mb is None else f"{one.memory_mb:,.0f}", f"{one.minimum_cosine:.5f}"),
            "-" if one.rank1_change is None else f"{100 * one.rank1_change:+.1f}",
        )
    return table


def rank1_of(
    model: str | None, weights: str | None, data: list[str], keypoints: Path | None
) -> Callable[[FrameEncoder, ClipHead], float]:
    """The share of CUHK03's validation people that are found at once, by clips and visible parts.

    Raises:
        InputError: the network is untrained, or the data are not there.
    """
    from keyreid_stream.cli.train_data import data_folders
    from keyreid_stream.evaluation.reid import Similarity
    from keyreid_stream.models.load import DEFAULT_WEIGHTS
    from keyreid_train.embedders.stages import StagesEmbedder
    from keyreid_train.embedders.tracklets import ClipPlan
    from keyreid_train.reid_evaluation import EvaluationOptions, evaluate
    from keyreid_train.searches import load_searches

    if model is not None:
        raise InputError("--data is for trained weights: an untrained network finds nobody; leave one of them out")
    searches = load_searches("cuhk03-val", *data_folders(data), keypoints)

    def rank1(encoder: FrameEncoder, head: ClipHead) -> float:
        embedder = StagesEmbedder(weights or DEFAULT_WEIGHTS, lambda _: (encoder, head), "a backend")
        options = EvaluationOptions(ClipPlan("dense", embedder.frames), (Similarity("visible"),))
        return float(evaluate(embedder, searches, options).rows[0].figures.rank1)

    return rank1
