"""A run's folder held against the truth: scores, the clock, and who was said to be where."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keyreid_stream.errors import InputError
from keyreid_stream.evaluation import MIN_VISIBILITY, RunScores, TruthBoxes, score_run
from keyreid_stream.evaluation.clock import CLOCK_MARKS_S, ClockScores, clock
from keyreid_stream.evaluation.mot_files import read_truth, truth_files
from keyreid_stream.evaluation.said import SaidBoxes
from keyreid_stream.run_folder import SCHEMA
from keyreid_stream.run_said import said_in_run


@dataclass(frozen=True, slots=True, eq=False)
class JudgedRun:
    """A run with what the truth says of it.

    Attributes:
        folder: the run's.
        run: the content of its `run.json`.
        truth: what is true, by camera.
        said: what was said, by camera.
        fps: frames per second of each camera.
        scores: how right the run was.
        clock: how soon.
    """

    folder: Path
    run: Mapping[str, Any]
    truth: Mapping[str, TruthBoxes]
    said: Mapping[str, SaidBoxes]
    fps: Mapping[str, float]
    scores: RunScores
    clock: ClockScores


def judge_run(
    folder: Path,
    truth: Path,
    *,
    min_visibility: float = MIN_VISIBILITY,
    marks_s: tuple[float, ...] = CLOCK_MARKS_S,
) -> JudgedRun:
    """Judge a run that is over.

    Args:
        folder: the run's.
        truth: a folder with `<camera>/gt/gt.txt` or `<camera>.txt` for each of its cameras.
        min_visibility: as `score_run` takes it.
        marks_s: when to read the clock.

    Raises:
        InputError: the folder holds no run that is over, the truth is none of it, or a file is damaged.
    """
    run = read_run(folder)
    scores = score_run(folder / "tracks", truth, min_visibility=min_visibility)
    true = {name: read_truth(path, min_visibility) for name, path in truth_files(truth).items()}
    fps = {name: float(camera["fps"]) for name, camera in run["cameras"].items()}
    if unknown := sorted(set(true) - set(fps)):
        raise InputError(
            f"{truth} has the truth of {', '.join(unknown)}, which the run in {folder} had no camera for; "
            "give the truth of its cameras alone"
        )
    said = said_in_run(folder, fps)
    return JudgedRun(folder, run, true, said, fps, scores, clock(true, said, fps, marks_s))


def read_run(folder: Path) -> dict[str, Any]:
    """The `run.json` of a run that is over.

    Raises:
        InputError: there is none, it is damaged, or the run is not over.
    """
    path = folder / "run.json"
    try:
        run = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); give the folder of a run") from None
    except ValueError:
        run = None
    if not isinstance(run, dict) or run.get("schema") != SCHEMA:
        raise InputError(f"{path} is damaged or not {SCHEMA}; give the folder of a run")
    if run.get("status") not in ("finished", "interrupted"):
        raise InputError(f"the run in {folder} is {run.get('status')!r}; give one that is finished or interrupted")
    return run
