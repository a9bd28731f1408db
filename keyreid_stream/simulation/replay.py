"""A recording played to an associator: who it said everyone was, at once and in the end."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from keyreid_stream.interfaces import Associator
from keyreid_stream.simulation.recording import Recording
from keyreid_stream.sinks.identity_replay import IdentityReplay
from keyreid_stream.structures import Event, IntArray


@dataclass(frozen=True, slots=True, eq=False)
class Played:
    """What an associator said of a recording's N sightings.

    Attributes:
        online: (N,) int64, the identity said in a sighting's own tick; 0 for none.
        revised: (N,) int64, the identity that a replay of all events gives in the end; 0 for none.
        events: all of them, in order.
        said_s: the time of the tick in which each event was said.
    """

    online: IntArray
    revised: IntArray
    events: tuple[Event, ...]
    said_s: tuple[float, ...]


def play(recording: Recording, associator: Associator) -> Played:
    """Play a recording from beginning to end to an associator that has seen nothing yet."""
    online = np.zeros(len(recording), np.int64)
    events: list[Event] = []
    said_s: list[float] = []
    for tick in recording.ticks:
        said = associator.update(tick.timestamp_s, tick.evidence, tick.ended)
        events += said
        said_s += [tick.timestamp_s] * len(said)
        online[tick.rows] = [associator.identity_of(one.key) or 0 for one in tick.evidence]
    replay = IdentityReplay()
    for event in events:
        replay.apply(event)
    return Played(online, _identities(recording, replay, len(recording)), tuple(events), tuple(said_s))


def correction_delays(recording: Recording, played: Played) -> NDArray[np.float64]:
    """How late what was said wrongly at once was put right for good, seconds.

    Returns:
        For each sighting whose identity was another in the end than in its own tick: the time from the sighting to the
        tick in which replayed events last changed its identity. Sightings that were undecided at first do not count.
    """
    replay = IdentityReplay()
    current = np.zeros(len(recording), np.int64)
    final_s = recording.time_s.copy()
    for said_s, said in groupby(zip(played.said_s, played.events, strict=True), key=lambda pair: pair[0]):
        events = [event for _, event in said]
        for event in events:
            replay.apply(event)
        if any(event.kind not in ("seen", "left") for event in events):
            until = int(np.searchsorted(recording.time_s, said_s, side="right"))
            now = _identities(recording, replay, until)
            final_s[:until][now != current[:until]] = said_s
            current[:until] = now
    corrected = (played.online > 0) & (played.online != played.revised)
    delays: NDArray[np.float64] = (final_s - recording.time_s)[corrected]
    return delays


def _identities(recording: Recording, replay: IdentityReplay, until: int) -> IntArray:
    """The identities (until,) of the first sightings by what was replayed."""
    pairs = zip(recording.keys[:until], recording.frame_index[:until].tolist(), strict=True)
    return np.array([replay.identity_at(key, frame) or 0 for key, frame in pairs], np.int64)


def idf1(person_ids: IntArray, identities: IntArray) -> float:
    """Global IDF1 of identities (N,) given to N true boxes of people (N,), all cameras together.

    TrackEval's `Identity` for results whose boxes are the truth's own and overlap no other: people and identities are
    paired one to one for the most boxes in common, IDF1 = 2 IDTP / (boxes + boxes with an identity). 0 is no identity:
    such a box was missed. 0 if there is nobody. Two boxes of one identity in one frame both count, as one identity can
    be paired with one person only.

    Range: 0 to 1.
    """
    shown = identities > 0
    if not shown.any():
        return 0.0
    _, people = np.unique(person_ids[shown], return_inverse=True)
    _, found = np.unique(identities[shown], return_inverse=True)
    counts = np.zeros((int(people.max()) + 1, int(found.max()) + 1), np.int64)
    np.add.at(counts, (people, found), 1)
    rows, columns = linear_sum_assignment(counts, maximize=True)
    return float(2 * counts[rows, columns].sum() / (len(person_ids) + shown.sum()))
