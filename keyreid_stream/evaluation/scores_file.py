"""The scores of a run as JSON, for machines."""

from __future__ import annotations

import json
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

from keyreid_stream.errors import InputError
from keyreid_stream.evaluation.scores import RunScores

SCHEMA = "keyreid.scores/1"


def scores_text(scores: RunScores, *, results: Path, truth: Path, min_visibility: float) -> str:
    """The scores and what they are of, as the text of a file of schema `keyreid.scores/1`.

    Args:
        scores: what `score_run` gave.
        results: the folder that was scored.
        truth: the folder that it was scored against.
        min_visibility: what `score_run` was given.
    """
    content = {
        "schema": SCHEMA,
        "versions": {package: version(package) for package in ("keyreid-stream", "trackeval")},
        "results": str(results),
        "truth": str(truth),
        "min_visibility": min_visibility,
        "cameras": {name: asdict(camera) for name, camera in scores.cameras.items()},
        "together": asdict(scores.together),
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
