"""Untrained YOLO weights, made on the spot, and the shared data where there is any."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from keyreid_stream.pose.quiet_ultralytics import import_ultralytics

KINDS: dict[str, tuple[str, str, str, list[str], dict[str, Any]]] = {
    "pose": ("pose", "PoseModel", "yolov8n-pose.yaml", ["person"], {}),
    "hands": ("pose", "PoseModel", "yolov8n-pose.yaml", ["person"], {"data_kpt_shape": [21, 3]}),
    "detector": ("detect", "DetectionModel", "yolov8n.yaml", ["bicycle", "person"], {}),
    "bicycles": ("detect", "DetectionModel", "yolov8n.yaml", ["bicycle"], {}),
    "segmenter": ("segment", "SegmentationModel", "yolov8n-seg.yaml", ["bicycle", "person"], {}),
    "classifier": ("classify", "ClassificationModel", "yolov8n-cls.yaml", ["bicycle", "person"], {}),
}


def save_untrained(path: Path, kind: str) -> Path:
    """An untrained Ultralytics checkpoint, laid out as its trainer saves it."""
    import_ultralytics()
    from ultralytics.nn import tasks

    task, class_name, architecture, names, build = KINDS[kind]
    torch.manual_seed(0)
    model = getattr(tasks, class_name)(architecture, nc=len(names), verbose=False, **build)
    model.names = dict(enumerate(names))
    torch.save({"model": model, "train_args": {"task": task}}, path)
    return path


@pytest.fixture(scope="session")
def untrained(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Path of the untrained weights of a kind."""
    folder = tmp_path_factory.mktemp("weights")

    def weights(kind: str) -> Path:
        path = folder / f"{kind}.pt"
        return path if path.exists() else save_untrained(path, kind)

    return weights


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data."""
    repository = Path(__file__).resolve().parents[2]
    folder = Path(os.environ.get("KEYREID_DATA", repository / "../shared/data")).resolve()
    if not folder.is_dir():
        pytest.skip(f"no data folder at {folder}: set KEYREID_DATA to run the tests on real video")
    return folder
