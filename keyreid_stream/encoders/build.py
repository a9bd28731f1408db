"""The encoders that the settings ask for."""

from __future__ import annotations

import torch

from keyreid_stream.devices import torch_device
from keyreid_stream.encoders.config import EncoderConfig
from keyreid_stream.encoders.torch_encoder import TorchClipHead, TorchFrameEncoder
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
