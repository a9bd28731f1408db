"""The encoders that the settings ask for."""

from __future__ import annotations

import torch

from keyreid_stream.encoders.config import EncoderConfig
from keyreid_stream.encoders.torch_encoder import TorchClipHead, TorchFrameEncoder
from keyreid_stream.errors import ConfigError
from keyreid_stream.models.keyreid import KeyReID


def torch_encoders(model: KeyReID, config: EncoderConfig) -> tuple[TorchFrameEncoder, TorchClipHead]:
    """Both halves of a model on PyTorch, on one device and in one precision.

    Raises:
        ConfigError: this machine does not have the device.
    """
    device, dtype = torch_device(config.device), getattr(torch, config.precision)
    return (
        TorchFrameEncoder(model, device=device, dtype=dtype, batch_size=config.batch_size),
        TorchClipHead(model, device=device, dtype=dtype, batch_size=config.batch_size),
    )


def torch_device(name: str) -> torch.device:
    """The device of this name; `auto` is the first CUDA GPU where there is one, else the CPU.

    Raises:
        ConfigError: this machine does not have it.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    device = torch.device(name)
    available = {
        "cpu": 1,
        "cuda": torch.cuda.device_count() if torch.cuda.is_available() else 0,
        "mps": int(torch.backends.mps.is_available()),
    }
    if (device.index or 0) >= available[device.type]:
        there = [kind if count == 1 else f"{kind}:0-{count - 1}" for kind, count in available.items() if count]
        raise ConfigError(f"device {name!r} is not on this machine; choose auto or one of: {', '.join(there)}")
    return device
