"""Whose tracks they are: the weights that made them, for the tables that tell how good they are."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from keyreid_stream.run_folder import SCHEMA

_TOLD = ("model", "pose_weights", "oracle", "status")


def made_by(tracks: Path) -> dict[str, Any] | None:
    """What the run tells in whose folder tracks lie: `model`, `pose_weights`, `oracle`, `status` of its `run.json`.

    Args:
        tracks: folder of MOT files; None comes back where it is not that of a run of ours.
    """
    try:
        run = json.loads((tracks.parent / "run.json").read_text(encoding="utf-8")) if tracks.name == "tracks" else None
    except (OSError, ValueError):
        return None
    if not isinstance(run, dict) or run.get("schema") != SCHEMA:
        return None
    return {key: run.get(key) for key in _TOLD}


def made_by_words(told: Mapping[str, Any]) -> str:
    """The same in words, such as `keyreid-tiny a8a850d7f5ec, detector world-pose.pt afef23d425c0`."""
    model, pose = told.get("model"), told.get("pose_weights")
    words = []
    if model:
        trained = "" if model.get("trained", True) else ", untrained"
        words.append(f"{model['name']} {str(model.get('sha256'))[:12]}{trained}")
    if pose:
        words.append(f"detector {Path(pose['path']).name} {str(pose['sha256'])[:12]}")
    if told.get("oracle"):
        words.append(f"true {', '.join(told['oracle'])}")
    if told.get("status") not in (None, "finished"):
        words.append(f"the run is {told['status']}")
    return ", ".join(words)
