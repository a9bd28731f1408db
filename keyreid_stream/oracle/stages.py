"""The stages of a run, some of them fed the truth."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TypeAlias

from keyreid_stream.interfaces import Associator, PoseDetector, Source, Tracker
from keyreid_stream.oracle.associator import OracleAssociator
from keyreid_stream.oracle.config import ORACLE_NAMES, OracleName
from keyreid_stream.oracle.detector import OracleDetector
from keyreid_stream.oracle.tracker import OracleTracker
from keyreid_stream.oracle.truth import Truth

TrackerMaker: TypeAlias = Callable[[Source], Tracker]


class OracleStages:
    """Puts the truth in the place of the stages that are named, and leaves the others as they are.

    A stage is made only where it is needed: where its results are the truth, its weights need not even exist, and its
    settings have no effect.

    Args:
        names: what to take from the truth; nothing is fine.
        sources: the cameras.

    Attributes:
        names: what is taken from the truth, in the order of the pipeline.

    Raises:
        InputError: something is to be taken from the truth and a camera has none (see `Truth`).
    """

    def __init__(self, names: Collection[OracleName], sources: Sequence[Source]) -> None:
        self.names = tuple(name for name in ORACLE_NAMES if name in names)
        self._truth = Truth(sources) if self.names else None

    def detector(self, make_real: Callable[[], PoseDetector]) -> PoseDetector:
        """The detector: true boxes, true keypoints, both, or the real one."""
        what = [name for name in self.names if name in ("detections", "keypoints")]
        if self._truth is None or not what:
            return make_real()
        return OracleDetector(self._truth, make_real() if len(what) == 1 else None, what=what)

    def tracker_maker(self, make_real: TrackerMaker) -> TrackerMaker:
        """What makes each camera's tracker."""
        truth = self._truth
        if truth is None or "tracks" not in self.names:
            return make_real
        return lambda source: OracleTracker(truth, fps=source.fps)

    def associator(self, make_real: Callable[[], Associator]) -> Associator:
        """The associator."""
        if self._truth is None or "identities" not in self.names:
            return make_real()
        return OracleAssociator(self._truth)
