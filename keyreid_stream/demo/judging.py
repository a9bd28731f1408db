"""A run's folder held against the truth in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from keyreid_stream.errors import InputError
from keyreid_stream.evaluation import MIN_VISIBILITY, RunScores, score_run
from keyreid_stream.evaluation.mot_files import read_results, read_truth, result_files, truth_files
from keyreid_stream.evaluation.scores_file import scores_text, write_scores
from keyreid_stream.report import person_in, true_people
from keyreid_stream.sinks import BestCrop

TRUTH = "truth"
SCORES = "scores.json"


@dataclass(frozen=True, slots=True, eq=False)
class Judgement:
    """What the truth says of a run; see `report.DemoRecord`."""

    scores: RunScores | None = None
    why_no_scores: str | None = None
    true_people: Mapping[int, Counter[int]] = field(default_factory=dict)
    people_in_crops: Mapping[int, Mapping[str, int | None]] = field(default_factory=dict)


def judge(folder: Path, crops: Mapping[int, Mapping[str, BestCrop]]) -> Judgement:
    """Score the tracks in a run's folder against the truth beside them, into `scores.json`.

    In a short or empty world nobody may be there to be found: then there are no scores, but a reason.

    Args:
        folder: of the run, with `tracks` and `truth` in it.
        crops: what `BestCropsSink.by_identity` gives.
    """
    results, truth = folder / "tracks", folder / TRUTH
    try:
        scores = score_run(results, truth)
    except InputError as error:
        return Judgement(why_no_scores=str(error))
    write_scores(folder / SCORES, scores_text(scores, results=results, truth=truth, min_visibility=MIN_VISIBILITY))
    true = {name: read_truth(path, MIN_VISIBILITY) for name, path in truth_files(truth).items()}
    found = {name: read_results(path) for name, path in result_files(results).items()}
    in_crops = {
        identity_id: {camera_id: person_in(crop, true[camera_id]) for camera_id, crop in by_camera.items()}
        for identity_id, by_camera in crops.items()
    }
    return Judgement(scores, None, true_people(true, found), in_crops)
