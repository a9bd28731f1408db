"""A validation part, taken from the people of a training set."""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

import numpy as np

from keyreid_stream.errors import InputError
from keyreid_train.data.structures import TrackletSet

LEAST_PEOPLE = 2
"""With fewer, every search finds the right person."""


class Parts(NamedTuple):
    """A set in two: `training` and `validation`, no person in both; validation is None where none was asked for."""

    training: TrackletSet
    validation: TrackletSet | None


def hold_out(tracklets: TrackletSet, share: float, seed: int) -> Parts:
    """Hold out a share of the people who are seen by two cameras; the same ones for the same seed.

    Args:
        tracklets: the whole set.
        share: of those people, in [0, 1); at least two people are held out unless it is 0.
        seed: of the choice.

    Raises:
        InputError: too few people are seen by two cameras.
    """
    if share == 0:
        return Parts(tracklets, None)
    cameras_of: dict[str, set[str]] = defaultdict(set)
    for tracklet in tracklets.tracklets:
        cameras_of[tracklet.person_id].add(tracklet.camera_id)
    candidates = sorted(person for person, cameras in cameras_of.items() if len(cameras) > 1)
    count = max(LEAST_PEOPLE, round(share * len(candidates)))
    if len(candidates) <= count:
        raise InputError(
            f"{tracklets.name!r} has {len(candidates)} people seen by two cameras, too few to hold out {count} of them "
            "for validation; give more people, or set data.validation_share to 0"
        )
    chosen = np.random.default_rng(seed).permutation(len(candidates))[:count]
    held = {candidates[place] for place in chosen}
    return Parts(_where(tracklets, {person for person in cameras_of if person not in held}), _where(tracklets, held))


def _where(tracklets: TrackletSet, people: set[str]) -> TrackletSet:
    return TrackletSet(tracklets.name, tuple(one for one in tracklets.tracklets if one.person_id in people))
