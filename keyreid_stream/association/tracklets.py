"""Tracklets: tracks, cut where their tracker may have taken one person for another.

A tracklet is what decisions are about: from its track's beginning, from the end of a crossing with another person, or
from a return after a gap, up to the next cut. Its embedding is the quality-weighted mean of its clips.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from keyreid_stream.association.config import AssociationConfig
from keyreid_stream.association.similarity import Signatures, prepared
from keyreid_stream.structures import EmbeddingLayout, FloatArray, IntArray, TrackEvidence, TrackKey

Place = tuple[float, float]

LEAST_QUALITY = 0.02
"""What even the worst clip weighs, so that a tracklet always has a direction."""


@dataclass(slots=True, eq=False)
class Tracklet:
    """A stretch of a track within which it is taken to show one person.

    Attributes:
        key: the track.
        first_frame: frame_index of its first sighting.
        track: a number of its track's own.
        number: how many tracklets of the track came before.
        row: its place in the book's arrays.
        camera: its camera's number.
        first_s, last_s: when it was seen first and last.
        seen: sightings so far.
        clips: embeddings so far.
        quality: sum of its clips'.
        identity_id: 0 while undecided; `TrackletBook.assign` sets it.
        ended: its track has moved on to another tracklet or has ended.
        not_these: identities it cannot be: seen beside them, by tracklets that are settled now.
    """

    key: TrackKey
    first_frame: int
    track: int
    number: int
    row: int
    camera: int
    first_s: float
    last_s: float
    seen: int = 0
    clips: int = 0
    quality: float = 0.0
    identity_id: int = 0
    ended: bool = False
    not_these: set[int] = field(default_factory=set)


class Columns:
    """What tracklets are compared by, in arrays by row: gathering it from objects would cost more than comparing.

    Attributes:
        identities, cameras, tracks, numbers: (n,) int64, as the tracklet's.
        clips: (n,) float32.
        first_s, last_s: (n,) float64.
        first_places, last_places: (n, 2) float32 metres on the floor, NaN where unknown.
    """

    def __init__(self) -> None:
        self.identities: IntArray = np.zeros(0, np.int64)
        self.cameras: IntArray = np.zeros(0, np.int64)
        self.tracks: IntArray = np.zeros(0, np.int64)
        self.numbers: IntArray = np.zeros(0, np.int64)
        self.clips: FloatArray = np.zeros(0, np.float32)
        self.first_s: NDArray[np.float64] = np.zeros(0, np.float64)
        self.last_s: NDArray[np.float64] = np.zeros(0, np.float64)
        self.first_places: FloatArray = np.zeros((0, 2), np.float32)
        self.last_places: FloatArray = np.zeros((0, 2), np.float32)

    def begin(self, one: Tracklet) -> None:
        """Fill a row for a tracklet that has just begun."""
        row = one.row
        self.identities[row], self.cameras[row] = one.identity_id, one.camera
        self.tracks[row], self.numbers[row] = one.track, one.number
        self.clips[row] = 0
        self.first_s[row], self.last_s[row] = one.first_s, one.last_s
        self.first_places[row] = self.last_places[row] = np.nan

    def grow(self, count: int) -> None:
        """Have this many rows."""
        for name, column in vars(self).items():
            setattr(self, name, _enlarged(column, (count, *column.shape[1:])))


@dataclass(slots=True)
class _OpenTrack:
    tracklet: Tracklet
    is_crossing: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Sighting:
    """One tick's evidence, and the tracklet it belongs to; `was` is the tracklet that a cut has just ended."""

    evidence: TrackEvidence
    tracklet: Tracklet
    was: Tracklet | None
    is_crossing: bool


class TrackletBook:
    """Every tracklet of the recent past: open ones, and ended ones until they are settled.

    Pairs are kept in square arrays by row: whether one camera saw both at once, whether they were compared as different
    people, and how far apart calibrated cameras put them on the floor.
    """

    def __init__(self, config: AssociationConfig) -> None:
        self._config = config
        self._open: dict[TrackKey, _OpenTrack] = {}
        self._by_row: dict[int, Tracklet] = {}
        self._free: list[int] = []
        self._tracks = 0
        self._beside: tuple[IntArray, IntArray] = _neighbours([])
        self.columns = Columns()
        self.layout: EmbeddingLayout | None = None
        self.has_places = False
        self._sums: FloatArray = np.zeros((0, 0), np.float32)
        self._shown: FloatArray = np.zeros((0, 0), np.float32)
        self.signatures = Signatures(np.zeros((0, 0), np.float32), np.zeros((0, 0), np.float32))
        self.together: NDArray[np.bool_] = np.zeros((0, 0), np.bool_)
        self.compared: NDArray[np.bool_] = np.zeros((0, 0), np.bool_)
        self.floor_count: FloatArray = np.zeros((0, 0), np.float32)
        self.floor_sum: FloatArray = np.zeros((0, 0), np.float32)

    def __iter__(self) -> Iterator[Tracklet]:
        """In the order of their beginning."""
        return iter(self._by_row.values())

    def __len__(self) -> int:
        return len(self._by_row)

    def of_row(self, row: int) -> Tracklet:
        """The tracklet in a row."""
        return self._by_row[row]

    def rows(self) -> IntArray:
        """Every tracklet's row, in the order of their beginning."""
        return np.fromiter(self._by_row, np.int64, len(self._by_row))

    def decided(self) -> IntArray:
        """The rows of tracklets that are somebody's, in the order of their beginning."""
        rows = self.rows()
        return rows[self.columns.identities[rows] > 0]

    def assign(self, tracklet: Tracklet, identity_id: int) -> None:
        """Say who a tracklet shows."""
        tracklet.identity_id = identity_id
        self.columns.identities[tracklet.row] = identity_id

    def current(self, key: TrackKey) -> Tracklet | None:
        """The tracklet that a live track is in."""
        track = self._open.get(key)
        return None if track is None else track.tracklet

    def see(self, evidence: Sequence[TrackEvidence], cameras: Sequence[int]) -> list[Sighting]:
        """Find the tracklets of one tick's evidence, sorted by track, of cameras with these numbers.

        Tracks are cut where they need it. Nothing is noted of the sightings yet.
        """
        self._beside = _neighbours(cameras)
        crossing = _crossing(evidence, self._beside, self._config.crossing_iou)
        return [
            self._see(one, camera, is_crossing=crosses)
            for one, camera, crosses in zip(evidence, cameras, crossing.tolist(), strict=True)
        ]

    def cut(self, sighting: Sighting) -> Sighting:
        """End the tracklet of a sighting that is not noted yet, and begin the track's next one with it."""
        before = sighting.tracklet
        if not before.seen:
            return sighting  # it has only just begun
        tracklet = self._begin_next(self._open[before.key], sighting.evidence)
        return Sighting(sighting.evidence, tracklet, before, sighting.is_crossing)

    def note(self, sightings: Sequence[Sighting]) -> None:
        """Note the sightings that `see` found last, in that order: when, where, and who was seen beside whom."""
        if not sightings:
            return
        for one in sightings:
            one.tracklet.last_s = one.evidence.timestamp_s
            one.tracklet.seen += 1
        rows = rows_of(one.tracklet for one in sightings)
        self.columns.last_s[rows] = [one.evidence.timestamp_s for one in sightings]
        first, second = self._beside
        self.together[rows[first], rows[second]] = True
        self._compare_places(sightings, rows)

    def add_clips(self, sightings: Sequence[Sighting]) -> None:
        """Take the sightings' clips, all of which have one, into their tracklets' embeddings."""
        if not sightings:
            return
        embeddings = [one.evidence.embedding for one in sightings if one.evidence.embedding is not None]
        layout = embeddings[0].layout
        self._make_room_for(layout)
        rows = rows_of(one.tracklet for one in sightings)
        weights = np.array([max(one.evidence.quality, LEAST_QUALITY) for one in sightings], np.float32)
        vectors = np.stack([embedding.vector for embedding in embeddings])
        visibility = np.stack([embedding.visibility for embedding in embeddings])
        clips = prepared(vectors, visibility, layout, self._config.global_weight)
        self._sums[rows] += weights[:, None] * clips.vectors
        self._shown[rows] += weights[:, None] * visibility
        for one, weight in zip(sightings, weights.tolist(), strict=True):
            one.tracklet.clips += 1
            one.tracklet.quality += weight
        self.columns.clips[rows] += 1
        total = np.array([one.tracklet.quality for one in sightings], np.float32)
        means = prepared(self._sums[rows], self._shown[rows] / total[:, None], layout, self._config.global_weight)
        self.signatures.vectors[rows] = means.vectors
        self.signatures.visibility[rows] = means.visibility

    def end(self, key: TrackKey) -> Tracklet | None:
        """A track has ended; its last tracklet, if it had any."""
        track = self._open.pop(key, None)
        if track is None:
            return None
        track.tracklet.ended = True
        return track.tracklet

    def settled(self, now_s: float) -> list[Tracklet]:
        """Ended tracklets that are to leave the book: out of the window, or too many."""
        ended = [one for one in self._by_row.values() if one.ended]
        window_s = min(self._config.window_s, self._config.kept_s)
        old = [one for one in ended if one.last_s < now_s - window_s]
        surplus = len(self._by_row) - len(old) - self._config.max_tracklets
        if surplus > 0:
            gone = {id(one) for one in old}
            rest = sorted((one for one in ended if id(one) not in gone), key=lambda one: (one.last_s, one.key))
            old += rest[:surplus]
        return old

    def remove(self, tracklets: Sequence[Tracklet]) -> None:
        """Let tracklets' rows go."""
        gone = [one.row for one in tracklets]
        for row in gone:
            del self._by_row[row]
        self._free += gone
        places = (self.floor_count, self.floor_sum) if self.has_places else ()
        for pairs in (self.together, self.compared, *places):
            pairs[gone] = 0
            pairs[:, gone] = 0
        for rows in (self._sums, self._shown, self.signatures.vectors, self.signatures.visibility):
            rows[gone] = 0

    def neighbours(self, tracklet: Tracklet) -> list[Tracklet]:
        """Tracklets that its camera saw at the same time."""
        return [self._by_row[int(row)] for row in np.flatnonzero(self.together[tracklet.row])]

    def _see(self, one: TrackEvidence, camera: int, *, is_crossing: bool) -> Sighting:
        track = self._open.get(one.key)
        was = None
        if track is None:
            self._tracks += 1
            track = self._open[one.key] = _OpenTrack(self._begin(one, camera, self._tracks, 0))
        elif (one.timestamp_s - track.tracklet.last_s > self._config.max_gap_s) or (
            track.is_crossing and not is_crossing
        ):
            was = track.tracklet
            self._begin_next(track, one)
        track.is_crossing = is_crossing
        return Sighting(one, track.tracklet, was, is_crossing)

    def _begin_next(self, track: _OpenTrack, one: TrackEvidence) -> Tracklet:
        before = track.tracklet
        before.ended = True
        track.tracklet = self._begin(one, before.camera, before.track, before.number + 1)
        return track.tracklet

    def _begin(self, one: TrackEvidence, camera: int, track: int, number: int) -> Tracklet:
        if not self._free:
            self._grow()
        row = self._free.pop()
        tracklet = Tracklet(one.key, one.frame_index, track, number, row, camera, one.timestamp_s, one.timestamp_s)
        self._by_row[row] = tracklet
        self.columns.begin(tracklet)
        return tracklet

    def _compare_places(self, sightings: Sequence[Sighting], rows: IntArray) -> None:
        """Note how far apart different cameras put whoever they see now."""
        known = np.array([one.evidence.floor_xy is not None for one in sightings])
        if not known.any():
            return
        places = np.array([one.evidence.floor_xy for one in sightings if one.evidence.floor_xy is not None], np.float32)
        self.has_places = True
        self._note_places(places, rows[known])
        rows, cameras = rows[known], np.array([one.tracklet.camera for one in sightings])[known]
        distances = np.linalg.norm(places[:, None] - places, axis=2)
        apart = cameras[:, None] != cameras
        self.floor_sum[np.ix_(rows, rows)] += np.where(apart, distances, 0)
        self.floor_count[np.ix_(rows, rows)] += apart

    def _note_places(self, places: FloatArray, rows: IntArray) -> None:
        columns = self.columns
        columns.last_places[rows] = places
        new = np.isnan(columns.first_places[rows]).any(axis=1)
        columns.first_places[rows[new]] = places[new]

    def _grow(self) -> None:
        before, after = len(self.together), max(64, 2 * len(self.together))
        self._free = list(range(after - 1, before - 1, -1))
        self.columns.grow(after)
        self.together = _enlarged(self.together, (after, after))
        self.compared = _enlarged(self.compared, (after, after))
        self.floor_count = _enlarged(self.floor_count, (after, after))
        self.floor_sum = _enlarged(self.floor_sum, (after, after))
        self._resize(after)

    def _make_room_for(self, layout: EmbeddingLayout) -> None:
        if self.layout is None:
            self.layout = layout
            self._resize(len(self.together))

    def _resize(self, count: int) -> None:
        size, parts = (self.layout.size, self.layout.parts) if self.layout else (0, 0)
        self._sums = _enlarged(self._sums, (count, size))
        self._shown = _enlarged(self._shown, (count, parts))
        self.signatures = Signatures(
            _enlarged(self.signatures.vectors, (count, size)), _enlarged(self.signatures.visibility, (count, parts))
        )


def rows_of(tracklets: Iterable[Tracklet]) -> IntArray:
    """(n,) the rows of tracklets."""
    return np.array([one.row for one in tracklets], np.int64)


def _enlarged(array: NDArray[np.generic], shape: tuple[int, ...]) -> NDArray:  # type: ignore[type-arg]
    larger = np.zeros(shape, array.dtype)
    larger[tuple(slice(length) for length in array.shape)] = array
    return larger


def _neighbours(cameras: Sequence[int]) -> tuple[IntArray, IntArray]:
    """Every pair of two sightings, both ways, that are of one camera; sightings of a camera follow one another."""
    numbers = np.asarray(cameras, np.int64)
    changes = np.flatnonzero(np.diff(numbers, prepend=-1))
    sizes = np.diff(changes, append=len(numbers))
    theirs = np.repeat(sizes, sizes)
    first = np.repeat(np.arange(len(numbers)), theirs)
    block = np.repeat(np.repeat(changes, sizes), theirs)
    second = block + np.arange(len(first)) - np.repeat(np.cumsum(theirs) - theirs, theirs)
    apart = first != second
    return first[apart], second[apart]


def _crossing(
    evidence: Sequence[TrackEvidence], neighbours: tuple[IntArray, IntArray], least_iou: float
) -> NDArray[np.bool_]:
    """Which sightings overlap another of their camera."""
    crossing = np.zeros(len(evidence), np.bool_)
    first, second = neighbours
    if len(first):
        x1, y1, x2, y2 = np.array([one.box_xyxy for one in evidence]).T
        widths = np.minimum(x2[first], x2[second]) - np.maximum(x1[first], x1[second])
        heights = np.minimum(y2[first], y2[second]) - np.maximum(y1[first], y1[second])
        shared = np.maximum(widths, 0) * np.maximum(heights, 0)
        areas = (x2 - x1) * (y2 - y1)
        crossing[first[shared > least_iou * (areas[first] + areas[second] - shared)]] = True
    return crossing
