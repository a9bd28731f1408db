"""The scores of a run as JSON, for machines."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from keyreid_stream.errors import InputError
from keyreid_stream.evaluation.scores import RunScores, TrackingScores

SCHEMA = "keyreid.scores/1"
FLOOR_SCHEMA = "keyreid.floor_scores/1"


def scores_text(
    scores: RunScores,
    *,
    results: Path,
    truth: Path,
    min_visibility: float,
    benchmark: str | None = None,
    seqmap: Path | None = None,
    command: str | None = None,
    run: Mapping[str, Any] | None = None,
) -> str:
    """The scores and what they are of, as the text of a file of schema `keyreid.scores/1`.

    Args:
        scores: what `score_run` gave.
        results: the folder that was scored.
        truth: the folder that it was scored against.
        min_visibility: what `score_run` was given.
        benchmark: the name of the benchmark whose rule was followed.
        seqmap: the file that told which sequences are meant.
        command: that scored.
        run: what the run that made the results tells of its weights; None where they are not of a run of ours.
    """
    content = {
        "schema": SCHEMA,
        "versions": {package: version(package) for package in ("keyreid-stream", "trackeval")},
        "results": str(results),
        "truth": str(truth),
        "min_visibility": min_visibility,
        "benchmark": benchmark,
        "seqmap": None if seqmap is None else str(seqmap),
        "command": command,
        "run": run,
        "cameras": {name: asdict(camera) for name, camera in scores.cameras.items()},
        "together": asdict(scores.together),
    }
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def floor_scores_text(
    scores: TrackingScores,
    *,
    results: Path,
    truth: Path,
    calibration: Path | None,
    benchmark: str | None,
    min_visibility: float,
    radius_m: float,
    command: str | None = None,
    run: Mapping[str, Any] | None = None,
) -> str:
    """Scores on the floor and what they are of, as the text of a file of schema `keyreid.floor_scores/1`.

    Args:
        scores: what `score_floor` gave.
        results: the table or folder that was scored.
        truth: the table or folder that it was scored against.
        calibration: with which tracks in pictures were put on the floor.
        benchmark: the data set whose grid the truth is on.
        min_visibility: of people in a world's truth.
        radius_m: what `score_floor` was given.
        command: that scored.
        run: as for `scores_text`.
    """
    content = {
        "schema": FLOOR_SCHEMA,
        "versions": {package: version(package) for package in ("keyreid-stream", "trackeval")},
        "results": str(results),
        "truth": str(truth),
        "calibration": None if calibration is None else str(calibration),
        "benchmark": benchmark,
        "min_visibility": min_visibility,
        "radius_m": radius_m,
        "command": command,
        "run": run,
        "floor": asdict(scores),
    }
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def write_scores(path: Path, text: str) -> None:
    """Write the text whole or not at all; folders are made as needed, an older file is replaced.

    Raises:
        InputError: it cannot be written there.
    """
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(text, encoding="utf-8", newline="\n")
        part.replace(path)
    except OSError as error:
        raise InputError(f"{path} cannot be written ({error.strerror}); give a file in a folder of yours") from error
