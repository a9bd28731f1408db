"""Tracks of true sightings: perfect ones, or with people swapped where they cross."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from keyreid_stream.evaluation.boxes import iou
from keyreid_stream.simulation.sightings import Sightings
from keyreid_stream.structures import IntArray

MAX_UNSEEN_S = 1.0
"""Who was not seen for longer starts a new track, as in `oracle.tracker`."""

CROSSING_IOU = 0.3
"""Two people whose boxes overlap more are crossing: trackers then swap them."""

_ROUNDING_S = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class SimulatedTracks:
    """Which stretch and which track each of N sightings is of.

    Attributes:
        stretch: (N,) int64 from 0: a person's uninterrupted presence in one camera. What stays the same about a view
            (light, side, pose) stays for a stretch.
        track_id: (N,) int64 from 1, per camera; a track is a stretch as long as its tracker makes no error.
        swaps: how often two tracks exchanged their people.
    """

    stretch: IntArray
    track_id: IntArray
    swaps: int


def simulated_tracks(sightings: Sightings, swap_rate: float = 0.0, seed: int = 0) -> SimulatedTracks:
    """Track everyone; wherever two people of a camera cross, their tracks swap them with a certain probability.

    A swap happens at the frame of a crossing in which the boxes overlap most.

    Args:
        sightings: of all cameras.
        swap_rate: probability of a swap at a crossing, 0 to 1.
        seed: of which crossings become swaps. A higher rate keeps the swaps of a lower one.
    """
    stretch = np.zeros(len(sightings), np.int64)
    track_id = np.zeros(len(sightings), np.int64)
    known, swaps = 0, 0
    for camera in range(len(sightings.camera_ids)):
        rows = np.flatnonzero(sightings.camera == camera)
        stretch[rows] = _stretches(sightings, rows) + known
        crossings = _crossings(sightings, rows)
        chances = np.random.default_rng([seed, camera]).random(len(crossings))
        chosen = [one for one, chance in zip(crossings, chances, strict=True) if chance < swap_rate]
        track_id[rows] = _tracked(sightings, rows, stretch[rows], chosen)
        known, swaps = known + int(np.ptp(stretch[rows]) + 1 if len(rows) else 0), swaps + len(chosen)
    return SimulatedTracks(stretch, track_id, swaps)


def _stretches(sightings: Sightings, rows: IntArray) -> IntArray:
    """Number one camera's stretches from 0, in order of beginning."""
    found = np.zeros(len(rows), np.int64)
    current: dict[int, int] = {}
    last_s: dict[int, float] = {}
    count = 0
    for place, row in enumerate(rows.tolist()):
        person, time_s = int(sightings.person_id[row]), float(sightings.time_s[row])
        if person not in current or time_s - last_s[person] > MAX_UNSEEN_S + _ROUNDING_S:
            current[person] = count
            count += 1
        last_s[person] = time_s
        found[place] = current[person]
    return found


@dataclass(frozen=True, slots=True)
class _Crossing:
    """Two people of one camera, and the frame in which they overlap most."""

    frame_index: int
    first: int
    second: int


def _crossings(sightings: Sightings, rows: IntArray) -> list[_Crossing]:
    """One camera's crossings by frame: each pair of people's overlaps without a pause of more than a second."""
    overlaps: defaultdict[tuple[int, int], list[tuple[float, int, float]]] = defaultdict(list)
    for own in (rows[places] for places in _by_frame(sightings, rows)):
        boxes = sightings.boxes_xyxy[own].astype(np.float64)
        overlap = np.triu(iou(boxes, boxes), 1)
        for first, second in zip(*np.nonzero(overlap > CROSSING_IOU), strict=True):
            pair = int(sightings.person_id[own[first]]), int(sightings.person_id[own[second]])
            time_s, frame = float(sightings.time_s[own[0]]), int(sightings.frame_index[own[0]])
            overlaps[pair].append((time_s, frame, float(overlap[first, second])))
    found = []
    for (one, other), times in overlaps.items():
        cuts = [0, *(i + 1 for i, (a, b) in enumerate(pairwise(times)) if b[0] - a[0] > MAX_UNSEEN_S), len(times)]
        for start, end in pairwise(cuts):
            _, frame, _ = max(times[start:end], key=lambda overlap: overlap[2])
            found.append(_Crossing(frame, one, other))
    return sorted(found, key=lambda crossing: (crossing.frame_index, crossing.first, crossing.second))


def _tracked(sightings: Sightings, rows: IntArray, stretch: IntArray, swaps: list[_Crossing]) -> IntArray:
    """Track ids of one camera's sightings: each stretch gets one, and from each swap on two people's are exchanged."""
    found = np.zeros(len(rows), np.int64)
    stretch_of: dict[int, int] = {}
    track_of: dict[int, int] = {}
    swaps_in: defaultdict[int, list[_Crossing]] = defaultdict(list)
    for swap in swaps:
        swaps_in[swap.frame_index].append(swap)
    next_id = 1
    for places in _by_frame(sightings, rows):
        people = sightings.person_id[rows[places]].tolist()
        for person, own in zip(people, stretch[places].tolist(), strict=True):
            if stretch_of.get(person) != own:
                stretch_of[person], track_of[person] = own, next_id
                next_id += 1
        for swap in swaps_in[int(sightings.frame_index[rows[places[0]]])]:
            track_of[swap.first], track_of[swap.second] = track_of[swap.second], track_of[swap.first]
        found[places] = [track_of[person] for person in people]
    return found


def _by_frame(sightings: Sightings, rows: IntArray) -> list[IntArray]:
    """Places in one camera's rows, frame by frame."""
    if not len(rows):
        return []
    return np.split(np.arange(len(rows)), np.flatnonzero(np.diff(sightings.frame_index[rows])) + 1)
