"""Our own weights as an embedder."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from keyreid_stream.devices import torch_device
from keyreid_stream.models.crops import join_crops, make_crops
from keyreid_stream.models.load import LoadedModel, load_model
from keyreid_stream.structures import ClipEmbeddings, Crops
from keyreid_train.embedders.interface import ClipImages, Half
from keyreid_train.learner import clip_features
from keyreid_train.scoring import half_hidden


class KeyreidEmbedder:
    """Weights that `keyreid track --weights` takes."""

    def __init__(self, weights: str, device: str = "auto") -> None:
        """Load them.

        Args:
            weights: a weights file, or a name of `keyreid weights list`.
            device: as `devices.torch_device` names it.

        Raises:
            WeightsError: they are missing, damaged or foreign.
            ConfigError: there is no such device.
        """
        self._device = torch_device(device)
        self.loaded: LoadedModel = load_model(weights=weights)
        self.loaded.model.to(self._device)
        self.name, self.sha256 = f"keyreid:{weights}", self.loaded.card.sha256
        self.frames = self.loaded.model.config.frames

    @torch.inference_mode()
    def embed(self, clips: Sequence[ClipImages], hidden: Half | None = None) -> ClipEmbeddings:
        """Embed clips of equal length; see `ClipEmbedder.embed`."""
        model = self.loaded.model
        spec = model.crop_spec
        found = [half_hidden(one, spec, hidden) if hidden else one for one in map(self._crops, clips)]
        images = torch.from_numpy(np.stack([one.images for one in found])).movedim(-1, 2)
        weights = torch.from_numpy(np.stack([one.part_weights for one in found]))
        features = clip_features(model, images.to(self._device), weights.to(self._device))
        return ClipEmbeddings(
            features.embedding.float().cpu().numpy(), features.visibility.float().cpu().numpy(), model.layout
        )

    def _crops(self, clip: ClipImages) -> Crops:
        spec = self.loaded.model.crop_spec
        crops = []
        for place, image in enumerate(clip.images):
            box = np.array([[0, 0, image.shape[1], image.shape[0]]], np.float32)
            keypoints = None if clip.keypoints is None else clip.keypoints[place : place + 1]
            crops.append(make_crops(image, box, keypoints, spec))
        return join_crops(crops, spec)
