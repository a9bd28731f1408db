"""`run.json`: what a run was, told so that it can be repeated and compared."""

from __future__ import annotations

import json
import platform
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from keyreid_stream.config import DeploymentConfig
from keyreid_stream.interfaces import Source
from keyreid_stream.models.weights import file_sha256
from keyreid_stream.pipeline import Pipeline
from keyreid_stream.run_statistics import RunStatistics

SCHEMA = "keyreid.run/1"

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


def run_report(config: DeploymentConfig, pipeline: Pipeline, statistics: RunStatistics) -> dict[str, Any]:
    """Settings, versions, weights, counts and times of a run, ready for JSON."""
    card = pipeline.model
    return {
        "notice": card.notice if card else None,
        "model": asdict(card) if card else None,
        "pose_weights": _weights_file(config.pose.weights),
        "settings": config.model_dump(mode="json"),
        "versions": _versions(),
        "machine": _machine(),
        "counts": {
            "ticks": statistics.ticks,
            "frames": statistics.frames,
            "identities": len(statistics.identities),
            "events": dict(sorted(statistics.events.items())),
        },
        "cameras": {source.camera_id: _camera(source, statistics) for source in pipeline.stages.sources},
        "stages": _stages(pipeline, statistics.frames),
    }


def write_report(path: Path, report: dict[str, Any]) -> None:
    """Write JSON so that a reader sees the whole file or none."""
    unfinished = path.with_suffix(".json.part")
    unfinished.write_text(json.dumps({"schema": SCHEMA, **report}, indent=2) + "\n", encoding="utf-8")
    unfinished.replace(path)


def _camera(source: Source, statistics: RunStatistics) -> dict[str, Any]:
    counts = statistics.cameras[source.camera_id]
    return {
        "fps": source.fps,
        "frames": counts.frames,
        # Only sources that decode can meet damage; users' own need not count it.
        "corrupt_frames": getattr(source, "corrupt_frames", None),
        "repaired_timestamps": getattr(source, "repaired_timestamps", None),
        "last_timestamp_s": round(counts.last_timestamp_s, 6),
        "detections": counts.detections,
        "tracks": counts.tracks,
        "identities": sorted(counts.identities),
    }


def _stages(pipeline: Pipeline, frames: int) -> dict[str, Any]:
    return {
        name: {
            "total_s": round(stage.seconds, 3),
            "calls": stage.calls,
            "ms_per_frame": round(1000 * stage.seconds / frames, 3) if frames else None,
        }
        for name, stage in pipeline.times.stages.items()
    }


def _weights_file(path: Path) -> dict[str, Any] | None:
    """A file's name and hash; None where an own detector took the place of the configured one."""
    if not path.exists():
        return None
    # An exported model can be a folder (OpenVINO); its largest file holds the weights.
    parts = sorted(path.iterdir(), key=lambda part: part.stat().st_size) if path.is_dir() else [path]
    return {"path": str(path), "sha256": file_sha256(parts[-1])}


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
