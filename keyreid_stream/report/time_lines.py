"""Who each person was said to be, over time and camera by camera: one lane per person of the truth."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any, NamedTuple

from keyreid_stream.evaluation import TruthBoxes
from keyreid_stream.evaluation.said import NOBODY, FoundBoxes, boxes_on_people, visits_of
from keyreid_stream.report.judged import JudgedRun
from keyreid_stream.report.sections import css, time_marks
from keyreid_stream.sinks.palette import identity_colour
from keyreid_stream.structures import IntArray

CHART_WIDTH = 1000
LANE_HEIGHT = 22
_SHORTEST_LABELLED = 26
"""A bar narrower than this has no room for its identity's name."""

MOST_LANES = 60
"""Lanes of a camera; the page tells how many people more there were."""


class Stretch(NamedTuple):
    """Frames, first to last, in which one identity was said."""

    identity_id: int
    first: int
    last: int


def time_lines(judged: JudgedRun) -> dict[str, Any]:
    """Lanes for an SVG 1000 units wide, for every camera with people in it.

    A lane has the person's visits, the identities that they have in the end, and those that were said of them then.
    """
    length_s = max((float(camera.frames.max()) / judged.fps[name] for name, camera in _peopled(judged)), default=1.0)
    return {
        "width": CHART_WIDTH,
        "lane_height": LANE_HEIGHT,
        "cameras": [_camera(judged, name, CHART_WIDTH / length_s) for name, _ in _peopled(judged)],
        "marks": [
            {"x": round(CHART_WIDTH * mark / length_s, 1), "text": f"{mark:g} s"} for mark in time_marks(length_s)
        ],
    }


def said_stretches(frames: IntArray, identities: IntArray, right: int | None, longest_gap: float) -> list[Stretch]:
    """One person's boxes, by frame, as stretches of one identity; `NOBODY` where nothing was said.

    Args:
        frames: (n,) rising; a frame may come several times, when several boxes are on the person.
        identities: (n,) who each box was said to show.
        right: the identity that goes first where a frame has several.
        longest_gap: frames that a stretch may miss.
    """
    found: list[Stretch] = []

    def rank(identity_id: int) -> tuple[bool, bool, int]:
        return identity_id != right, identity_id == NOBODY, identity_id

    pairs = zip(frames.tolist(), identities.tolist(), strict=True)
    for frame, of_frame in groupby(pairs, key=lambda pair: pair[0]):
        said = sorted({identity_id for _, identity_id in of_frame}, key=lambda one: (one != right, one == NOBODY, one))[
            0
        ]
        if found and found[-1].identity_id == said and frame - found[-1].last <= longest_gap:
            found[-1] = found[-1]._replace(last=frame)
        else:
            found.append(Stretch(said, frame, frame))
    return found


def _peopled(judged: JudgedRun) -> Iterator[tuple[str, TruthBoxes]]:
    return ((name, camera) for name, camera in sorted(judged.truth.items()) if camera.counted.any())


def _camera(judged: JudgedRun, name: str, scale: float) -> dict[str, Any]:
    truth, fps = judged.truth[name], judged.fps[name]
    found = boxes_on_people(truth, judged.said.get(name))
    visits = sorted(visits_of(truth, fps), key=lambda visit: (visit.first, visit.person_id))
    people = list(dict.fromkeys(visit.person_id for visit in visits))
    lanes = [
        {
            "person": person_id,
            "y": LANE_HEIGHT * place,
            "visits": [_span(visit.first, visit.last, fps, scale) for visit in visits if visit.person_id == person_id],
            **_said(found, person_id, judged.clock.identity_of.get(person_id), fps, scale),
        }
        for place, person_id in enumerate(people[:MOST_LANES])
    ]
    return {
        "name": name,
        "lanes": lanes,
        "height": LANE_HEIGHT * len(lanes),
        "more": max(0, len(people) - MOST_LANES),
    }


def _said(found: FoundBoxes, person_id: int, right: int | None, fps: float, scale: float) -> dict[str, Any]:
    own = found.select(found.people == person_id)
    revised = said_stretches(own.frames, own.revised, right, fps)
    online = said_stretches(own.frames, own.online, right, fps)
    return {
        "revised": [_bar(one, right, fps, scale) for one in revised],
        "online": [_bar(one, right, fps, scale) for one in online],
    }


def _bar(one: Stretch, right: int | None, fps: float, scale: float) -> dict[str, Any]:
    span = _span(one.first, one.last, fps, scale)
    who = f"P{one.identity_id}" if one.identity_id != NOBODY else "nobody yet"
    return {
        **span,
        "who": who,
        "colour": css(identity_colour(one.identity_id)),
        "is_right": one.identity_id == right,
        "labelled": span["width"] >= _SHORTEST_LABELLED,
        "title": f"{who}, {(one.first - 1) / fps:.1f} to {one.last / fps:.1f} s",
    }


def _span(first: int, last: int, fps: float, scale: float) -> dict[str, float]:
    """Frames count from 1; the last one ends where the next would begin."""
    left = scale * (first - 1) / fps
    return {"x": round(left, 1), "width": round(max(2.0, scale * last / fps - left), 1)}
