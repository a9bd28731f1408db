"""Our own weights as an embedder, through the two stages that `keyreid track` runs: on any of its backends."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TypeAlias

import numpy as np

from keyreid_stream.interfaces import ClipHead, FrameEncoder
from keyreid_stream.models.crops import join_crops
from keyreid_stream.models.load import LoadedModel
from keyreid_stream.structures import Clip, ClipEmbeddings
from keyreid_train.embedders.interface import ClipImages, Half
from keyreid_train.embedders.keyreid import KeyreidEmbedder
from keyreid_train.scoring import half_hidden

MakeStages: TypeAlias = Callable[[LoadedModel], tuple[FrameEncoder, ClipHead]]


class StagesEmbedder(KeyreidEmbedder):
    """Weights that `keyreid track --weights` takes, as frame encoder and clip head."""

    def __init__(self, weights: str, make_stages: MakeStages, backend: str) -> None:
        """Load them and put them on a backend.

        Args:
            weights: a weights file, or a name of `keyreid weights list`.
            make_stages: makes both halves of the loaded model.
            backend: what they run on, for the record.

        Raises:
            KeyReIDError: they cannot be loaded, or not be put there.
        """
        super().__init__(weights, "cpu")
        self._encoder, self._head = make_stages(self.loaded)
        self.name = f"{self.name} on {backend}"

    def embed(self, clips: Sequence[ClipImages], hidden: Half | None = None) -> ClipEmbeddings:
        """Embed clips of equal length; see `ClipEmbedder.embed`."""
        spec = self.loaded.model.crop_spec
        found = [half_hidden(one, spec, hidden) if hidden else one for one in map(self._crops, clips)]
        encoded = self._encoder.encode(join_crops(found, spec))
        ends = np.cumsum([0, *map(len, found)]).tolist()
        return self._head.embed(
            [
                Clip(encoded.tokens[start:end], encoded.class_rows[start:end], encoded.part_weights[start:end])
                for start, end in pairwise(ends)
            ]
        )
