"""Stages that are fed the truth of a synthetic world, so that what still goes wrong can be blamed on the others.

Each stands behind the same Protocol as the stage whose place it takes: `OracleDetector`, `OracleTracker`,
`OracleAssociator`. `OracleStages` makes those that the settings name.
"""

from keyreid_stream.oracle.associator import OracleAssociator
from keyreid_stream.oracle.config import ORACLE_NAMES, OracleName, OracleNames
from keyreid_stream.oracle.detector import OracleDetector
from keyreid_stream.oracle.mot_truth import RecordedTruthSource, with_recorded_truth
from keyreid_stream.oracle.stages import OracleStages
from keyreid_stream.oracle.tracker import OracleTracker
from keyreid_stream.oracle.truth import Truth, TruthSource

__all__ = [
    "ORACLE_NAMES",
    "OracleAssociator",
    "OracleDetector",
    "OracleName",
    "OracleNames",
    "OracleStages",
    "OracleTracker",
    "RecordedTruthSource",
    "Truth",
    "TruthSource",
    "with_recorded_truth",
]
