"""A judged run made by hand: two people before two cameras, one of them taken for the other for a while."""

from __future__ import annotations

import json
from pathlib import Path

from keyreid_stream.run_folder import SCHEMA
from tests.evaluation.scenes import HERE, THERE, Row, track, write_results, write_truth
from tests.report.records import RUN

FPS = 10.0
NOWHERE = (400.0, 10.0, 420.0, 60.0)

DOOR_TRUTH: list[Row] = track(7, range(1, 21)) + track(8, range(1, 11), THERE)
"""7 stands there for 20 frames, 8 for 10."""

DOOR: list[Row] = [
    *track(1, range(3, 11)),
    *track(2, range(11, 16)),  # 7 is taken for 8
    *track(1, range(16, 21)),
    *track(2, range(1, 11), THERE),
    *track(3, [5], NOWHERE),  # a ghost
]
YARD_TRUTH: list[Row] = track(8, range(31, 41), THERE)
YARD: list[Row] = track(2, range(31, 41), THERE)

EVENTS: list[dict[str, object]] = [
    {"kind": "new", "identity_id": 2, "track_id": 1, "frame_index": 0, "box_xyxy": THERE, "camera_id": "door"},
    {"kind": "new", "identity_id": 1, "track_id": 2, "frame_index": 4, "box_xyxy": HERE, "camera_id": "door"},
    {"kind": "new", "identity_id": 3, "track_id": 3, "frame_index": 4, "box_xyxy": NOWHERE, "camera_id": "door"},
    {"kind": "split", "identity_id": 2, "track_id": 2, "frame_index": 10, "box_xyxy": HERE, "camera_id": "door",
     "first_frame": 10, "other_identity_id": 1},
    {"kind": "split", "identity_id": 1, "track_id": 2, "frame_index": 15, "box_xyxy": HERE, "camera_id": "door",
     "first_frame": 15, "other_identity_id": 2},
    {"kind": "new", "identity_id": 5, "track_id": 1, "frame_index": 30, "box_xyxy": THERE, "camera_id": "yard"},
    {"kind": "merged", "identity_id": 2, "other_identity_id": 5, "frame_index": 35},
]  # fmt: skip
"""8 comes to the yard as 5, and is known to be 2 from frame 36 on."""


def write_run(folder: Path, status: str = "finished") -> tuple[Path, Path]:
    """The run's folder, and that of the truth."""
    run, truth = folder / "run", folder / "mot"
    for name, rows in (("door", DOOR), ("yard", YARD)):
        write_results(run / "tracks" / f"{name}.txt", rows)
    for name, rows in (("door", DOOR_TRUTH), ("yard", YARD_TRUTH)):
        write_truth(truth / name / "gt" / "gt.txt", rows)
    lines = []
    for event in EVENTS:
        frame = event["frame_index"]
        assert isinstance(frame, int)
        blank = dict.fromkeys(("camera_id", "track_id", "box_xyxy", "similarity", "other_identity_id", "first_frame"))
        line = {"schema": "keyreid.events/2", "timestamp_s": frame / FPS, "provisional": False, **blank, **event}
        lines.append(json.dumps(line | ({"frame_index": None} if event["kind"] == "merged" else {})))
    (run / "events.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    cameras = {name: {"fps": FPS, "frames": 40, "last_timestamp_s": 3.9} for name in ("door", "yard")}
    content = RUN | {
        "schema": SCHEMA,
        "status": status,
        "notice": "Drawn <people>.",
        "oracle": [],
        "cameras": cameras,
        "settings": {"sources": {"cameras": ["door=<b>.mp4"]}, "tracking": {"tracker": "botsort"}},
        "stage_classes": {"sources": ["keyreid_stream.sources.video_file.VideoFileSource"]},
    }
    (run / "run.json").write_text(json.dumps(content), encoding="utf-8")
    return run, truth
