"""What `run.json` says: what a run was, so that it can be repeated and compared."""

from __future__ import annotations

import math
import platform
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from keyreid_stream.association import OnlineAssociator, StoredAssociator
from keyreid_stream.config import DeploymentConfig
from keyreid_stream.encoders import BackendCard
from keyreid_stream.interfaces import Associator, LiveSource, Source
from keyreid_stream.models.weights import file_sha256
from keyreid_stream.pipeline import Pipeline
from keyreid_stream.run_notices import notices
from keyreid_stream.run_statistics import RunStatistics
from keyreid_stream.sinks import MotSink
from keyreid_stream.sinks.pieces import MotPieces
from keyreid_stream.sources.addresses import without_secrets
from keyreid_stream.timing import StageTime

REPORTED_PACKAGES = (
    "keyreid-stream",
    "torch",
    "timm",
    "ultralytics",
    "boxmot",
    "av",
    "numpy",
    "opencv-python",
    "scipy",
)


def run_facts(config: DeploymentConfig | None, pipeline: Pipeline) -> dict[str, Any]:
    """What is known before the first frame: settings, stages, weights, versions, machine."""
    card, stages = pipeline.model, pipeline.stages
    return {
        "notice": "; ".join(notices(pipeline)) or None,
        "oracle": list(pipeline.oracles),
        "model": asdict(card) if card else None,
        "backend": _backend(stages.encoder),
        "pose_weights": _pose_weights(stages.detector),
        "gallery": _gallery(stages.associator),
        "settings": _settings(config) if config else None,
        "stage_classes": {
            "sources": sorted({_class_name(source) for source in stages.sources}),
            "detector": _class_name(stages.detector),
            "encoder": _class_name(stages.encoder),
            "clip_head": _class_name(stages.clip_head),
            "associator": _class_name(stages.associator),
        },
        "versions": _versions(),
        "machine": _machine(),
    }


def run_counts(
    pipeline: Pipeline, statistics: RunStatistics, mot: MotSink | MotPieces, wall_s: float
) -> dict[str, Any]:
    """What is known after the last frame: counts and times."""
    return {
        "wall_s": round(wall_s, 3),
        "frames_per_s": round(statistics.frames / wall_s, 2),
        "counts": {
            "ticks": statistics.ticks,
            "frames": statistics.frames,
            "identities": len(statistics.identities),
            "events": dict(sorted(statistics.events.items())),
            "track_rows_left_out": {"undecided": mot.undecided_rows, "duplicate": mot.duplicate_rows},
        },
        "cameras": {
            source.camera_id: _camera(source, statistics) | _encoded(pipeline, source) for source in pipeline.sources
        },
        "calibration": _calibration(pipeline),
        "travel_times": _travel_times(pipeline),
        "stages": _stages(pipeline, statistics.frames),
        "glue": {"ticks": pipeline.times.glue.calls} | _quantiles_ms(pipeline.times.glue),
    }


def _settings(config: DeploymentConfig) -> dict[str, Any]:
    """As given, but for the secrets in cameras' addresses."""
    settings = config.model_dump(mode="json")
    settings["sources"]["cameras"] = [without_secrets(spec) for spec in config.sources.cameras]
    return settings


def _calibration(pipeline: Pipeline) -> dict[str, Any] | None:
    """Which cameras' calibrations were used to the end, and what was wrong with others; None where none was given."""
    geometry = pipeline.geometry
    if geometry is None:
        return None
    return {"used": list(geometry.cameras), "faults": [str(fault) for fault in geometry.faults]}


def _gallery(associator: Associator) -> dict[str, Any] | None:
    """The gallery that the run began with, and how many people it knew; None for a run that began with nobody."""
    if not isinstance(associator, StoredAssociator):
        return None
    return {"path": str(associator.store.path), "known_before": associator.store.known_before}


def _travel_times(pipeline: Pipeline) -> list[dict[str, Any]] | None:
    """How long recognised people took between cameras, as `[[association.travel]]` takes it; None if nobody learns."""
    associator = pipeline.stages.associator
    if not isinstance(associator, OnlineAssociator):
        return None
    return [way.model_dump() for way in associator.travel_times()]


def _camera(source: Source, statistics: RunStatistics) -> dict[str, Any]:
    counts = statistics.cameras[source.camera_id]
    live = asdict(source.counts) if isinstance(source, LiveSource) else None
    return {
        "fps": source.fps,
        "frames": counts.frames,
        # Only sources that decode can meet damage; users' own need not count it.
        "corrupt_frames": getattr(source, "corrupt_frames", None),
        "repaired_timestamps": getattr(source, "repaired_timestamps", None),
        "live": live,
        "last_timestamp_s": round(counts.last_timestamp_s, 6),
        "detections": counts.detections,
        "tracks": counts.tracks,
        "identities": sorted(counts.identities),
    }


def _encoded(pipeline: Pipeline, source: Source) -> dict[str, int]:
    encoded, reused = pipeline.encoded_and_reused[source.camera_id]
    return {"encoded": encoded, "reused": reused}


def _stages(pipeline: Pipeline, frames: int) -> dict[str, Any]:
    return {
        name: {
            "total_s": round(stage.seconds, 3),
            "calls": stage.calls,
            "ms_per_frame": round(1000 * stage.seconds / frames, 3) if frames else None,
            **_quantiles_ms(stage),
        }
        for name, stage in pipeline.times.stages.items()
    }


def _quantiles_ms(stage: StageTime) -> dict[str, float | None]:
    """Within how many milliseconds half, and all but 5 %, of the calls ended; None without calls, or above 10 s."""
    return {
        f"p{share}_ms": round(1000 * seconds, 3) if math.isfinite(seconds := stage.quantile_s(share / 100)) else None
        for share in (50, 95)
    }


def _backend(encoder: object) -> dict[str, Any] | None:
    """What runs the network; None for an encoder that does not say."""
    card = getattr(encoder, "backend", None)
    return asdict(card) if isinstance(card, BackendCard) else None


def _pose_weights(detector: object) -> dict[str, Any] | None:
    """Name and hash of a detector's `weights`; None for a detector that has none."""
    path = getattr(detector, "weights", None)
    if not isinstance(path, Path):
        return None
    # An exported model can be a folder (OpenVINO); its largest file holds the weights.
    files = [file for file in path.rglob("*") if file.is_file()] if path.is_dir() else [path]
    return {"path": str(path), "sha256": file_sha256(max(files, key=lambda file: file.stat().st_size))}


def _class_name(stage: object) -> str:
    return f"{type(stage).__module__}.{type(stage).__qualname__}"


def _versions() -> dict[str, str]:
    versions = {"python": platform.python_version()}
    for package in REPORTED_PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = "not installed"
    return versions


def _machine() -> dict[str, Any]:
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else None
    return {"system": platform.platform(), "threads": torch.get_num_threads(), "gpu": gpu}
