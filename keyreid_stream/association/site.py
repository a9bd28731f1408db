"""What a site shows of itself: who is certainly different, and how long people take from camera to camera."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from keyreid_stream.association.config import AssociationConfig
from keyreid_stream.association.similarity import Signatures, similarity
from keyreid_stream.association.thresholds import Thresholds
from keyreid_stream.association.tracklets import Tracklet, TrackletBook
from keyreid_stream.association.travel import TravelTimes

MIN_CLIPS = 2
"""A tracklet of fewer clips says more about chance than about people."""


def learn_differences(book: TrackletBook, thresholds: Thresholds, config: AssociationConfig) -> None:
    """Tell the thresholds how alike certainly different people looked, each pair of tracklets once.

    Different are two people that one camera sees at once, and of the people that one camera sees while another sees
    somebody, all but the one most like that person.
    """
    tracklets = [one for one in book if not one.ended and one.clips >= MIN_CLIPS]
    if len(tracklets) < 2:
        return
    rows = np.array([one.row for one in tracklets])
    cameras = np.array([one.camera for one in tracklets])
    mine = Signatures(book.signatures.vectors[rows], book.signatures.visibility[rows])
    close = similarity(mine, mine, config.global_weight)
    different = book.together[np.ix_(rows, rows)] & (cameras[:, None] == cameras)
    for camera in np.unique(cameras):
        theirs = np.flatnonzero(cameras == camera)
        if len(theirs) < 2:
            continue
        elsewhere = np.flatnonzero(cameras != camera)
        different[np.ix_(elsewhere, theirs)] = True
        different[elsewhere, theirs[np.argmax(close[np.ix_(elsewhere, theirs)], axis=1)]] = False
    different &= ~book.compared[np.ix_(rows, rows)]
    first, second = np.nonzero(different)
    book.compared[rows[first], rows[second]] = True
    thresholds.different(cameras[first], cameras[second], close[first, second])


def learn_travel(book: TrackletBook, travel: TravelTimes, origins: Sequence[Tracklet]) -> None:
    """Tell the travel times where tracklets that are about to be settled went, and where others were seen then."""
    decided = sorted((one for one in book if one.identity_id), key=lambda one: (one.first_s, one.key))
    if not decided or not origins:
        return
    place = {one.row: number for number, one in enumerate(decided)}
    cameras = np.array([one.camera for one in decided])
    first_s = np.array([one.first_s for one in decided])
    identities = np.array([one.identity_id for one in decided])
    for origin in origins:
        if not origin.identity_id:
            continue
        later = np.arange(place[origin.row] + 1, len(decided))
        later = later[cameras[later] != origin.camera]
        same = identities[later] == origin.identity_id
        travel.learn(origin.camera, cameras[later], first_s[later] - origin.last_s, same=same)
