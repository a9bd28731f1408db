"""`make bench`: every speed figure of the project in one run, with the hardware named."""

from __future__ import annotations

import sys

import torch
from rich.console import Console
from rich.table import Table

from keyreid_train.hardware import processor_name
from tests.bench import (
    association_bench,
    index_bench,
    model_bench,
    pipeline_bench,
    reid_bench,
    training_bench,
    world_bench,
)
from tests.bench.model_bench import BenchRow


def main() -> int:
    """Measure, print, and fail where a figure misses what it must be."""
    rows = [*model_bench.run(), *training_bench.run(), *world_bench.run(), *association_bench.run(), *index_bench.run()]
    rows += reid_bench.run()
    try:
        rows += pipeline_bench.run()
    except FileNotFoundError as missing:
        print(f"stages not measured: {missing}", file=sys.stderr)  # noqa: T201
    Console(width=100).print(table(rows))
    return 0 if all(row.met for row in rows) else 1


def table(rows: list[BenchRow]) -> Table:
    """All figures under a title that names the machine."""
    figures = Table(title=f"{processor_name()}, {torch.get_num_threads()} threads, torch {torch.__version__}")
    figures.add_column("figure")
    figures.add_column("value", justify="right")
    figures.add_column("unit")
    figures.add_column("must be")
    for row in rows:
        verdict = f"{row.needed} {'(met)' if row.met else '(MISSED)'}" if row.needed else ""
        figures.add_row(row.name, f"{row.value:.2f}", row.unit, verdict)
    return figures


if __name__ == "__main__":
    sys.exit(main())
