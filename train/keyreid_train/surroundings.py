"""What a training loop needs from the machine: processes, devices, randomness, memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState

from keyreid_stream.devices import torch_device
from keyreid_stream.errors import ConfigError
from keyreid_train.feeding import Serving
from keyreid_train.settings import TrainConfig


def accelerator_for(config: TrainConfig) -> Accelerator:
    """The accelerator of these settings; inside `accelerate launch`, one per process.

    Raises:
        ConfigError: this machine does not have the device.
    """
    device = torch_device(config.device)
    # A process may train more than once, with other settings.
    AcceleratorState._reset_state(reset_partial_state=not torch.distributed.is_initialized())
    if device.type == "cpu" and config.loop.precision == "fp16":
        raise ConfigError("loop.precision 'fp16' needs a GPU; choose 'bf16' or 'no' on a CPU")
    return Accelerator(
        cpu=device.type == "cpu", mixed_precision=config.loop.precision, step_scheduler_with_optimizer=False
    )


def step_seed(seed: int, step: int, process: int) -> int:
    """A seed of its own for every step of every process."""
    return int(np.random.SeedSequence((seed, step, process)).generate_state(1, np.uint64)[0] >> 1)


@contextmanager
def randomness_restored(device: torch.device) -> Iterator[None]:
    """Leave torch's randomness as it was before the block."""
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        yield


def on_device(serving: Serving, device: torch.device) -> Serving:
    """A batch where the network is."""
    batch, teacher = serving
    moved = type(batch)(*(tensor.to(device, non_blocking=True) for tensor in batch))
    return Serving(moved, None if teacher is None else teacher.to(device))


def memory_advice(config: TrainConfig) -> str:
    """What to do when a batch does not fit."""
    identities = config.batch.identities
    return (
        f"out of memory with {identities} identities x {config.batch.clips} clips of up to {max(config.batch.frames)} "
        f"frames; set batch.identities to {max(2, identities // 2)} and loop.accumulation to "
        f"{2 * config.loop.accumulation}, or loop.checkpointing to true, and start anew"
    )
