"""All settings of a training in one frozen tree; recipes are functions that return one."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from keyreid_stream.devices import DeviceName
from keyreid_stream.models.config import ModelConfig
from keyreid_train.augmentation.config import AugmentationConfig
from keyreid_train.losses.config import LossConfig
from keyreid_train.optimiser import OptimiserConfig
from keyreid_train.sampler import BatchConfig
from keyreid_train.schedule import ScheduleConfig


class DataConfig(BaseModel):
    """What a training reads.

    Attributes:
        sets: names of data sets; their people are different people.
        folders: where a set is, by its name; the others are below the root that the command gets.
        keypoints: folder with NAME.npz for every set, made by `keyreid train prepare`; empty: crops whose set brings
            no keypoints show every part everywhere.
        teacher: folder with NAME.npz for every set, made by `keyreid train teach`; empty for no distillation.
        validate_on: sets that give people to the validation part; empty for all.
        validation_share: of the people with two cameras of those sets, who are not trained on; 0 for no validation.
        validation_images: of a tracklet, at most; 0 for all.
        keep_in_memory: keep decoded crops in memory.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    sets: tuple[str, ...] = Field(min_length=1)
    folders: dict[str, str] = Field(default_factory=dict)
    keypoints: str = ""
    teacher: str = ""
    validate_on: tuple[str, ...] = ()
    validation_share: float = Field(default=0.1, ge=0, lt=1)
    validation_images: int = Field(default=8, ge=0)
    keep_in_memory: bool = True


class LoopConfig(BaseModel):
    """How long and how the loop runs.

    Attributes:
        epochs: of the training; a checkpoint is written after each.
        steps: batches of an epoch, per process; 0 for as many as show everyone about once.
        accumulation: batches whose gradients make one move of the parameters.
        checkpointing: compute the backbone's blocks again for the backward pass: less memory, a third more time.
        precision: of the network's arithmetic; parameters and losses are float32.
        average_decay: of the moving average that is evaluated and saved.
        drop_path: the chance that a block of the backbone is skipped for a crop, growing linearly to this one.
        tcss: the chance that a clip is perturbed in time (method section 4); 0 for never.
        validate_every: epochs between two validations; the last epoch is always validated.
        log_every: steps between two lines of the log.
        workers: processes that prepare batches; 0 prepares them in the loop.
        tensorboard: also write what log.csv and validation.csv say for TensorBoard, which must be installed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    epochs: int = Field(default=120, ge=1)
    steps: int = Field(default=0, ge=0)
    accumulation: int = Field(default=1, ge=1)
    checkpointing: bool = False
    precision: Literal["no", "bf16", "fp16"] = "bf16"
    average_decay: float = Field(default=0.999, ge=0, lt=1)
    drop_path: float = Field(default=0.0, ge=0, lt=1)
    tcss: float = Field(default=0.5, ge=0, le=1)
    validate_every: int = Field(default=5, ge=1)
    log_every: int = Field(default=20, ge=1)
    workers: int = Field(default=0, ge=0, le=64)
    tensorboard: bool = False


class TrainConfig(BaseModel):
    """A whole training.

    Attributes:
        recipe: the name of the recipe that these settings come from.
        model: the network.
        data: what is read.
        augmentation: random changes of clips.
        loss: weights of the losses.
        batch: what a batch holds.
        optimiser: how parameters move.
        schedule: how the learning rate goes.
        loop: how long and how the loop runs.
        device: where to train.
        seed: of everything random.
        imagenet: start the backbone from timm's pretrained weights, which downloads them.
        weights: start from the parameters of this weights file, as far as their names and shapes fit; empty for none.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    recipe: str
    model: ModelConfig
    data: DataConfig
    augmentation: AugmentationConfig = AugmentationConfig()
    loss: LossConfig = LossConfig()
    batch: BatchConfig = BatchConfig()
    optimiser: OptimiserConfig = OptimiserConfig()
    schedule: ScheduleConfig = ScheduleConfig()
    loop: LoopConfig = LoopConfig()
    device: DeviceName = "auto"
    seed: int = Field(default=0, ge=0)
    imagenet: bool = False
    weights: str = ""
