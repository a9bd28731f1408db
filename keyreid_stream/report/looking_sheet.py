"""Sheets of crops with heat over them: body parts' patch weights, and attention."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from keyreid_stream.models.looking import Looks
from keyreid_stream.models.parts import PART_NAMES
from keyreid_stream.structures import Crops, CropSpec, FloatArray, ImageArray

_GAP, _HEADER = 6, 22
_PAPER, _INK = 255, (40, 40, 40)
_STRONGEST = 0.75
"""How much of a patch's picture the strongest heat hides."""

_PART_STRONGEST = 0.6
"""The same, of the colour of a part: the person must be known under it."""

PART_COLOURS = ((250, 204, 21), (239, 68, 68), (34, 197, 94), (6, 182, 212), (168, 85, 247), (59, 130, 246))
"""RGB of each part in a picture of all of them, in the order of `PART_NAMES`."""

_MAX_ROWS = 64

_LEAST = 1e-12

_LEGIBLE_HEIGHT = 256
"""Smaller crops are drawn at a whole multiple of their size."""


def draw_parts(crops: Crops, spec: CropSpec) -> ImageArray:
    """A row for each crop: the crop, then it under the patch weights of each part.

    Heat is a weight as a share of the strongest on the sheet; of signed weights, which are from -1 to 1,
    (1 + weight) / 2 is taken. A crop of which no part is seen says so.

    Args:
        crops: N crops, at most 64.
        spec: of the model that the weights are for.

    Returns:
        (height, width, 3) uint8 RGB.

    Raises:
        ValueError: there are none, or more.
    """
    weights = crops.part_weights if spec.weighting == "soft" else (1 + crops.part_weights) / 2
    strongest = max(float(weights.max(initial=0)), _LEAST)
    rows = [
        [image, *(heated(image, part / strongest, spec) for part in parts)]
        for image, parts in zip(crops.images, weights, strict=True)
    ]
    notes = ["" if parts.any() else "unseen" for parts in weights]
    return _sheet(rows, ["crop", *PART_NAMES[: spec.parts]], notes)


def draw_attention(images: ImageArray, looks: Looks, spec: CropSpec) -> ImageArray:
    """A row for each crop of a clip: the crop, it under its class token's attention, and the share it has in the clip.

    Heat is attention as a share of the strongest in any patch of the clip.

    Args:
        images: (N, H, W, 3) uint8 RGB crops, at most 64.
        looks: what the model looks at in them.
        spec: of that model.

    Returns:
        (height, width, 3) uint8 RGB.

    Raises:
        ValueError: there are none, or more.
    """
    strongest = max(float(looks.patches.max(initial=0)), _LEAST)
    rows = [
        [image, heated(image, patches / strongest, spec)] for image, patches in zip(images, looks.patches, strict=True)
    ]
    shares = [f"{100 * share:.0f}%" for share in looks.crops.tolist()]
    return _sheet(rows, ["crop", "attention"], shares)


def heated(image: ImageArray, heat: FloatArray, spec: CropSpec) -> ImageArray:
    """A crop under the heat of its patches.

    Args:
        image: (H, W, 3) uint8 RGB.
        heat: (M,) from 0 to 1, patches row-major.
        spec: how many patches there are in a row and column.
    """
    size = (image.shape[1], image.shape[0])
    grid = np.clip(heat.reshape(spec.grid_rows, spec.grid_columns), 0, 1).astype(np.float32)
    # Patches with their edges, not smoothed: the model knows nothing finer.
    map_HW = cv2.resize(grid, size, interpolation=cv2.INTER_NEAREST)
    colours = cv2.applyColorMap((255 * map_HW).astype(np.uint8), cv2.COLORMAP_TURBO)[..., ::-1]
    share = _STRONGEST * map_HW[..., None]
    return np.asarray(np.rint((1 - share) * image + share * colours), np.uint8)


def parted(image: ImageArray, weights: FloatArray, spec: CropSpec) -> ImageArray:
    """A crop with every patch in the colour of the part that it tells most about, the more the stronger.

    Args:
        image: (H, W, 3) uint8 RGB.
        weights: (P, M), the part weights of its patches.
        spec: of the model that the weights are for.
    """
    heat = weights if spec.weighting == "soft" else (1 + weights) / 2
    part, strength = heat.argmax(axis=0), heat.max(axis=0) / max(float(heat.max(initial=0)), _LEAST)
    size, grid = (image.shape[1], image.shape[0]), (spec.grid_rows, spec.grid_columns)
    colours = np.array(PART_COLOURS, np.uint8)[part].reshape(*grid, 3)
    share = _PART_STRONGEST * np.sqrt(
        strength.reshape(grid).astype(np.float32)
    )  # square root: weak patches can be told
    over = cv2.resize(colours, size, interpolation=cv2.INTER_NEAREST)
    share_HW1 = cv2.resize(share, size, interpolation=cv2.INTER_NEAREST)[..., None]
    return np.asarray(np.rint((1 - share_HW1) * image + share_HW1 * over), np.uint8)


def _sheet(rows: Sequence[Sequence[ImageArray]], titles: Sequence[str], notes: Sequence[str]) -> ImageArray:
    if not 1 <= len(rows) <= _MAX_ROWS:
        raise ValueError(f"a sheet has 1 to {_MAX_ROWS} rows, got {len(rows)}")
    scale = -(-_LEGIBLE_HEIGHT // rows[0][0].shape[0])
    height, width = (scale * side for side in rows[0][0].shape[:2])
    step_y, step_x = height + _GAP, max(width, 96) + _GAP
    noted = 60 if any(notes) else 0
    sheet = np.full((_HEADER + step_y * len(rows) + _GAP, step_x * len(titles) + _GAP + noted, 3), _PAPER, np.uint8)
    for column, title in enumerate(titles):
        _write(sheet, title, _GAP + column * step_x, _HEADER - 8)
    for number, (row, note) in enumerate(zip(rows, notes, strict=True)):
        top = _HEADER + number * step_y
        for column, picture in enumerate(row):
            left = _GAP + column * step_x
            sheet[top : top + height, left : left + width] = picture.repeat(scale, 0).repeat(scale, 1)
        _write(sheet, note, _GAP + step_x * len(titles), top + height // 2)
    return sheet


def _write(sheet: ImageArray, text: str, x: int, y: int) -> None:
    cv2.putText(sheet, text, (x, y), cv2.FONT_HERSHEY_SIMPLEX, 0.45, _INK, 1, cv2.LINE_AA)
