"""What a run kept of people besides its events: places on the floor, decisions, and how well body parts were seen."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d

from keyreid_demos.people import Person
from keyreid_stream.association.decisions import Decision
from keyreid_stream.association.gallery import Gallery
from keyreid_stream.errors import InputError
from keyreid_stream.models.parts import PART_NAMES
from keyreid_stream.report.explanation import explanation
from keyreid_stream.structures import TrackKey

_LONGEST_GAP_S = 1.0
_FASTEST_M_S = 4.0
"""Faster than that is no walk but a box that jumped."""

_FEWEST = 3
_WINDOW = 7
"""Sightings over which places are evened out."""


Ways = dict[TrackKey, tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]]
"""Of each track: frames (n,), times (n,), places (n, 2) in metres."""


def ways_on_floor(folder: Path) -> Ways:
    """Where a calibrated run's tracks went; nothing, if it kept no table or was not calibrated.

    Raises:
        InputError: the table is damaged.
    """
    path = folder / "sightings.parquet"
    if not path.is_file():
        return {}
    try:
        table = pq.read_table(
            path, columns=["camera_id", "track_id", "frame_index", "timestamp_s", "floor_x_m", "floor_y_m"]
        )
    except (pa.ArrowException, OSError, ValueError) as error:
        raise InputError(f"{path} is damaged; make the run again") from error
    places = np.stack([table[name].to_numpy() for name in ("floor_x_m", "floor_y_m")], axis=1).astype(float)
    known = np.isfinite(places).all(axis=1)
    cameras, tracks = table["camera_id"].to_pylist(), table["track_id"].to_numpy()
    frames, times_s = table["frame_index"].to_numpy(), table["timestamp_s"].to_numpy()
    rows: defaultdict[TrackKey, list[int]] = defaultdict(list)
    for row in np.flatnonzero(known).tolist():
        rows[TrackKey(cameras[row], int(tracks[row]))].append(row)
    return {key: (frames[own], times_s[own], places[own]) for key, own in rows.items()}


def ways_of(person: Person, ways: Ways) -> list[NDArray[np.float64]]:
    """Unbroken pieces (n, 2) of somebody's way."""
    pieces: list[NDArray[np.float64]] = []
    for one in person.sightings:
        if one.key not in ways:
            continue
        _, times_s, places = ways[one.key]
        during = (times_s >= one.first_s - 1e-6) & (times_s <= one.last_s + 1e-6)
        pieces += _pieces(times_s[during], places[during])
    return pieces


def decisions_about(folder: Path, person: Person) -> list[Decision]:
    """All decisions about somebody, by whatever id they were known; none if the run recorded none."""
    found: list[Decision] = []
    for identity_id in sorted(person.ids):
        try:
            found += explanation(folder, identity_id).decisions
        except InputError:  # none was recorded, or none about this id
            continue
    unique = {(one.timestamp_s, one.kind, one.identity_id, one.camera_id, one.track_id): one for one in found}
    return [unique[key] for key in sorted(unique, key=lambda key: key[0])]


def parts_seen(gallery: Gallery, identity_id: int) -> tuple[Sequence[tuple[str, float]], int]:
    """How well each body part of somebody was seen: names and means over their views; and how many views."""
    views = gallery.exemplars(identity_id) if identity_id in gallery else ()
    if not views:
        return (), 0
    shown = np.mean([one.signature.visibility[0] for one in views], axis=0)
    names = PART_NAMES if len(shown) == len(PART_NAMES) else [f"part {number}" for number in range(1, len(shown) + 1)]
    return list(zip(names, shown.tolist(), strict=True)), len(views)


def _pieces(times_s: NDArray[np.float64], places: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    if len(times_s) < _FEWEST:
        return []
    gaps_s = np.diff(times_s)
    fast = np.linalg.norm(np.diff(places, axis=0), axis=1) > _FASTEST_M_S * np.maximum(gaps_s, 1e-3) + 0.5
    breaks = np.flatnonzero((gaps_s > _LONGEST_GAP_S) | fast) + 1
    return [
        uniform_filter1d(piece, _WINDOW, axis=0, mode="nearest")
        for piece in np.split(places, breaks)
        if len(piece) >= _FEWEST
    ]
