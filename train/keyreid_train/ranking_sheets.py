"""Queries with what is closest to them, as pictures for a page."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from keyreid_stream.errors import InputError
from keyreid_stream.evaluation.reid import SearchPart, SearchResult
from keyreid_stream.evaluation.reid.page import Picture, RankingSheet, Shown
from keyreid_stream.structures import FloatArray, ImageArray
from keyreid_train.data.structures import Tracklet
from keyreid_train.embedders.interface import Half, half_black
from keyreid_train.looked_pictures import DrawLooks, LookedPicture
from keyreid_train.searches import Search

WORST, SPREAD = 12, 12
"""Sheets of the queries with the lowest average precision, and of queries from all of the range."""

_SIZE = (88, 176)

_QUALITY = 75


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    """A query that has something to find."""

    search: Search
    part: SearchPart
    row: int

    @property
    def average_precision(self) -> float:
        return float(self.part.ranking.average_precisions[self.row])


def ranking_sheets(
    searches: Sequence[Search],
    results: Sequence[SearchResult],
    draw: DrawLooks | None = None,
    *,
    hidden: Half | None = None,
) -> list[RankingSheet]:
    """The worst queries, then some from the worst to the best at equal distances.

    Args:
        searches: the tests.
        results: of each, with `closest` entries noted.
        draw: draws what the network looks at over the pictures; None for plain pictures.
        hidden: the half of the queries that was black.

    Raises:
        InputError: an image cannot be read.
    """
    asked = sorted(_asked(searches, results), key=lambda one: one.average_precision)
    worst, others = asked[:WORST], asked[WORST:]
    count = min(SPREAD, len(others))
    spread = [others[place] for place in np.linspace(0, len(others) - 1, count).astype(int)] if count else []
    pictures = _Pictures(draw, hidden)
    return [_sheet(one, "The queries that fare worst", pictures) for one in worst] + [
        _sheet(one, "Queries from the worst to the best", pictures) for one in spread
    ]


def _asked(searches: Sequence[Search], results: Sequence[SearchResult]) -> Iterator[_Asked]:
    for of, result in zip(searches, results, strict=True):
        for part in result.parts:
            for row in range(len(part.ranking.places)):
                yield _Asked(of, part, row)


def _sheet(asked: _Asked, heading: str, pictures: _Pictures) -> RankingSheet:
    part, of = asked.part, asked.search
    query = int(part.queries[part.ranking.places[asked.row]])
    found = []
    for place in part.ranking.closest[asked.row]:
        if place >= 0:
            entry = int(part.gallery[place])
            right = bool(of.people[entry] == of.people[query])
            found.append(Shown(pictures.of(of.tracklets[entry]), _label(of, entry), right))
    return RankingSheet(
        heading=heading,
        picture=pictures.of(of.tracklets[query], asked=True),
        label=_label(of, query),
        average_precision=asked.average_precision,
        first_rank=int(part.ranking.first_ranks[asked.row]) + 1,
        found=tuple(found),
    )


def _label(of: Search, place: int) -> str:
    tracklet = of.tracklets[place]
    return f"{tracklet.person_id} in {tracklet.camera_id}"


class _Pictures:
    """The middle images of tracklets, small, each drawn once."""

    def __init__(self, draw: DrawLooks | None, hidden: Half | None) -> None:
        self._draw, self._hidden = draw, hidden
        self._drawn: dict[tuple[str, bool], Picture] = {}

    def of(self, tracklet: Tracklet, *, asked: bool = False) -> Picture:
        hides = asked and self._hidden is not None
        if (tracklet.name, hides) not in self._drawn:
            self._drawn[tracklet.name, hides] = self._picture(tracklet, self._hidden if hides else None)
        return self._drawn[tracklet.name, hides]

    def _picture(self, tracklet: Tracklet, hidden: Half | None) -> Picture:
        middle = len(tracklet.images) // 2
        image = cv2.imread(str(tracklet.images[middle]), cv2.IMREAD_COLOR_RGB)
        if image is None:
            raise InputError(f"cannot read image {tracklet.images[middle]}; replace it or remove it")
        looked = self._looked(np.asarray(image, np.uint8), tracklet, middle, hidden)
        return Picture(
            _uri(looked.plain),
            None if looked.attention is None else _uri(looked.attention),
            None if looked.parts is None else _uri(looked.parts),
        )

    def _looked(self, image: ImageArray, tracklet: Tracklet, place: int, hidden: Half | None) -> LookedPicture:
        if self._draw is None:
            return LookedPicture(image if hidden is None else half_black(image, hidden))
        keypoints: FloatArray | None = None if tracklet.keypoints is None else tracklet.keypoints[place]
        return self._draw(image, keypoints, hidden)


def _uri(picture: ImageArray) -> str:
    """Small, as a data URI."""
    small = cv2.resize(picture, _SIZE, interpolation=cv2.INTER_AREA)
    _, encoded = cv2.imencode(".jpg", small[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    return f"data:image/jpeg;base64,{base64.b64encode(encoded.tobytes()).decode()}"
