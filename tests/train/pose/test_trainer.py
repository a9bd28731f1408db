from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import torch

from keyreid_stream.pose import PoseConfig, UltralyticsPose
from keyreid_stream.structures import Frame
from keyreid_train.pose.frames import FramesConfig, render_frames
from keyreid_train.pose.trainer import PoseTrainingConfig, PoseTrainingStage, train_pose, validate_pose


def test_two_stages_leave_weights_that_our_detector_opens_and_ultralytics_scores(tmp_path: Path) -> None:
    frames = FramesConfig(worlds=1, frames_per_camera=2, validation_seeds=(501,), validation_frames_per_camera=1)
    data = render_frames(frames, tmp_path / "frames")
    threads = torch.get_num_threads()
    stages = (PoseTrainingStage(epochs=1, imgsz=64), PoseTrainingStage(epochs=1, imgsz=96))
    config = PoseTrainingConfig(stages=stages, averaged_from=1, batch=2, workers=0)
    weights = train_pose(data, config, tmp_path / "run")
    torch.set_num_threads(threads)
    first, second = (tensors(tmp_path / "run" / f"stage{number}" / "weights" / "average.pt") for number in (1, 2))
    for name, mean in tensors(weights).items():
        torch.testing.assert_close(mean, (first[name] + second[name]) / 2, atol=2e-3, rtol=2e-3)
    assert any((first[name] - second[name]).abs().max() > 0.01 for name in first)
    assert weights.stat().st_size <= 7_000_000
    assert str(tmp_path).encode() not in pickled(weights)
    detector = UltralyticsPose(PoseConfig(weights=weights, imgsz=64, device="cpu"))
    assert detector.finds_keypoints
    assert len(detector.detect([Frame("a", 0, 0.0, np.zeros((36, 64, 3), np.uint8))])) == 1
    scores = validate_pose(weights, data, imgsz=64)
    assert all(0 <= value <= 1 for value in scores.model_dump().values())


def tensors(weights: Path) -> dict[str, torch.Tensor]:
    """A checkpoint's weights in float32; it was written a moment ago."""
    network = torch.load(weights, map_location="cpu", weights_only=False)["model"].float()
    return {name: value for name, value in network.state_dict().items() if value.is_floating_point()}


def pickled(weights: Path) -> bytes:
    """All of a .pt file that is not tensors."""
    with zipfile.ZipFile(weights) as archive:
        return b"".join(archive.read(name) for name in archive.namelist() if name.endswith(".pkl"))
