"""The rungs of the ladder: the same run with more and more of it taken from the truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from keyreid_stream.evaluation import RunScores, TrackingScores
from keyreid_stream.oracle import OracleName

SHARES = ("hota", "deta", "assa", "idf1", "mota")
COUNTS = ("idsw",)
FIGURES = (*SHARES, *COUNTS)
"""What a rung is judged by, as `TrackingScores` names it."""


@dataclass(frozen=True, slots=True)
class Rung:
    """One run of the ladder.

    Attributes:
        name: of its folder.
        words: what it is called in tables.
        oracle: what it takes from the truth.
        stage: the stage that the step from the rung below takes out of the run; empty for the lowest.
    """

    name: str
    words: str
    oracle: tuple[OracleName, ...]
    stage: str


RUNGS = (
    Rung("0-measured", "all measured", (), ""),
    Rung("1-detections", "+ true detections", ("detections",), "detector"),
    Rung("2-tracks", "+ true tracks", ("detections", "tracks"), "tracker"),
    Rung("3-identities", "+ true identities", ("detections", "tracks", "identities"), "association"),
)
"""From the lowest up. Keypoints are the detector's on every rung: they only weigh body parts."""


@dataclass(frozen=True, slots=True)
class Figures:
    """A rung's figures, by the names in `FIGURES`; shares from 0 to 1.

    Attributes:
        mean: over the cameras in which somebody is to be found, each alone; counts are sums.
        together: all cameras as one sequence with one identity mapping.
    """

    mean: Mapping[str, float]
    together: Mapping[str, float]


def figures_of(scores: RunScores) -> Figures:
    """A run's scores as the ladder shows them.

    Raises:
        ValueError: nobody is to be found in any camera; `score_run` refuses such truth.
    """
    peopled = [camera for camera in scores.cameras.values() if camera.truth_boxes]
    if not peopled:
        raise ValueError("a ladder needs a camera in which somebody is to be found")
    mean = {name: sum(float(getattr(one, name)) for one in peopled) / len(peopled) for name in SHARES}
    mean |= {name: sum(float(getattr(one, name)) for one in peopled) for name in COUNTS}
    return Figures(mean, _of(scores.together))


def losses(rungs: Sequence[Figures]) -> list[Figures]:
    """What each step up gains: what the stage that it takes out of the run had lost, above 0 where it did harm.

    Shares are those that were missing, counts those that were too many. A loss below 0 is no error: stages lean on one
    another, and a better detector can hand a tracker more to confuse.
    """
    return [
        Figures(_loss(above.mean, below.mean), _loss(above.together, below.together))
        for below, above in pairwise(rungs)
    ]


def _of(scores: TrackingScores) -> dict[str, float]:
    return {name: float(getattr(scores, name)) for name in FIGURES}


def _loss(above: Mapping[str, float], below: Mapping[str, float]) -> dict[str, float]:
    # More of a share is better and more switches are worse: a loss is above 0 in both.
    return {
        **{name: above[name] - below[name] for name in SHARES},
        **{name: below[name] - above[name] for name in COUNTS},
    }
