"""The gallery sheet: one row per identity, one column per camera."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from keyreid_stream.report.people import PersonSeen
from keyreid_stream.sinks.letterbox import letterboxed
from keyreid_stream.sinks.mosaic import clock_text
from keyreid_stream.sinks.palette import DARK, LIGHT, UNDECIDED, Colour, identity_colour
from keyreid_stream.sinks.text import Chip, Words
from keyreid_stream.structures import ImageArray

_CELL_HEIGHT, _CELL_WIDTH = 208, 120
_GAP = 8
_NAMES_WIDTH = 170
_HEAD_HEIGHT = 40
_EMPTY: Colour = (32, 34, 41)
_MOST_ROWS = 250
"""A JPEG has room for 65,535 rows of pixels."""


def gallery_sheet(people: Sequence[PersonSeen], camera_ids: Sequence[str]) -> ImageArray:
    """The sheet, (H, W, 3) RGB: a crop where a camera saw an identity, else an empty cell.

    Of more than 250 identities the first 250 are shown, and the sheet says so.
    """
    shown = people[:_MOST_ROWS]
    rows = max(1, len(shown))
    height = _HEAD_HEIGHT + rows * (_CELL_HEIGHT + _GAP) + _HEAD_HEIGHT
    width = _NAMES_WIDTH + len(camera_ids) * (_CELL_WIDTH + _GAP) + _GAP
    sheet = np.full((height, width, 3), DARK, np.uint8)
    for column, camera_id in enumerate(camera_ids):
        _write_centred(sheet, camera_id, _left(column), _HEAD_HEIGHT - 14)
    for row, person in enumerate(shown):
        _draw_person(sheet, row, person, camera_ids)
    foot = f"{len(shown)} of {len(people)} identities" if len(shown) < len(people) else f"{len(people)} identities"
    Words(foot, 11).draw(sheet, _GAP * 2, height - 14, UNDECIDED)
    return sheet


def cell_of(sheet: ImageArray, row: int, column: int) -> ImageArray:
    """The part of a sheet that shows one identity from one camera."""
    top, left = _top(row), _left(column)
    return sheet[top : top + _CELL_HEIGHT, left : left + _CELL_WIDTH]


def _draw_person(sheet: ImageArray, row: int, person: PersonSeen, camera_ids: Sequence[str]) -> None:
    top = _top(row)
    colour = identity_colour(person.identity_id)
    sheet[top : top + _CELL_HEIGHT, :6] = colour
    chip = Chip([Words(f"P{person.identity_id}", 20)], DARK, colour)
    chip.draw(sheet, 2 * _GAP + 4, top + 24)
    lines = ("first seen", clock_text(person.first_seen_s), "last seen", clock_text(person.last_seen_s))
    for number, line in enumerate(lines):
        ink = LIGHT if number % 2 else UNDECIDED
        Words(line, 12).draw(sheet, 2 * _GAP + 4, top + 24 + chip.height + 28 + 22 * number, ink)
    for column, camera_id in enumerate(camera_ids):
        cell = cell_of(sheet, row, column)
        crop = person.crops.get(camera_id)
        cell[:] = _EMPTY if crop is None else letterboxed(crop.image, *cell.shape[:2])


def _write_centred(sheet: ImageArray, text: str, left: int, baseline: int) -> None:
    words = Words(text, 12)
    if words.width > _CELL_WIDTH:  # a long name: smaller, so that it stays in its column
        words = Words(text, 12 * _CELL_WIDTH / words.width)
    words.draw(sheet, left + max(0, (_CELL_WIDTH - words.width) // 2), baseline, LIGHT)


def _top(row: int) -> int:
    return _HEAD_HEIGHT + row * (_CELL_HEIGHT + _GAP)


def _left(column: int) -> int:
    return _NAMES_WIDTH + column * (_CELL_WIDTH + _GAP)
