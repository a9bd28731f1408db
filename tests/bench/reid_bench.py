"""What scoring a re-ID test of MARS's size costs: 1,980 queries in 9,330 entries of 19,200 numbers."""

from __future__ import annotations

import subprocess
import sys
import time

import numpy as np

from keyreid_stream.evaluation.reid import Entries, search
from tests.bench.model_bench import BenchRow

QUERIES, GALLERY, NUMBERS, PEOPLE = 1980, 9330, 19_200, 626
MAX_SECONDS, MAX_GB = 60.0, 4.0


def run() -> list[BenchRow]:
    """Seconds and peak memory of a whole search, in a process of its own."""
    command = [sys.executable, "-m", "tests.bench.reid_bench"]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    seconds, gigabytes = (float(word) for word in printed.split())
    size = f"{QUERIES} × {GALLERY} × {NUMBERS}"
    return [
        BenchRow(f"re-ID scores, {size}", seconds, "s", f"below {MAX_SECONDS:.0f}", seconds < MAX_SECONDS),
        BenchRow("the same, peak memory", gigabytes, "GB", f"below {MAX_GB:.0f}", gigabytes < MAX_GB),
    ]


def _measure(queries: int, gallery: int) -> tuple[float, float]:
    import resource

    generator = np.random.default_rng(0)
    vectors = generator.standard_normal((queries + gallery, NUMBERS), np.float32)
    people, cameras = generator.integers(1, PEOPLE + 1, len(vectors)), generator.integers(0, 6, len(vectors))
    everyone = Entries.of(vectors, people, cameras)
    start = time.perf_counter()
    search(everyone.select(np.arange(queries)), everyone.select(np.arange(queries, len(vectors))))
    seconds = time.perf_counter() - start
    scale = 1 if sys.platform == "darwin" else 1024
    return seconds, scale * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e9


if __name__ == "__main__":
    sizes = [int(word) for word in sys.argv[1:]] or [QUERIES, GALLERY]
    print(*_measure(*sizes))  # noqa: T201
