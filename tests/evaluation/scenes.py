"""Small truths and results, made by hand or at random, for the tests of the evaluation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from keyreid_stream.evaluation import ResultBoxes, TruthBoxes

Box = tuple[float, float, float, float]
Row = tuple[int, int, Box]
"""Frame, id, box as x1, y1, x2, y2."""

HERE: Box = (10.0, 10.0, 30.0, 60.0)
THERE: Box = (200.0, 10.0, 220.0, 60.0)


def track(id_: int, frames: Iterable[int], box: Box = HERE) -> list[Row]:
    """Someone who stands still."""
    return [(frame, id_, box) for frame in frames]


def columns(rows: list[Row]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    frames = np.array([frame for frame, _, _ in rows], np.int64)
    ids = np.array([id_ for _, id_, _ in rows], np.int64)
    return frames, ids, np.array([box for _, _, box in rows], np.float64).reshape(-1, 4)


def truth_of(cameras: Mapping[str, list[Row]]) -> dict[str, TruthBoxes]:
    return {name: TruthBoxes.all_counted(*columns(rows)) for name, rows in cameras.items()}


def results_of(cameras: Mapping[str, list[Row]]) -> dict[str, ResultBoxes]:
    return {name: ResultBoxes(*columns(rows)) for name, rows in cameras.items()}


def wanderers(rng: np.random.Generator, people: int = 5, frames: int = 25) -> list[Row]:
    """People of random sizes who walk straight on, often across each other, some coming late and leaving early."""
    rows: list[Row] = []
    for id_ in rng.permutation(40)[:people].tolist():
        at, speed, size = rng.uniform(0, 120, 2), rng.uniform(-3, 3, 2), rng.uniform(25, 60, 2)
        first, last = np.sort(rng.integers(0, frames, 2))
        for frame in range(first, last + 1):
            x, y = at + speed * frame
            rows.append((frame + 1, id_, (float(x), float(y), float(x + size[0]), float(y + size[1]))))
    return rows


def badly_tracked(rng: np.random.Generator, truth: list[Row]) -> list[Row]:
    """Results with every kind of error: shaken boxes, misses, ghosts, ids that change and ids that two people share."""
    rows: list[Row] = []
    taken: set[tuple[int, int]] = set()
    for frame, id_, box in truth:
        if rng.random() < 0.15:
            continue
        found = id_ // 2 if rng.random() < 0.3 else id_ + 50 * int(frame > 12)
        if (frame, found) not in taken:
            taken.add((frame, found))
            x1, y1, x2, y2 = np.array(box) + rng.normal(0, 4, 4)
            rows.append((frame, found, (float(x1), float(y1), float(max(x1, x2)), float(max(y1, y2)))))
    ghosts = rng.integers(1, 28, 6)
    rows += [(int(frame), 900 + number, (5.0, 5.0, 45.0, 50.0)) for number, frame in enumerate(ghosts)]
    return [rows[place] for place in rng.permutation(len(rows))]


def write_results(path: Path, rows: list[Row]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{_start(row)},0.9,-1,-1,-1\n" for row in rows))


def write_truth(path: Path, rows: list[Row], marks: list[tuple[int, int, float]] | None = None) -> None:
    """`marks` are considered, class and visibility of each row; without them everyone counts."""
    path.parent.mkdir(parents=True, exist_ok=True)
    marks = marks or [(1, 1, 1.0)] * len(rows)
    lines = (f"{_start(row)},{flag},{kind},{seen}\n" for row, (flag, kind, seen) in zip(rows, marks, strict=True))
    path.write_text("".join(lines))


def _start(row: Row) -> str:
    frame, id_, (x1, y1, x2, y2) = row
    # repr, so that what is read back is the same number
    return f"{frame},{id_},{x1!r},{y1!r},{x2 - x1!r},{y2 - y1!r}"
