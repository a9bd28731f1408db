"""What a network looks at in single images, drawn over them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from keyreid_stream.models.crops import make_crops
from keyreid_stream.models.keyreid import KeyReID
from keyreid_stream.models.looking import look
from keyreid_stream.models.parts import PART_NAMES
from keyreid_stream.report.looking_sheet import PART_COLOURS, heated, parted
from keyreid_stream.structures import CropSpec, FloatArray, ImageArray
from keyreid_train.embedders.interface import Half
from keyreid_train.scoring import half_hidden

_LEAST = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class LookedPicture:
    """An image as the network has it, plain and drawn over; all of them (H, W, 3) uint8 RGB.

    Attributes:
        plain: the image.
        attention: under the global branch's attention, None where the network has none to show.
        parts: under the patches of its parts, None where they are everywhere.
    """

    plain: ImageArray
    attention: ImageArray | None = None
    parts: ImageArray | None = None


class DrawLooks(Protocol):
    """Draws over an image."""

    def __call__(self, image: ImageArray, keypoints: FloatArray | None, hidden: Half | None) -> LookedPicture:
        """Draw.

        Args:
            image: (H, W, 3) uint8 RGB.
            keypoints: (17, 3) x, y in pixels and confidence; None where unknown.
            hidden: black out this half.
        """
        ...


def keyreid_looks(model: KeyReID) -> DrawLooks:
    """Draws what a network of ours looks at; the heat is attention as a share of the strongest in the image.

    Args:
        model: in evaluation mode.
    """
    spec = model.crop_spec

    def draw(image: ImageArray, keypoints: FloatArray | None, hidden: Half | None) -> LookedPicture:
        box = np.array([[0, 0, image.shape[1], image.shape[0]]], np.float32)
        crops = make_crops(image, box, None if keypoints is None else keypoints[None], spec)
        if hidden is not None:
            crops = half_hidden(crops, spec, hidden)
        crop, patches = crops.images[0], look(model, crops.images).patches[0]
        return LookedPicture(
            plain=crop,
            attention=heated(crop, patches / max(float(patches.max()), _LEAST), spec),
            parts=parted(crop, crops.part_weights[0], spec) if spec.parts and keypoints is not None else None,
        )

    return draw


def part_colours(spec: CropSpec) -> list[tuple[str, str]]:
    """The parts of a model, and in which colour each is drawn, for a legend."""
    return [
        (name.replace("_", " "), "#" + bytes(colour).hex())
        for name, colour in zip(PART_NAMES[: spec.parts], PART_COLOURS, strict=False)
    ]
