"""Who was taken for whom: people of the truth against identities of a run, in frames."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from keyreid_stream.evaluation.said import boxes_on_people
from keyreid_stream.report.judged import JudgedRun

MOST_PEOPLE, MOST_IDENTITIES = 40, 40
"""What a table that can be read holds; the page tells how many more there were."""

_CELL_WIDTH, _CELL_HEIGHT = 46, 26
_LEFT, _TOP = 84, 30


@dataclass(frozen=True, slots=True, eq=False)
class Confusion:
    """Frames by person and identity, over all cameras.

    Attributes:
        people: those of whom a frame counts, by number.
        identities: those that are right for somebody in the order of these people, then the others, most frames first.
        frames: by person and identity, in how many frames a box of the identity is on the person; others are 0.
        there: by person, in how many frames they count.
        missed: by person, in how many of them no box is on them.
        on_nobody: by identity, how many of its boxes are on no person.
        identity_of: the right identity of each person who has one.
    """

    people: tuple[int, ...]
    identities: tuple[int, ...]
    frames: Mapping[tuple[int, int], int]
    there: Mapping[int, int]
    missed: Mapping[int, int]
    on_nobody: Mapping[int, int]
    identity_of: Mapping[int, int]


def confusion_of(judged: JudgedRun) -> Confusion:
    """Count a judged run's frames."""
    frames: Counter[tuple[int, int]] = Counter()
    there: Counter[int] = Counter()
    found: Counter[int] = Counter()
    on_nobody: Counter[int] = Counter()
    for name, truth in judged.truth.items():
        pairs = boxes_on_people(truth, judged.said.get(name))
        frames.update(zip(pairs.people.tolist(), pairs.revised.tolist(), strict=True))
        there.update(truth.ids[truth.counted].tolist())
        found.update(np.unique(np.stack([pairs.people, pairs.frames], axis=1), axis=0)[:, 0].tolist())
        on_nobody.update(pairs.unmatched.tolist())
    people = tuple(sorted(there))
    totals = Counter(dict.fromkeys(on_nobody, 0))
    for (_, identity_id), count in frames.items():
        totals[identity_id] += count
    right = [judged.clock.identity_of[one] for one in people if one in judged.clock.identity_of]
    others = sorted(set(totals) - set(right), key=lambda one: (-totals[one] - on_nobody[one], one))
    missed = {person_id: there[person_id] - found[person_id] for person_id in people}
    return Confusion(people, (*right, *others), frames, there, missed, on_nobody, judged.clock.identity_of)


def confusion_figure(table: Confusion) -> dict[str, Any]:
    """The table for an SVG: a row for each person, a column for each identity, and what is on nobody and missed.

    A cell's depth is its share of the person's frames; right ones and wrong ones differ in colour.
    """
    people = sorted(sorted(table.people, key=lambda one: -table.there[one])[:MOST_PEOPLE])
    identities = table.identities[:MOST_IDENTITIES]
    cells = [
        {
            **_place(row, column),
            "frames": count,
            "share": round(count / table.there[person_id], 3),
            "kind": "right" if table.identity_of.get(person_id) == identity_id else "wrong",
            "title": f"person {person_id} as P{identity_id}: {count} of {table.there[person_id]} frames",
        }
        for row, person_id in enumerate(people)
        for column, identity_id in enumerate(identities)
        if (count := table.frames.get((person_id, identity_id), 0))
    ]
    missed = [
        {
            **_place(row, len(identities)),
            "frames": table.missed[person_id],
            "share": round(table.missed[person_id] / table.there[person_id], 3),
            "kind": "missed",
            "title": f"person {person_id} not found: {table.missed[person_id]} of {table.there[person_id]} frames",
        }
        for row, person_id in enumerate(people)
        if table.missed[person_id]
    ]
    false = [
        {
            **_place(len(people), column),
            "frames": table.on_nobody[identity_id],
            "share": 0.5,
            "kind": "missed",
            "title": f"P{identity_id} on nobody: {table.on_nobody[identity_id]} boxes",
        }
        for column, identity_id in enumerate(identities)
        if table.on_nobody.get(identity_id)
    ]
    return {
        "width": _LEFT + _CELL_WIDTH * (len(identities) + 1),
        "height": _TOP + _CELL_HEIGHT * (len(people) + 1),
        "cell_width": _CELL_WIDTH,
        "cell_height": _CELL_HEIGHT,
        "rows": [{"y": _place(row, 0)["y"], "text": str(person_id)} for row, person_id in enumerate(people)]
        + [{"y": _place(len(people), 0)["y"], "text": "nobody"}],
        "columns": [{"x": _place(0, column)["x"], "text": f"P{one}"} for column, one in enumerate(identities)]
        + [{"x": _place(0, len(identities))["x"], "text": "missed"}],
        "label_x": _LEFT - 8,
        "label_y": _TOP - 10,
        "cells": [*cells, *missed, *false],
        "more_people": len(table.people) - len(people),
        "more_identities": len(table.identities) - len(identities),
    }


def _place(row: int, column: int) -> dict[str, int]:
    return {"x": _LEFT + _CELL_WIDTH * column, "y": _TOP + _CELL_HEIGHT * row}
