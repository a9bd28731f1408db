"""Re-ID networks in ONNX format as an embedder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from keyreid_stream.structures import ClipEmbeddings, EmbeddingLayout
from keyreid_train.embedders.interface import ClipImages, Half, half_black
from keyreid_train.teacher import OnnxTeacher


class OnnxEmbedder:
    """A network that embeds single images; a clip is one image."""

    frames = 1

    def __init__(self, path: Path) -> None:
        """Open the network.

        Raises:
            InputError: it cannot be read, or is no re-ID network.
            MissingExtraError: onnxruntime is not installed.
        """
        self._network = OnnxTeacher(path)
        self.name, self.sha256 = f"onnx:{path}", self._network.sha256

    def embed(self, clips: Sequence[ClipImages], hidden: Half | None = None) -> ClipEmbeddings:
        """Embed images to vectors of unit length; see `ClipEmbedder.embed`."""
        images = [half_black(clip.images[0], hidden) if hidden else clip.images[0] for clip in clips]
        vectors = self._network.embed_images(images)
        return ClipEmbeddings(vectors, np.zeros((len(vectors), 0), np.float32), EmbeddingLayout(vectors.shape[1], 0, 0))
