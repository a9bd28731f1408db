"""Queries with what is closest to them, as pictures for a page."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from keyreid_stream.errors import InputError
from keyreid_stream.evaluation.reid import SearchPart, SearchResult
from keyreid_stream.evaluation.reid.page import RankingSheet, Shown
from keyreid_train.data.structures import Tracklet
from keyreid_train.searches import Search

WORST, SPREAD = 12, 12
"""Sheets of the queries with the lowest average precision, and of queries from all of the range."""

_SIZE = (64, 128)

_QUALITY = 80


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    """A query that has something to find."""

    search: Search
    part: SearchPart
    row: int

    @property
    def average_precision(self) -> float:
        return float(self.part.ranking.average_precisions[self.row])


def ranking_sheets(searches: Sequence[Search], results: Sequence[SearchResult]) -> list[RankingSheet]:
    """The worst queries, then some from the worst to the best at equal distances.

    Args:
        searches: the tests.
        results: of each, with `closest` entries noted.

    Raises:
        InputError: an image cannot be read.
    """
    asked = sorted(_asked(searches, results), key=lambda one: one.average_precision)
    worst, others = asked[:WORST], asked[WORST:]
    count = min(SPREAD, len(others))
    spread = [others[place] for place in np.linspace(0, len(others) - 1, count).astype(int)] if count else []
    return [_sheet(one, "The queries that fare worst") for one in worst] + [
        _sheet(one, "Queries from the worst to the best") for one in spread
    ]


def _asked(searches: Sequence[Search], results: Sequence[SearchResult]) -> Iterator[_Asked]:
    for of, result in zip(searches, results, strict=True):
        for part in result.parts:
            for row in range(len(part.ranking.places)):
                yield _Asked(of, part, row)


def _sheet(asked: _Asked, heading: str) -> RankingSheet:
    part, of = asked.part, asked.search
    query = int(part.queries[part.ranking.places[asked.row]])
    found = []
    for place in part.ranking.closest[asked.row]:
        if place >= 0:
            entry = int(part.gallery[place])
            right = bool(of.people[entry] == of.people[query])
            found.append(Shown(_picture(of.tracklets[entry]), _label(of, entry), right))
    return RankingSheet(
        heading=heading,
        picture=_picture(of.tracklets[query]),
        label=_label(of, query),
        average_precision=asked.average_precision,
        first_rank=int(part.ranking.first_ranks[asked.row]) + 1,
        found=tuple(found),
    )


def _label(of: Search, place: int) -> str:
    tracklet = of.tracklets[place]
    return f"{tracklet.person_id} in {tracklet.camera_id}"


def _picture(tracklet: Tracklet) -> str:
    """The middle image, small, as a data URI."""
    path = tracklet.images[len(tracklet.images) // 2]
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise InputError(f"cannot read image {path}; replace it or remove it")
    small = cv2.resize(image, _SIZE, interpolation=cv2.INTER_AREA)
    _, encoded = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    return f"data:image/jpeg;base64,{base64.b64encode(encoded.tobytes()).decode()}"
