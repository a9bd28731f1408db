"""The ladder: one run measured as it is, then with true detections, true tracks and true identities.

What each step up gains is what the stage that it takes out of the run loses.
"""

from keyreid_stream.ladder.climb import Ladder, Step
from keyreid_stream.ladder.record import LADDER_FILE, LadderRecord, read_ladder
from keyreid_stream.ladder.rungs import RUNGS, Figures, Rung, figures_of, losses

__all__ = [
    "LADDER_FILE",
    "RUNGS",
    "Figures",
    "Ladder",
    "LadderRecord",
    "Rung",
    "Step",
    "figures_of",
    "losses",
    "read_ladder",
]
