"""`make bench`: every speed figure of the project in one run, with the hardware named.

`python -m tests.bench association index` measures those parts alone; `--pictures FOLDER` draws what is better seen.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table

from keyreid_train.hardware import processor_name
from tests.bench import (
    association_bench,
    engine_bench,
    index_bench,
    live_view_bench,
    model_bench,
    pipeline_bench,
    reid_bench,
    training_bench,
    world_bench,
)
from tests.bench.model_bench import BenchRow

PARTS: dict[str, Callable[[], list[BenchRow]]] = {
    "model": model_bench.run,
    "engine": engine_bench.run,
    "training": training_bench.run,
    "world": world_bench.run,
    "association": association_bench.run,
    "index": index_bench.run,
    "reid": reid_bench.run,
    "pipeline": pipeline_bench.run,
    "live_view": live_view_bench.run,
}
"""What is measured, in this order."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and fail where a figure misses what it must be."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Speed figures, side by side.")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)}; all of them if none is named")
    parser.add_argument("--pictures", type=Path, help="a folder for pictures of the figures that are better seen")
    given = parser.parse_args(arguments)
    unknown = sorted(set(given.parts) - set(PARTS))
    if unknown:
        parser.error(f"unknown part {unknown[0]!r}; choose from {', '.join(PARTS)}")
    rows: list[BenchRow] = []
    for name, run in PARTS.items():
        if given.parts and name not in given.parts:
            continue
        try:
            rows += run()
        except FileNotFoundError as missing:
            print(f"{name} not measured: {missing}", file=sys.stderr)  # noqa: T201
    if given.pictures is not None and any(row.name.startswith("association") for row in rows):
        given.pictures.mkdir(parents=True, exist_ok=True)
        association_bench.plot(rows, given.pictures / "association-cost.png")
    Console(width=120).print(table(rows))
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
