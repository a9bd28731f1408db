"""How good it is: scores against truth, by the field's reference tools."""

from keyreid_stream.evaluation.boxes import ResultBoxes, TruthBoxes
from keyreid_stream.evaluation.scores import RunScores, TrackingScores
from keyreid_stream.evaluation.tracking import MIN_VISIBILITY, score_cameras, score_run

__all__ = ["MIN_VISIBILITY", "ResultBoxes", "RunScores", "TrackingScores", "TruthBoxes", "score_cameras", "score_run"]
