"""Where results go: an event log, MOTChallenge tracks, annotated videos, a live window, paths on the floor, crops.

Every sink is a context manager; what it wrote is complete and readable after the `with` block, however that ended.
`docs/formats.md` describes the files.
"""

from keyreid_stream.sinks.best_crops import BestCrop, BestCropsSink
from keyreid_stream.sinks.config import OutputConfig
from keyreid_stream.sinks.crop_files import CropFile, CropFilesSink, crop_files, crops_by_identity
from keyreid_stream.sinks.events_jsonl import EventLogSink, read_events
from keyreid_stream.sinks.floor_paths import FloorPath, FloorPathsSink
from keyreid_stream.sinks.identity_replay import final_identities
from keyreid_stream.sinks.mot import MotSink
from keyreid_stream.sinks.video import VideoSink
from keyreid_stream.sinks.window import WindowSink, display_available, require_display

__all__ = [
    "BestCrop",
    "BestCropsSink",
    "CropFile",
    "CropFilesSink",
    "EventLogSink",
    "FloorPath",
    "FloorPathsSink",
    "MotSink",
    "OutputConfig",
    "VideoSink",
    "WindowSink",
    "crop_files",
    "crops_by_identity",
    "display_available",
    "final_identities",
    "read_events",
    "require_display",
]
