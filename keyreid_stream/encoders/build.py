"""The encoders that the settings ask for."""

from __future__ import annotations

import torch

from keyreid_stream.devices import torch_device
from keyreid_stream.encoders.compiled import CompiledClipHead, CompiledFrameEncoder
from keyreid_stream.encoders.config import EncoderConfig
from keyreid_stream.encoders.torch_encoder import TorchClipHead, TorchFrameEncoder
from keyreid_stream.errors import ConfigError
from keyreid_stream.models.keyreid import KeyReID


def torch_encoders(model: KeyReID, config: EncoderConfig) -> tuple[TorchFrameEncoder, TorchClipHead]:
    """Both halves of a model on PyTorch, on one device and in one precision.

    Raises:
        ConfigError: this machine does not have the device, or the settings name a backend other than PyTorch.
    """
    if config.backend not in ("torch", "auto"):
        raise ConfigError(
            f"backend {config.backend} is compiled: give the pipeline make_encoders=EngineEncoders(print) of "
            "keyreid_engines, or set backend to torch or auto"
        )
    precision = "float32" if config.precision == "auto" else config.precision
    device, dtype = torch_device(config.device), getattr(torch, precision)
    batch_size = config.batch_on(device)
    if config.compile:
        return (
            CompiledFrameEncoder(model, device=device, dtype=dtype, batch_size=batch_size),
            CompiledClipHead(model, device=device, dtype=dtype, batch_size=batch_size),
        )
    return (
        TorchFrameEncoder(model, device=device, dtype=dtype, batch_size=batch_size),
        TorchClipHead(model, device=device, dtype=dtype, batch_size=batch_size),
    )
