"""The two halves of KeyRe-ID on compiled graphs, behind the same seams as those on PyTorch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from keyreid_engines.backend import Arrays, Graph
from keyreid_stream.encoders.card import BackendCard
from keyreid_stream.models.frame_encoder import UNKNOWN_CAMERA
from keyreid_stream.models.temporal import slot_frames
from keyreid_stream.structures import Clip, ClipEmbeddings, Crops, CropSpec, EmbeddingLayout, Encodings, ImageArray


class EngineFrameEncoder:
    """Crops to tokens, class rows and appearance, in chunks of at most `max_batch`; no row is ever added.

    Attributes:
        backend: what runs it, for reports.
    """

    def __init__(
        self,
        graph: Graph,
        spec: CropSpec,
        channels: int,
        *,
        max_batch: int = 64,
        cameras: bool = False,
        backend: BackendCard | None = None,
    ) -> None:
        """Take a compiled `frame_encoder` graph.

        Args:
            graph: what runs it.
            spec: the crops it wants.
            channels: D.
            max_batch: the most crops in one call of the graph.
            cameras: whether the graph wants camera indices; all are unknown then, as on PyTorch.
            backend: what runs it, for reports.

        Raises:
            ValueError: the batch is not positive.
        """
        self._graph, self._spec, self._channels = graph, spec, channels
        self._max_batch = _checked(max_batch)
        self._cameras = cameras
        self.backend = backend

    @property
    def crop_spec(self) -> CropSpec:
        """The crops it wants."""
        return self._spec

    def encode(self, crops: Crops) -> Encodings:
        """Encode N crops (N may be 0).

        Raises:
            ValueError: the crops are not what `crop_spec` asks for.
        """
        self._check(crops)
        starts = range(0, len(crops), self._max_batch)
        chunks = [self._encode_images(crops.images[start : start + self._max_batch]) for start in starts]
        row, spec = self._channels, self._spec
        return Encodings(
            _tensor(chunks, "tokens", (0, 1 + spec.patches, row)),
            _tensor(chunks, "class_rows", (0, row)),
            torch.tensor(crops.part_weights),
            _tensor(chunks, "appearance", (0, row)).numpy(),
        )

    def _encode_images(self, images: ImageArray) -> Arrays:
        inputs: Arrays = {"images": images}
        if self._cameras:
            inputs["cameras"] = np.full(len(images), UNKNOWN_CAMERA, np.int64)
        return self._graph(inputs)

    def _check(self, crops: Crops) -> None:
        spec = self._spec
        if crops.images.shape[1:3] != (spec.height, spec.width):
            height, width = crops.images.shape[1:3]
            raise ValueError(f"crops must be {spec.height}x{spec.width} pixels, got {height}x{width}")
        if crops.part_weights.shape[1:] != (spec.parts, spec.patches):
            parts, patches = crops.part_weights.shape[1:]
            raise ValueError(
                f"part weights must be for {spec.parts} parts of {spec.patches} patches, got {parts} of {patches}"
            )


class EngineClipHead:
    """Clips to embeddings, in chunks of at most `max_batch`. A short clip is filled as `slot_frames` says.

    Attributes:
        backend: what runs it, for reports.
    """

    def __init__(
        self,
        graph: Graph,
        layout: EmbeddingLayout,
        frames_per_clip: int,
        *,
        max_batch: int = 64,
        backend: BackendCard | None = None,
    ) -> None:
        """Take a compiled `clip_head` graph.

        Args:
            graph: what runs it.
            layout: of its embeddings.
            frames_per_clip: T.
            max_batch: the most clips in one call of the graph.
            backend: what runs it, for reports.

        Raises:
            ValueError: the batch is not positive.
        """
        self._graph, self._layout, self._frames = graph, layout, frames_per_clip
        self._max_batch = _checked(max_batch)
        self.backend = backend

    @property
    def frames_per_clip(self) -> int:
        """T, the most crops that a clip may hold."""
        return self._frames

    @property
    def layout(self) -> EmbeddingLayout:
        """The layout of its embeddings."""
        return self._layout

    def embed(self, clips: Sequence[Clip]) -> ClipEmbeddings:
        """One embedding per clip (there may be none).

        Raises:
            ValueError: a clip holds more than T crops.
        """
        starts = range(0, len(clips), self._max_batch)
        chunks = [self._graph(self._filled(clips[start : start + self._max_batch])) for start in starts]
        layout = self._layout
        return ClipEmbeddings(
            _tensor(chunks, "embedding", (0, layout.size)).numpy(),
            _tensor(chunks, "visibility", (0, layout.parts)).numpy(),
            layout,
        )

    def _filled(self, clips: Sequence[Clip]) -> Arrays:
        """The graph's inputs, with all T slots of every clip filled."""
        slots = [slot_frames(len(clip), self._frames) for clip in clips]
        pairs = list(zip(clips, slots, strict=True))
        return {
            "tokens": torch.stack([clip.tokens[frames] for clip, frames in pairs]).numpy(),
            "class_rows": torch.stack([clip.class_rows[frames] for clip, frames in pairs]).numpy(),
            "part_weights": torch.stack([clip.part_weights[frames] for clip, frames in pairs]).numpy(),
        }


def _checked(max_batch: int) -> int:
    if max_batch < 1:
        raise ValueError(f"max_batch must be at least 1, got {max_batch}")
    return max_batch


def _tensor(chunks: Sequence[Arrays], name: str, empty: tuple[int, ...]) -> torch.Tensor:
    """One output of all chunks, float32; of shape `empty` where there is no chunk."""
    arrays = [np.asarray(chunk[name], np.float32) for chunk in chunks]
    if not arrays:
        return torch.zeros(empty)
    return torch.from_numpy(arrays[0] if len(arrays) == 1 else np.concatenate(arrays))
