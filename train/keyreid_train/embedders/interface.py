"""What an embedder is, and what it is given.

Letters: B clips, t images of a clip, H×W pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

from keyreid_stream.structures import ClipEmbeddings, FloatArray, ImageArray

Half: TypeAlias = Literal["upper", "lower"]

HALVES: tuple[Half, ...] = ("upper", "lower")


@dataclass(frozen=True, slots=True, eq=False)
class ClipImages:
    """Consecutive images of one tracklet.

    Attributes:
        images: t pictures (H, W, 3) uint8 RGB, of any sizes.
        keypoints: (t, 17, 3) float32, x, y in pixels of each picture and confidence; None where unknown.
    """

    images: tuple[ImageArray, ...]
    keypoints: FloatArray | None


class ClipEmbedder(Protocol):
    """Embeds clips."""

    @property
    def name(self) -> str:
        """For tables and files."""
        ...

    @property
    def sha256(self) -> str:
        """Of the weights."""
        ...

    @property
    def frames(self) -> int:
        """Longest clip; 1 where every image is embedded alone."""
        ...

    def embed(self, clips: Sequence[ClipImages], hidden: Half | None = None) -> ClipEmbeddings:
        """Embed clips of equal length, 1 to `frames`.

        Args:
            clips: at least one.
            hidden: black out this half of every image.
        """
        ...


def half_black(image: ImageArray, half: Half) -> ImageArray:
    """A copy with one half black."""
    black, middle = image.copy(), image.shape[0] // 2
    black[slice(None, middle) if half == "upper" else slice(middle, None)] = 0
    return black
