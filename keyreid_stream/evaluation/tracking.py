"""Scores of tracks, from files or from arrays."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from keyreid_stream.errors import InputError
from keyreid_stream.evaluation.benchmarks import Benchmark
from keyreid_stream.evaluation.boxes import ResultBoxes, TruthBoxes
from keyreid_stream.evaluation.comparison import compare
from keyreid_stream.evaluation.mot_files import (
    ALIKE,
    read_results,
    read_truth,
    result_files,
    sequence_length,
    truth_files,
)
from keyreid_stream.evaluation.scores import RunScores
from keyreid_stream.evaluation.trackeval_metrics import score_comparisons

MIN_VISIBILITY = 0.1
"""People of whom less can be seen are ignored unless told otherwise: no camera can be asked to find them."""


def score_run(
    results: Path,
    truth: Path,
    *,
    min_visibility: float = MIN_VISIBILITY,
    benchmark: Benchmark | None = None,
    sequences: Collection[str] | None = None,
) -> RunScores:
    """Score the tracks of a run against the truth, each camera alone and all together.

    A camera without results has found nobody. Ids are people across all cameras, in the truth as in the results; in a
    benchmark's sequences an id is somebody else in each.

    Args:
        results: a folder with a MOTChallenge file `<camera>.txt` for each camera, such as a run's `tracks`.
        truth: a folder with `<camera>/gt/gt.txt` or `<camera>.txt` for each camera, such as a rendered world's `mot`.
        min_visibility: truth of which less can be seen is ignored, from 0 (all of it counts, as in every benchmark)
            to 1.
        benchmark: whose rule to follow; None for cameras of one site.
        sequences: the cameras that are meant, results of others are passed over; None for all.

    Raises:
        InputError: a folder or file is missing or damaged, results are of a camera or frame that the truth knows
            nothing of, a row of the truth is after its sequence's end, nobody in the truth counts, there are results
            of none of `sequences`, or `min_visibility` is not within 0 to 1.
    """
    if not 0 <= min_visibility <= 1:
        raise InputError(f"min_visibility is {min_visibility}; give a share from 0 to 1")
    truth_paths, result_paths = truth_files(truth, sequences), result_files(results)
    if sequences is not None:
        result_paths = {name: path for name, path in result_paths.items() if name in sequences}
        if not result_paths:
            raise InputError(f"{results} has results of none of {', '.join(sorted(sequences))}; name files after them")
    if unknown := sorted(set(result_paths) - set(truth_paths)):
        raise InputError(
            f"{results} has results of {', '.join(unknown)}, of which {truth} has no truth (only of "
            f"{', '.join(sorted(truth_paths))}); name cameras alike or take these files away"
        )
    ignored = benchmark.ignored_classes if benchmark else ALIKE
    lengths = {name: sequence_length(path) for name, path in truth_paths.items()}
    true = {
        name: read_truth(path, min_visibility, ignored_classes=ignored, last_frame=lengths[name])
        for name, path in truth_paths.items()
    }
    if not any(camera.counted.any() for camera in true.values()):
        raise InputError(f"nobody in the truth of {truth} is to be found; give truth with people in it")
    found = {name: read_results(path, lengths[name]) for name, path in result_paths.items()}
    return score_cameras(true, found, shared_ids=benchmark is None)


def score_cameras(
    truth: Mapping[str, TruthBoxes], results: Mapping[str, ResultBoxes], *, shared_ids: bool = True
) -> RunScores:
    """Score results against truth, each camera alone and all together.

    Args:
        truth: what is true, by camera.
        results: what was found, by camera; a camera that is not there has found nobody.
        shared_ids: an id is the same person in all cameras; else somebody else in each.

    Raises:
        InputError: no camera is given, results are of a camera without truth, or there are too many ids to compare.
    """
    if not truth:
        raise InputError("no camera is given; give the truth of at least one")
    if unknown := sorted(set(results) - set(truth)):
        raise InputError(f"there are results of {', '.join(unknown)} but no truth; give the truth of these cameras too")
    nothing = ResultBoxes.empty()
    compared = {name: compare(boxes, results.get(name, nothing)) for name, boxes in truth.items()}
    return score_comparisons(compared, shared_ids=shared_ids)
