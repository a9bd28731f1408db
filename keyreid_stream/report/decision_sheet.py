"""The sheet: one HTML file that shows, decision by decision, why an identity is who it is. It loads nothing."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from keyreid_stream.association.decisions import Candidate, Decision, LogOdds, PartComparison
from keyreid_stream.errors import InputError
from keyreid_stream.report import decision_words as words
from keyreid_stream.report.embedding import data_address, encoded
from keyreid_stream.report.environment import rendered
from keyreid_stream.report.explanation import Explanation
from keyreid_stream.report.sections import css
from keyreid_stream.sinks.mosaic import clock_text
from keyreid_stream.sinks.palette import identity_colour
from keyreid_stream.structures import ImageArray
from keyreid_stream.world.writers.whole_file import write_text

MOST_DECISIONS = 200
"""Decisions on a sheet: the first ones. More makes a page that browsers are slow to open."""

BAR_ENDS = 16.0
"""Log odds at which bars end."""

_CROP_HEIGHT, _CROP_WIDTH = 192, 96
_CROPS_IN_MEMORY = 512


def write_sheet(explained: Explanation, path: str | Path) -> Path:
    """Write the sheet, whole or not at all; returns its path.

    Raises:
        InputError: the file cannot be written.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, render_sheet(explained))
    except OSError as error:
        raise InputError(f"{path} cannot be written ({error.strerror}); choose another --out") from None
    return path


def render_sheet(explained: Explanation) -> str:
    """The whole page."""
    shown = explained.decisions[:MOST_DECISIONS]
    crop_address = lru_cache(maxsize=_CROPS_IN_MEMORY)(_crop_address)
    return rendered(
        "decisions.html",
        {
            "who": words.person(explained.identity_id),
            "run": explained.run.resolve().name,
            "merged": [words.person(one) for one in sorted(explained.merged)],
            "track": None
            if explained.track is None
            else f"{explained.track.camera_id}, track {explained.track.track_id}",
            "count": len(explained.decisions),
            "shown": len(shown),
            "has_crops": bool(explained.crops_of_tracks),
            "bar_ends": BAR_ENDS,
            "terms": [{"name": name, "words": said} for name, said in words.TERMS],
            "decisions": [_decision(explained, one, crop_address) for one in shown],
        },
    )


def _decision(explained: Explanation, one: Decision, crop_address: Any) -> dict[str, Any]:
    if one.track_id is None:
        crop = explained.crop_of_person(one.identity_id)
    else:
        crop = explained.crop_of_tracklet(one.camera_id, one.track_id, one.first_frame)
    return {
        "who": words.person(one.identity_id),
        "colour": css(identity_colour(one.identity_id)),
        "kind": one.kind,
        "when": clock_text(one.timestamp_s),
        "what": words.tracklet(one),
        "outcome": words.outcome(one),
        "reason": words.reason(one),
        "crop": crop_address(crop),
        "candidates": [_candidate(explained, one, candidate, crop_address) for candidate in one.candidates],
    }


def _candidate(explained: Explanation, decision: Decision, one: Candidate, crop_address: Any) -> dict[str, Any]:
    return {
        "who": words.person(one.identity_id),
        "colour": css(identity_colour(one.identity_id)),
        "is_chosen": one.identity_id == decision.identity_id,
        "crop": crop_address(_crop_of_candidate(explained, one)),
        "total": None if one.log_odds is None else words.signed(one.log_odds.total),
        "bars": [] if one.log_odds is None else _bars(one.log_odds),
        "marker": 0.0 if one.log_odds is None else _at(one.log_odds.total),
        "terms": [] if one.log_odds is None else _terms(one.log_odds),
        "similarity": None if one.similarity is None else f"{one.similarity:.2f}",
        "threshold": None if one.threshold is None else f"{one.threshold.similarity:.2f}",
        "learned_from": "" if one.threshold is None else words.learned_from(one.threshold),
        "parts": [_part(part) for part in one.parts],
        "floor": words.floor(one),
        "vetoes": words.vetoes(one),
        "views": [words.view(view) for view in one.views],
        "views_compared": one.views_compared,
    }


def _crop_of_candidate(explained: Explanation, one: Candidate) -> Path | None:
    """Of what was most like the tracklet, or else of whoever the candidate is in the end."""
    for view in one.views:
        crop = explained.crop_of_tracklet(view.camera_id, view.track_id, view.first_frame)
        crop = crop or explained.crop_of_person(one.identity_id, view.camera_id)
        if crop is not None:
            return crop
    return explained.crop_of_person(one.identity_id)


def _terms(log_odds: LogOdds) -> list[dict[str, str]]:
    return [
        {"name": name, "words": f"{said} {words.signed(value)}"} for name, said, value in words.odds_terms(log_odds)
    ]


def _bars(log_odds: LogOdds) -> list[dict[str, Any]]:
    """Terms end to end: those for to the right of 0, those against to the left."""
    bars = []
    ends = {True: 0.0, False: 0.0}
    for name, _, value in words.odds_terms(log_odds):
        start = ends[value > 0]
        ends[value > 0] = end = start + value
        left, right = sorted((_at(start), _at(end)))
        bars.append({"name": name, "left": left, "width": round(right - left, 3)})
    return bars


def _at(log_odds: float) -> float:
    return round(float(np.clip(log_odds, -BAR_ENDS, BAR_ENDS)), 3)


def _part(one: PartComparison) -> dict[str, Any]:
    return {
        "name": words.part_name(one),
        "similarity": "hidden" if one.similarity is None else f"{one.similarity:.2f}",
        "is_hidden": one.similarity is None,
        "shown": f"{100 * one.visibility:.0f} % / {100 * one.candidate_visibility:.0f} %",
    }


def _crop_address(path: Path | None) -> str | None:
    """A crop as an address that holds it; None without one, or where its file is damaged."""
    image = None if path is None else cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        return None
    scale = min(_CROP_HEIGHT / image.shape[0], _CROP_WIDTH / image.shape[1], 1.0)
    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    small: ImageArray = cv2.cvtColor(cv2.resize(image, size, interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2RGB)
    return data_address(encoded(small, ".jpg"), "image/jpeg")
