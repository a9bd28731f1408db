"""The networks that a benchmark compares, as BoxMOT sees them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeAlias

import numpy as np
import torch

from keyreid_stream.errors import InputError
from keyreid_stream.interfaces import ClipHead, FrameEncoder
from keyreid_stream.structures import FloatArray, ImageArray
from keyreid_stream.tracking.appearance import KeyReIDAppearance
from keyreid_stream.tracking.keypoint_store import KeypointStore
from keyreid_stream.tracking.unit_vectors import unit_vector
from keyreid_stream.tracking.version import require_boxmot

EmbedPictures: TypeAlias = Callable[[Sequence[ImageArray]], FloatArray]
"""N pictures (H, W, 3) uint8 RGB of any sizes, at least one, -> (N, D)"""

_PROBE = (128, 64, 3)


class Entrant(Protocol):
    """A re-ID network."""

    @property
    def name(self) -> str:
        """For tables and files."""
        ...

    @property
    def sha256(self) -> str:
        """Of its weights."""
        ...

    @property
    def clip_head(self) -> ClipHead | None:
        """What makes clips of its appearances; None where it knows single pictures alone."""
        ...

    def appearance(self, keypoints: KeypointStore) -> Any:
        """It as BoxMOT's `AppearanceEncoder`; keypoints of a frame's people are in the store if they are known."""
        ...


class KeyReIDEntrant:
    """A KeyRe-ID network."""

    def __init__(self, name: str, sha256: str, encoder: FrameEncoder, clip_head: ClipHead) -> None:
        """Both halves of a network, and what to call it."""
        self.name, self.sha256 = name, sha256
        self._encoder = encoder
        self.clip_head: ClipHead | None = clip_head

    def appearance(self, keypoints: KeypointStore) -> KeyReIDAppearance:
        """It as BoxMOT's `AppearanceEncoder`."""
        return KeyReIDAppearance(self._encoder, keypoints=keypoints)


class PictureEntrant:
    """Any network that embeds pictures of people one by one."""

    clip_head: ClipHead | None = None

    def __init__(self, name: str, sha256: str, embed: EmbedPictures) -> None:
        """A network, and what to call it."""
        self.name, self.sha256 = name, sha256
        self._embed = embed

    def appearance(self, keypoints: KeypointStore) -> PictureAppearance:  # noqa: ARG002
        """It as BoxMOT's `AppearanceEncoder`; it has no use for keypoints."""
        return PictureAppearance(self.name, self._embed)


class PictureAppearance:
    """BoxMOT's `AppearanceEncoder` on any network that embeds pictures; people are cut out as BoxMOT's own are."""

    def __init__(self, name: str, embed: EmbedPictures) -> None:
        """Wrap a network.

        Args:
            name: what errors call it.
            embed: the network.

        Raises:
            KeyReIDError: the installed BoxMOT is not one we support.
        """
        require_boxmot()
        self._name, self._embed = name, embed
        self.embedding_dim = int(embed([np.zeros(_PROBE, np.uint8)]).shape[1])

    @property
    def requirements(self) -> Any:
        """BoxMOT's `EncoderRequirements`: frames and boxes are enough."""
        from boxmot.reid.protocols import EncoderRequirements

        return EncoderRequirements()

    def encode(self, frames: Sequence[Any], detections: Sequence[Any]) -> list[torch.Tensor]:
        """Appearance of the people in some BoxMOT frames: per frame (N, D) float32 with rows of length 1.

        Raises:
            ValueError: frames and detections do not belong together.
            InputError: the network gave an appearance that is zero or not finite.
        """
        from boxmot.reid.core.crops import extract_crops

        pictures: list[ImageArray] = []
        for frame, found in zip(frames, detections, strict=True):
            if frame.sample_id != found.sample_id:
                raise ValueError(f"frame {frame.sample_id!r} got the detections of {found.sample_id!r}")
            image = np.ascontiguousarray(frame.image.permute(1, 2, 0).numpy())
            pictures += extract_crops(found.geometry.values.numpy(), image, _PROBE[:2]) if len(found) else []
        rows = self._rows(pictures)
        return [part.contiguous() for part in torch.split(rows, [len(found) for found in detections])]

    def _rows(self, pictures: Sequence[ImageArray]) -> torch.Tensor:
        rows = np.zeros((len(pictures), self.embedding_dim), np.float32)
        for row, vector in enumerate(self._embed(pictures) if pictures else ()):
            scaled = unit_vector(vector)
            if scaled is None:
                raise InputError(f"{self._name} gave an appearance that is zero or not finite; check its weights")
            rows[row] = scaled
        return torch.from_numpy(rows)
