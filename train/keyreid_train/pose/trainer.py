"""Ultralytics' pose trainer and validator, on frames of drawn worlds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from pydantic import BaseModel, ConfigDict, Field

from keyreid_stream.pose.quiet_ultralytics import import_ultralytics
from keyreid_stream.pose.shipped import WORLD_POSE_IMGSZ


class PoseTrainingStage(BaseModel):
    """A stretch of training with a learning rate that rises and falls once.

    Attributes:
        epochs: passes over the data set.
        imgsz: side of the square that four frames are put together in, pixels.
        learning_rate: of AdamW, at its highest.
        keypoint_gain: weight of the keypoints' loss; Ultralytics' own is 12.
        whole_frame_epochs: how many of the last epochs see frames as they are, not four put together.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    epochs: int = Field(ge=1)
    imgsz: int = Field(ge=32, multiple_of=32)
    learning_rate: float = Field(default=0.0015, gt=0)
    keypoint_gain: float = Field(default=12.0, gt=0)
    whole_frame_epochs: int = Field(default=1, ge=0)


class PoseTrainingConfig(BaseModel):
    """How the detector is trained.

    The first stage finds people; left and right of a body are learned late, from larger pictures of it.

    Attributes:
        network: an Ultralytics model description, whose weights start at random, or weights to go on from.
        stages: one after the other, each from the last one's weights.
        averaged_from: number of the first stage whose weights are averaged: each later one begins with the mean of the
            results since, and so does the outcome (stochastic weight averaging, Izmailov et al. 2018). None: no mean.
        batch: pictures per step of the optimiser.
        seed: of weights, order and augmentation.
        workers: processes that load pictures.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    network: str = "yolov8n-pose.yaml"
    stages: tuple[PoseTrainingStage, ...] = Field(
        default=(
            PoseTrainingStage(epochs=6, imgsz=416),
            PoseTrainingStage(epochs=7, imgsz=512, keypoint_gain=24.0),
            PoseTrainingStage(epochs=4, imgsz=512, keypoint_gain=24.0, learning_rate=0.001),
            PoseTrainingStage(epochs=4, imgsz=800, keypoint_gain=24.0, learning_rate=0.001, whole_frame_epochs=0),
            PoseTrainingStage(epochs=2, imgsz=800, keypoint_gain=24.0, learning_rate=0.0008, whole_frame_epochs=0),
            PoseTrainingStage(epochs=1, imgsz=800, keypoint_gain=24.0, learning_rate=0.0004, whole_frame_epochs=0),
        ),
        min_length=1,
    )
    averaged_from: int | None = Field(default=4, ge=1)
    batch: int = Field(default=8, ge=1)
    seed: int = Field(default=0, ge=0)
    workers: int = Field(default=1, ge=0)


class PoseScores(BaseModel):
    """What Ultralytics' `val` says, as shares: mean average precision at 0.5, and over 0.5 to 0.95.

    The threshold is on the IoU of boxes, or on the similarity of keypoints (OKS).
    """

    model_config = ConfigDict(frozen=True)

    box_map50: float
    box_map: float
    keypoints_map50: float
    keypoints_map: float


def train_pose(data: Path, config: PoseTrainingConfig, out: Path) -> Path:
    """Train stage by stage and write the mean of the last stages' weights, half precision.

    A stage's weights are the moving average (EMA) at its last epoch.

    No epoch is chosen by its validation score, so the validation worlds stay unseen.

    Args:
        data: the `data.yaml` of `render_frames`.
        config: how.
        out: folder for Ultralytics' logs and checkpoints, one folder in it per stage.

    Returns:
        A .pt file that every Ultralytics model loader takes: `out/pose.pt`.
    """
    weights = config.network
    averaged: list[Path] = []
    for number, stage in enumerate(config.stages, start=1):
        result = _train_stage(data, config, stage, weights, out / f"stage{number}")
        if config.averaged_from is not None and number >= config.averaged_from:
            averaged.append(result)
            result = _mean(averaged, result.with_name("mean.pt"))
        weights = str(result)
    return _without_this_machine(Path(weights), out / "pose.pt")


def _mean(trained: Sequence[Path], target: Path) -> Path:
    """Write the mean of the weights of checkpoints of one network."""
    checkpoints = [
        torch.load(path, map_location="cpu", weights_only=False) for path in trained
    ]  # our own, just written
    states = [checkpoint["model"].float().state_dict() for checkpoint in checkpoints]
    network = checkpoints[-1]["model"]
    network.load_state_dict(
        {
            name: torch.stack([state[name] for state in states]).mean(dim=0) if last.is_floating_point() else last
            for name, last in states[-1].items()
        }
    )
    network.half()
    torch.save(checkpoints[-1], target)
    return target


def _without_this_machine(trained: Path, target: Path) -> Path:
    """Copy a checkpoint without the folders and the repository's state, which Ultralytics notes in it."""
    checkpoint = torch.load(trained, map_location="cpu", weights_only=False)  # written by ourselves a moment ago
    checkpoint.pop("git", None)
    checkpoint.pop("train_metrics", None)
    network = checkpoint["model"]
    for notes in (checkpoint["train_args"], network.args, network.__dict__):
        places = {"model", "data", "project", "save_dir", "pt_path"} & notes.keys()
        notes.update({place: Path(notes[place]).name for place in places if isinstance(notes[place], str)})
    torch.save(checkpoint, target)
    return target


def _train_stage(data: Path, config: PoseTrainingConfig, stage: PoseTrainingStage, network: str, out: Path) -> Path:
    threads = torch.get_num_threads()  # Ultralytics leaves one core of a CPU idle
    import_ultralytics()  # with its switches set, before the trainer's modules
    from ultralytics.models.yolo.pose import PoseTrainer
    from ultralytics.utils.torch_utils import strip_optimizer

    class Trainer(PoseTrainer):  # type: ignore[misc]
        def get_model(self, *args: Any, **kwargs: Any) -> Any:
            # Ultralytics keeps this for CUDA; it is a quarter faster on CPUs too.
            return super().get_model(*args, **kwargs).to(memory_format=torch.channels_last)

    trainer = Trainer(
        overrides={
            "model": network,
            "data": str(data),
            "imgsz": stage.imgsz,
            "epochs": stage.epochs,
            "batch": config.batch,
            "nbs": config.batch,  # a step per batch: the schedule is short
            "optimizer": "AdamW",
            "lr0": stage.learning_rate,
            "momentum": 0.9,
            "cos_lr": True,
            "warmup_epochs": 0.5,
            "close_mosaic": stage.whole_frame_epochs,
            "hsv_h": 0.03,
            "degrees": 4.0,
            "pose": stage.keypoint_gain,
            "seed": config.seed,
            "cache": "disk",
            "amp": False,  # CUDA's; a CPU's own is below
            "val": False,
            "plots": False,
            "device": "cpu",
            "project": str(out.parent.resolve()),
            "name": out.name,
            "exist_ok": True,
            "verbose": True,
        }
    )
    trainer.args.workers = config.workers  # on a CPU, Ultralytics loads pictures between the steps
    trainer.add_callback("on_train_start", _compute_in_bfloat16)
    trainer.add_callback("on_train_start", lambda _: torch.set_num_threads(threads))
    trainer.train()
    weights = out / "weights" / "average.pt"
    strip_optimizer(trainer.last, str(weights))
    return weights


def validate_pose(weights: Path, data: Path, *, imgsz: int = WORLD_POSE_IMGSZ) -> PoseScores:
    """Ultralytics' own `val` on the validation worlds."""
    import_ultralytics()
    from ultralytics import YOLO

    metrics = YOLO(str(weights)).val(data=str(data), imgsz=imgsz, device="cpu", plots=False, verbose=False, workers=0)
    return PoseScores(
        box_map50=metrics.box.map50,
        box_map=metrics.box.map,
        keypoints_map50=metrics.pose.map50,
        keypoints_map=metrics.pose.map,
    )


def _compute_in_bfloat16(trainer: Any) -> None:
    """Let the network compute in bfloat16, at which CPUs with the instructions for it are faster.

    Its loss stays float32. Called once the average of the weights has its own copy of the network, which is saved.
    """
    exact = trainer.model.predict

    def predict(*args: Any, **kwargs: Any) -> Any:
        with torch.autocast("cpu", torch.bfloat16):
            found = exact(*args, **kwargs)
        return _in_float32(found)

    trainer.model.predict = predict


def _in_float32(found: Any) -> Any:
    if isinstance(found, torch.Tensor):
        return found.float() if found.is_floating_point() else found
    if isinstance(found, dict):
        return {name: _in_float32(value) for name, value in found.items()}
    if isinstance(found, list | tuple):
        return type(found)(_in_float32(value) for value in found)
    return found
