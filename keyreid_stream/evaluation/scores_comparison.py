"""Tracking scores side by side, with intervals of their differences."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from keyreid_stream.errors import InputError
from keyreid_stream.evaluation.intervals import LEVEL, RESAMPLES, Interval
from keyreid_stream.evaluation.scores_file import SCHEMA

SHARES = ("hota", "deta", "assa", "idf1", "mota")

COMPARISON_SCHEMA = "keyreid.scores-comparison/1"


@dataclass(frozen=True, slots=True, eq=False)
class ScoredRun:
    """What a `--json` file of `keyreid eval track` tells.

    Attributes:
        file: where it was read.
        content: all of it.
    """

    file: Path
    content: dict[str, Any]

    @property
    def together(self) -> dict[str, float]:
        """The shares of all cameras under one identity mapping."""
        return {name: float(self.content["together"][name]) for name in SHARES}

    @property
    def cameras(self) -> dict[str, dict[str, float]]:
        """The shares of each camera in which there is anybody to be found."""
        scores = self.content["cameras"]
        return {name: {share: float(one[share]) for share in SHARES} for name, one in scores.items() if _people(one)[0]}


@dataclass(frozen=True, slots=True)
class ComparedRun:
    """One run beside the first.

    Attributes:
        means: of each share, over the cameras with anybody in them.
        differences: how much larger the means are than the first one's; empty for the first itself. The interval is
            NaN at both ends where there is one camera alone.
    """

    means: dict[str, float]
    differences: dict[str, Interval]


def is_scored_run(path: Path) -> bool:
    """Whether a file holds tracking scores: whatever else it is, or whether it is there, others tell."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(content, dict) and content.get("schema") == SCHEMA


def read_scored_run(path: Path) -> ScoredRun:
    """Tracking scores that were written before.

    Raises:
        InputError: the file is missing, damaged, or something else.
    """
    if not is_scored_run(path):
        raise InputError(f"{path} is no --json file of keyreid eval track; compare files of one kind")
    run = ScoredRun(path, json.loads(path.read_text(encoding="utf-8")))
    try:
        shares = [run.together, *run.cameras.values()]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"{path} is damaged ({type(error).__name__}: {error}); score again") from error
    if not len(shares) > 1 or not all(np.isfinite(value) and value <= 1 for one in shares for value in one.values()):
        raise InputError(f"{path} is damaged (shares that are none, or no camera); score again")
    return run


def compare_runs(runs: Sequence[ScoredRun], *, resamples: int = RESAMPLES, seed: int = 0) -> list[ComparedRun]:
    """Put runs on the same truth side by side.

    Cameras (or sequences) are drawn anew with replacement, the same ones for both sides (a paired bootstrap): the
    interval says how far the difference of the means hangs on which cameras there happened to be.

    Args:
        runs: at least two.
        resamples: how many.
        seed: of the draws.

    Raises:
        InputError: there are fewer, or they were scored against other truth or by another rule.
    """
    if len(runs) < 2:
        raise InputError("a comparison needs at least two runs; give several --json files of keyreid eval track")
    for run in runs[1:]:
        _check_same(runs[0], run)
    drawn = np.random.default_rng(seed).integers(0, len(runs[0].cameras), (resamples, len(runs[0].cameras)))
    compared = [ComparedRun(_means(runs[0]), {})]
    for run in runs[1:]:
        differences = {
            share: _interval([run.cameras[name][share] - one[share] for name, one in runs[0].cameras.items()], drawn)
            for share in SHARES
        }
        compared.append(ComparedRun(_means(run), differences))
    return compared


def scores_comparison_text(compared: Sequence[ComparedRun], runs: Sequence[ScoredRun], *, seed: int) -> str:
    """The comparison as the text of a file of schema `keyreid.scores-comparison/1`.

    Args:
        compared: what `compare_runs` gave.
        runs: what it was given.
        seed: of the resamples.
    """
    entries = [
        {
            "file": str(run.file),
            **{key: run.content.get(key) for key in ("results", "truth", "command", "run")},
            "together": run.together,
            "means": one.means,
            "differences": {share: _written(interval) for share, interval in one.differences.items()},
        }
        for one, run in zip(compared, runs, strict=True)
    ]
    content = {
        "schema": COMPARISON_SCHEMA,
        "cameras": list(runs[0].cameras),
        **{key: runs[0].content.get(key) for key in ("min_visibility", "benchmark")},
        "level": LEVEL,
        "resamples": RESAMPLES,
        "seed": seed,
        "runs": entries,
    }
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def _written(interval: Interval) -> dict[str, float | None]:
    return {name: value if np.isfinite(value) else None for name, value in asdict(interval).items()}


def _people(scores: dict[str, Any]) -> tuple[int, int]:
    return int(scores["truth_boxes"]), int(scores["truth_ids"])


def _means(run: ScoredRun) -> dict[str, float]:
    return {share: float(np.mean([one[share] for one in run.cameras.values()])) for share in SHARES}


def _interval(differences: Sequence[float], drawn: np.ndarray) -> Interval:
    values = np.array(differences)
    if len(values) == 1:
        return Interval(float(values[0]), float("nan"), float("nan"))
    low, high = np.quantile(values[drawn].mean(axis=1), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(values.mean()), float(low), float(high))


def _check_same(first: ScoredRun, other: ScoredRun) -> None:
    for key in ("min_visibility", "benchmark"):
        one, two = first.content.get(key), other.content.get(key)
        if one != two:
            raise InputError(
                f"{first.file} has {key} {one!r} and {other.file} has {two!r}: such scores are not comparable; score "
                "both in the same way"
            )
    truth = [{name: _people(one) for name, one in run.content["cameras"].items()} for run in (first, other)]
    if truth[0] != truth[1]:
        raise InputError(
            f"{other.file} was scored against other truth than {first.file}, or other cameras; score both on the same"
        )
