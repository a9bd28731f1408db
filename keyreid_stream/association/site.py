"""What a site shows of itself: who is certainly different, and how long people take from camera to camera."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from keyreid_stream.association.config import AssociationConfig
from keyreid_stream.association.similarity import similarity
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
    mine = book.signatures.of(rows)
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
    went = np.array([one.row for one in origins if one.identity_id], np.int64)
    rows, columns = book.decided(), book.columns
    if not len(went):
        return
    rows = rows[np.argsort(columns.first_s[rows], kind="stable")]
    place = np.empty(len(columns.first_s), np.int64)
    place[rows] = np.arange(len(rows))
    later = place[rows] > place[went, None]
    first, second = np.nonzero(later & (columns.cameras[rows] != columns.cameras[went, None]))
    origin, other = went[first], rows[second]
    travel.learn(
        columns.cameras[origin],
        columns.cameras[other],
        columns.first_s[other] - columns.last_s[origin],
        same=columns.identities[origin] == columns.identities[other],
    )
