"""The two halves of KeyRe-ID on an engine whose tensors stay on the device: pictures go up, embeddings come down."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from keyreid_engines.encoders import EngineClipHead, EngineFrameEncoder
from keyreid_engines.tensorrt_runtime import DeviceGraph, Tensors
from keyreid_stream.models.frame_encoder import UNKNOWN_CAMERA
from keyreid_stream.models.temporal import slot_frames
from keyreid_stream.structures import Clip, ClipEmbeddings, Crops, CropSpec, EmbeddingLayout, Encodings, FloatArray


class DeviceFrameEncoder(EngineFrameEncoder):
    """Crops to tokens, class rows and appearance. All but the appearance stays on the device."""

    def __init__(self, graph: DeviceGraph, spec: CropSpec, channels: int, **settings: Any) -> None:
        """Take a compiled `frame_encoder` graph; see `EngineFrameEncoder`."""
        super().__init__(graph, spec, channels, **settings)
        self._on_device = graph

    def encode(self, crops: Crops) -> Encodings:
        """Encode N crops (N may be 0).

        Raises:
            ValueError: the crops are not what `crop_spec` asks for.
            EngineError: the engine fails.
        """
        self._check(crops)
        graph = self._on_device
        dtype = graph.dtypes["tokens"]
        if len(crops) == 0:
            outputs = self._nothing(dtype)
        else:
            images = graph.side.upload(torch.tensor(crops.images))
            outputs = graph.run({"images": images, **self._camera_input(len(crops))}, self._max_batch)
        part_weights = graph.side.upload(torch.tensor(crops.part_weights, dtype=dtype))
        return Encodings(outputs["tokens"], outputs["class_rows"], part_weights, _on_host(outputs["appearance"]))

    def _camera_input(self, rows: int) -> Tensors:
        if not self._cameras:
            return {}
        return {"cameras": torch.full((rows,), UNKNOWN_CAMERA, dtype=torch.long, device=self._on_device.side.device)}

    def _nothing(self, dtype: torch.dtype) -> Tensors:
        empty, channels = self._on_device.side.empty, self._channels
        return {
            "tokens": empty((0, 1 + self._spec.patches, channels), dtype),
            "class_rows": empty((0, channels), dtype),
            "appearance": empty((0, channels), torch.float32),
        }


class DeviceClipHead(EngineClipHead):
    """Clips to embeddings. A short clip is filled as `slot_frames` says."""

    def __init__(self, graph: DeviceGraph, layout: EmbeddingLayout, frames_per_clip: int, **settings: Any) -> None:
        """Take a compiled `clip_head` graph; see `EngineClipHead`."""
        super().__init__(graph, layout, frames_per_clip, **settings)
        self._on_device = graph

    def embed(self, clips: Sequence[Clip]) -> ClipEmbeddings:
        """One embedding per clip (there may be none).

        Raises:
            ValueError: a clip holds more than T crops.
            EngineError: the engine fails.
        """
        layout = self._layout
        vectors, visibility = [np.zeros((0, layout.size), np.float32)], [np.zeros((0, layout.parts), np.float32)]
        for start in range(0, len(clips), self._max_batch):
            outputs = self._on_device.run(self._stacked(clips[start : start + self._max_batch]))
            vectors.append(_on_host(outputs["embedding"]))
            visibility.append(_on_host(outputs["visibility"]))
        return ClipEmbeddings(np.concatenate(vectors), np.concatenate(visibility), layout)

    def _stacked(self, clips: Sequence[Clip]) -> Tensors:
        slots = [slot_frames(len(clip), self._frames) for clip in clips]
        pairs = list(zip(clips, slots, strict=True))
        dtypes, device = self._on_device.dtypes, self._on_device.side.device
        stacked = {
            "tokens": torch.stack([clip.tokens[frames] for clip, frames in pairs]),
            "class_rows": torch.stack([clip.class_rows[frames] for clip, frames in pairs]),
            "part_weights": torch.stack([clip.part_weights[frames] for clip, frames in pairs]),
        }
        return {name: tensor.to(device, dtypes[name]) for name, tensor in stacked.items()}


def _on_host(tensor: torch.Tensor) -> FloatArray:
    array: FloatArray = tensor.float().cpu().numpy()
    return array
