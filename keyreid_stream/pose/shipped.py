"""The detector that comes with the package: for the package's own drawn worlds, and for nothing else."""

from __future__ import annotations

from pathlib import Path

WORLD_POSE = "world-pose"
"""Its name wherever weights are given; a file of this very name in the current folder goes first."""

WORLD_POSE_FILE = Path(__file__).parent / "shipped" / f"{WORLD_POSE}.pt"

WORLD_POSE_IMGSZ = 800
"""The longer side of the pictures that it was trained and measured on."""

USUAL_IMGSZ = 640
"""The same of most YOLO networks."""

WORLD_POSE_NOTICE = (
    f"The detector {WORLD_POSE} was trained on drawn people alone, in worlds like the built-in ones. "
    "It says nothing about real video, where it must not be used: name a detector of real people with --pose."
)


def pose_weights(name_or_path: Path) -> Path:
    """The file of the shipped detector for its name; any other path as it is."""
    return WORLD_POSE_FILE if name_or_path == Path(WORLD_POSE) and not name_or_path.exists() else name_or_path


def usual_imgsz(weights: Path) -> int:
    """The longer side of the pictures that weights are at home with, where nobody says otherwise."""
    return WORLD_POSE_IMGSZ if weights == WORLD_POSE_FILE else USUAL_IMGSZ
