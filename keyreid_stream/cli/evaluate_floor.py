"""`keyreid eval track --floor`: tracks on the floor, all cameras at once."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import typer

from keyreid_stream.errors import InputError
from keyreid_stream.evaluation.floor import FloorPoints, FloorTruth, floor_points, score_floor
from keyreid_stream.evaluation.floor_files import GRIDS, read_floor_table, read_grid_floor, read_world_floor
from keyreid_stream.evaluation.made_by import made_by
from keyreid_stream.evaluation.mot_files import read_results, result_files
from keyreid_stream.evaluation.scores import TrackingScores
from keyreid_stream.evaluation.scores_file import floor_scores_text, write_scores
from keyreid_stream.geometry.calibrations import read_calibrations


def evaluate_floor(
    results: Path,
    truth: Path,
    *,
    calibration: Path | None,
    benchmark: str | None,
    min_visibility: float,
    radius_m: float,
    json: Path | None,
) -> TrackingScores:
    """Score places on the floor, and write the scores where that is asked for."""
    if not 0 <= min_visibility <= 1:
        raise InputError(f"min_visibility is {min_visibility}; give a share from 0 to 1")
    found, true = _results(results, calibration), _truth(truth, benchmark, min_visibility)
    scores = score_floor(true, found, radius_m=radius_m)
    if results.is_file() and truth.is_file():
        _tell_of_another_count(found, true)
    if json is not None:
        text = floor_scores_text(
            scores,
            results=results,
            truth=truth,
            calibration=calibration,
            benchmark=benchmark,
            min_visibility=min_visibility,
            radius_m=radius_m,
            command=shlex.join(["keyreid", *sys.argv[1:]]),
            run=made_by(results),
        )
        write_scores(json, text)
    return scores


def _tell_of_another_count(found: FloorPoints, true: FloorTruth) -> None:
    """Tables tell no length: that one counts from 1 and the other from 0 can be guessed alone, and must be said."""
    ends = [(int(table.frames.min()), int(table.frames.max())) for table in (found, true.points) if len(table)]
    if len(ends) == 2 and ends[0][0] - ends[1][0] == ends[0][1] - ends[1][1] in (-1, 1):
        typer.echo(
            f"results are of frames {ends[0][0]} to {ends[0][1]} and the truth of {ends[1][0]} to {ends[1][1]}: "
            "is one of them counted from 1? Both count from 0",
            err=True,
        )


def _results(results: Path, calibration: Path | None) -> FloorPoints:
    if not results.is_dir():
        if calibration is not None:
            raise InputError(
                f"--calibration puts MOT files on the floor, and {results} is no folder of them; leave it out"
            )
        return read_floor_table(results)
    if calibration is None:
        raise InputError(f"{results} has boxes in pictures; give --calibration, or a CSV of places on the floor")
    tracks = {name: read_results(path) for name, path in result_files(results).items()}
    return floor_points(tracks, read_calibrations(calibration))


def _truth(truth: Path, benchmark: str | None, min_visibility: float) -> FloorTruth:
    if benchmark is not None:
        if benchmark.lower() not in GRIDS:
            raise InputError(
                f"benchmark {benchmark!r} has no floor; give {', '.join(GRIDS)}, or none for truth of your own"
            )
        return read_grid_floor(truth, GRIDS[benchmark.lower()])
    if truth.is_dir():
        return read_world_floor(truth, min_visibility)
    return FloorTruth.all_counted(read_floor_table(truth))
