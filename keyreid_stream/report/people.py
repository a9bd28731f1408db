"""What a run found out about each identity: by which cameras it was seen, when, and how it looked there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from keyreid_stream.sinks import BestCrop, FloorPath

_LONGEST_GAP_S = 1.0
"""Shorter absences do not break a sighting."""


@dataclass(frozen=True, slots=True)
class Stay:
    """A time in which one camera saw an identity without a break, seconds."""

    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True, eq=False)
class PersonSeen:
    """One identity.

    Attributes:
        identity_id: who.
        stays: by camera, its sightings in order; cameras that never saw it are missing.
        crops: by camera, how it looked at best.
    """

    identity_id: int
    stays: Mapping[str, tuple[Stay, ...]]
    crops: Mapping[str, BestCrop]

    @property
    def first_seen_s(self) -> float:
        """By any camera."""
        return min(stays[0].start_s for stays in self.stays.values())

    @property
    def last_seen_s(self) -> float:
        """By any camera."""
        return max(stays[-1].end_s for stays in self.stays.values())


def people_seen(paths: Iterable[FloorPath], crops: Mapping[int, Mapping[str, BestCrop]]) -> tuple[PersonSeen, ...]:
    """Every identity that was seen, by its number.

    Args:
        paths: what `FloorPathsSink.paths` gives.
        crops: what `BestCropsSink.by_identity` gives.
    """
    times: defaultdict[int, defaultdict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for path in paths:
        if path.identity_id > 0 and len(path.times_s):
            times[path.identity_id][path.key.camera_id] += path.times_s.tolist()
    return tuple(
        PersonSeen(
            identity_id,
            {camera_id: _stays(sorted(of_camera)) for camera_id, of_camera in by_camera.items()},
            crops.get(identity_id, {}),
        )
        for identity_id, by_camera in sorted(times.items())
    )


@dataclass(frozen=True, slots=True)
class Bar:
    """A stay on a time line: who, when, and in which lane of the camera's, from 0."""

    identity_id: int
    lane: int
    stay: Stay


def camera_lanes(people: Sequence[PersonSeen], camera_id: str) -> tuple[Bar, ...]:
    """A camera's time line: bars in as few lanes as keep them apart, all of one identity in the same lane."""
    seen = [(person.stays[camera_id], person.identity_id) for person in people if camera_id in person.stays]
    lanes_free_from: list[float] = []
    bars: list[Bar] = []
    for stays, identity_id in sorted(seen, key=lambda one: (one[0][0].start_s, one[1])):
        lane = next(
            (lane for lane, free_s in enumerate(lanes_free_from) if free_s < stays[0].start_s), len(lanes_free_from)
        )
        if lane == len(lanes_free_from):
            lanes_free_from.append(0.0)
        lanes_free_from[lane] = stays[-1].end_s
        bars += [Bar(identity_id, lane, stay) for stay in stays]
    return tuple(bars)


def _stays(times_s: Sequence[float]) -> tuple[Stay, ...]:
    """Rising times, parted where nothing is for longer than the longest gap."""
    stays: list[Stay] = []
    for time_s in times_s:
        if stays and time_s - stays[-1].end_s <= _LONGEST_GAP_S:
            stays[-1] = Stay(stays[-1].start_s, time_s)
        else:
            stays.append(Stay(time_s, time_s))
    return tuple(stays)
