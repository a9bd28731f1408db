"""What a training step costs: our network beside a straightforward implementation of the published arrangement.

Both ways train the same published model, on the same clips, with the same losses and the same optimiser; they differ
in how a clip's features are computed, and give the same gradients (tests/parity/test_training_step.py). On a CPU both
use plain instead of fused attention, whose backward pass is the slower one there.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from keyreid_stream.models.published_head import heatmaps_to_part_weights
from keyreid_train.data.structures import ClipBatch
from keyreid_train.learner import Learner
from keyreid_train.network import starting_network
from keyreid_train.optimiser import build_optimiser
from keyreid_train.recipes import recipe
from keyreid_train.settings import TrainConfig
from tests.bench.model_bench import BenchRow, alternating_seconds
from tests.parity.unfactorised import unfactorised_features

MIN_SPEED_UP = 1.5

PEOPLE = 625
"""As MARS has for training: the classifiers are part of the step."""


def run(rounds: int = 2) -> list[BenchRow]:
    """Clips per second of both ways: on the CPU in float32, and on a GPU in bf16 where there is one."""
    rows = training_steps("cpu", rounds, clips=2)
    return rows + training_steps("cuda", 5 * rounds, clips=16) if torch.cuda.is_available() else rows


def training_steps(device: str, rounds: int, clips: int) -> list[BenchRow]:
    """Medians over `rounds` of forward pass, losses, backward pass and move, on batches of so many 4-frame clips."""
    seconds = alternating_seconds(_ways(published_settings(device), clips), rounds)
    ours, published = (clips / taken for taken in seconds)
    where = "CPU, float32" if device == "cpu" else f"{torch.cuda.get_device_name()}, bf16"
    speed_up = ours / published
    return [
        BenchRow(f"training step, factorised ({where})", ours, "clips/s"),
        BenchRow(f"training step, published arrangement ({where})", published, "clips/s"),
        BenchRow(f"training speed-up ({where})", speed_up, "x", f"at least {MIN_SPEED_UP}", speed_up >= MIN_SPEED_UP),
    ]


def published_settings(device: str) -> TrainConfig:
    """The published recipe from random weights, with a learning rate at which they stay finite."""
    settings = recipe("mars_vit_base_published")
    optimiser = settings.optimiser.model_copy(update={"learning_rate": 1e-5})
    return settings.model_copy(update={"imagenet": False, "device": device, "optimiser": optimiser})


def steps(learner: Learner, clips: int, device: str) -> tuple[Callable[[], torch.Tensor], Callable[[], torch.Tensor]]:
    """The loss of one batch, computed our way and the published way."""
    model = learner.model
    spec, frames = model.crop_spec, model.config.frames
    generator = torch.Generator().manual_seed(0)
    crops = torch.randn(clips, frames, 3, spec.height, spec.width, generator=generator).to(device)
    heatmaps = 2 * torch.rand(clips, frames, spec.parts, spec.height, spec.width, generator=generator).to(device) - 1
    labels = torch.arange(clips, device=device) // 2
    cameras = torch.arange(clips, device=device) % model.config.cameras
    erased = torch.zeros(clips, frames, device=device)
    batch = ClipBatch(crops, heatmaps_to_part_weights(heatmaps, spec), labels, cameras, erased)
    cameras_of_frames = cameras[:, None].expand(-1, frames)

    def factorised() -> torch.Tensor:
        return learner(batch).terms.total

    def published() -> torch.Tensor:
        features = unfactorised_features(model, crops, heatmaps, cameras_of_frames)
        assert model.classifiers is not None
        return learner.loss(features, model.classifiers(features), labels, erased).total

    return factorised, published


def _ways(config: TrainConfig, clips: int) -> tuple[Callable[[], object], Callable[[], object]]:
    model, _ = starting_network(config, PEOPLE)
    if config.device == "cpu":
        model.clip_head.local.block.attn.fused_attn = False  # only the published way runs all of this block
    learner = Learner(model.to(config.device), config.loss).to(config.device)
    optimiser = build_optimiser(learner, config.optimiser)
    factorised, published = steps(learner, clips, config.device)

    def step(loss_of: Callable[[], torch.Tensor]) -> float:
        with torch.autocast(config.device, torch.bfloat16, enabled=config.device != "cpu"):
            loss = loss_of()
        loss.backward()
        optimiser.step()
        optimiser.zero_grad()
        return float(loss.detach())  # waits for a GPU

    return lambda: step(factorised), lambda: step(published)
