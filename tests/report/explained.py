"""A run's folder with decisions made by hand, and crops if asked for."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from keyreid_stream.association.decision_log import DecisionLog
from keyreid_stream.association.decisions import Candidate, Decision, LogOdds, PartComparison, Threshold, View
from keyreid_stream.sinks import EventLogSink
from keyreid_stream.structures import Event, Tick


def candidate(identity_id: int, appearance: float, *, places: float = 0.0, **more: object) -> Candidate:
    """Somebody who was weighed and compared."""
    fields: dict[str, object] = {
        "identity_id": identity_id,
        "log_odds": LogOdds(appearance=appearance, places=places),
        "similarity": 0.81,
        "threshold": Threshold(similarity=0.62, spread=0.1, people=4, negatives=1, site_negatives=30),
        "parts": (
            PartComparison(name="whole body", similarity=0.9, visibility=1.0, candidate_visibility=1.0),
            PartComparison(name="left_arm", similarity=None, visibility=0.0, candidate_visibility=0.7),
        ),
        "views": (
            View(camera_id="hall", track_id=2, first_frame=0, first_s=1.0, last_s=3.0, clips=3, similarity=0.82),
            View(camera_id="yard", track_id=None, first_frame=None, first_s=0.0, last_s=1.0, clips=1, similarity=0.7),
        ),
        "views_compared": 5,
        **more,
    }
    return Candidate(**fields)  # type: ignore[arg-type]


NEW = Decision(kind="new", how="compared", identity_id=1, timestamp_s=0.5, camera_id="hall", track_id=2, first_frame=0)
MATCHED = Decision(
    kind="matched",
    how="compared",
    identity_id=1,
    timestamp_s=9.0,
    camera_id="yard",
    track_id=7,
    first_frame=90,
    clips=2,
    candidates=(
        candidate(1, 4.0, places=2.25, metres_apart=0.5, common_sightings=1),
        candidate(2, -3.0),
        candidate(3, 6.0, vetoes=("in view", "walking speed")),
    ),
)
ANOTHER = Decision(
    kind="new",
    how="compared",
    identity_id=4,
    timestamp_s=10.0,
    camera_id="hall",
    track_id=8,
    first_frame=100,
    provisional=True,
    candidates=(candidate(1, -1.5),),
)
MERGED = Decision(
    kind="merged",
    how="revised",
    identity_id=1,
    other_identity_id=4,
    timestamp_s=11.0,
    candidates=(candidate(1, 3.0),),
)
SPLIT = Decision(
    kind="split",
    how="revised",
    identity_id=5,
    other_identity_id=1,
    timestamp_s=12.0,
    camera_id="yard",
    track_id=7,
    first_frame=90,
    candidates=(candidate(1, -4.0),),
)
STRANGER = Decision(
    kind="new", how="compared", identity_id=6, timestamp_s=13.0, camera_id="gate", track_id=1, first_frame=0
)
DECISIONS = (NEW, MATCHED, ANOTHER, MERGED, SPLIT, STRANGER)

EVENTS = (
    Event("new", 1, 0.5, "hall", 2, first_frame=0),
    Event("matched", 1, 9.0, "yard", 7, first_frame=90),
    Event("new", 4, 10.0, "hall", 8, first_frame=100),
    Event("merged", 1, 11.0, other_identity_id=4),
    Event("split", 5, 12.0, "yard", 7, other_identity_id=1, first_frame=90),
    Event("new", 6, 13.0, "gate", 1, first_frame=0),
)


def write_run(folder: Path, *, crops: bool = False) -> Path:
    """What a run with `--decisions`, and with `--crops` if asked for, leaves behind, as far as explaining needs it."""
    tick = Tick(0, 0.0, (), EVENTS)
    with EventLogSink(folder / "events.jsonl") as events, DecisionLog(folder / "decisions.jsonl") as log:
        events.write(tick)
        for one in DECISIONS:
            log.note(one)
        log.write(tick)
    if crops:
        for number, name in enumerate(("hall/2_3", "hall/2_40", "hall/8_101", "yard/7_95")):
            path = folder / "crops" / f"{name}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(path), np.full((300, 150, 3), 40 * number + 40, np.uint8))
    return folder
