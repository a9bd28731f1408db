"""Encoders: the network on PyTorch behind the seams `FrameEncoder` and `ClipHead`. Engines plug in behind the same."""

from keyreid_stream.encoders.build import torch_encoders
from keyreid_stream.encoders.card import BackendCard
from keyreid_stream.encoders.config import EncoderConfig
from keyreid_stream.encoders.torch_encoder import TorchClipHead, TorchFrameEncoder

__all__ = ["BackendCard", "EncoderConfig", "TorchClipHead", "TorchFrameEncoder", "torch_encoders"]
