"""Following people inside one camera; everything that knows BoxMOT."""

from keyreid_stream.tracking.appearance import KeyReIDAppearance
from keyreid_stream.tracking.boxmot_tracker import BoxmotTracker
from keyreid_stream.tracking.clip_buffer import ClipBuffer
from keyreid_stream.tracking.clip_tracker import ClipTracker
from keyreid_stream.tracking.config import ClipConfig, TrackingConfig
from keyreid_stream.tracking.encoding_plan import EncodingPlan
from keyreid_stream.tracking.keypoint_store import KeypointStore
from keyreid_stream.tracking.registry import register
from keyreid_stream.tracking.restarting import RestartingTracker
from keyreid_stream.tracking.trackers import TRACKERS
from keyreid_stream.tracking.version import require_boxmot

__all__ = [
    "TRACKERS",
    "BoxmotTracker",
    "ClipBuffer",
    "ClipConfig",
    "ClipTracker",
    "EncodingPlan",
    "KeyReIDAppearance",
    "KeypointStore",
    "RestartingTracker",
    "TrackingConfig",
    "register",
    "require_boxmot",
]
