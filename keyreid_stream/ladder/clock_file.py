"""The clock as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict

from keyreid_stream.evaluation.clock import ClockScores

SCHEMA = "keyreid.clock/1"


class MarkRecord(BaseModel):
    """See `ClockMark`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    after_s: float | None
    visits: int
    online: int
    undecided: int
    revised: int

    @property
    def words(self) -> str:
        """When that is."""
        if self.after_s is None:
            return "at the end"
        return f"after {self.after_s:g} s" if self.after_s else "at first"


class ClockRecord(BaseModel):
    """See `ClockScores`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    visits: int
    never_found: int
    marks: tuple[MarkRecord, ...]

    @classmethod
    def of(cls, clock: ClockScores) -> Self:
        """As it is written."""
        marks = tuple(MarkRecord(**asdict(mark)) for mark in clock.marks)
        return cls(visits=clock.visits, never_found=clock.never_found, marks=marks)


def clock_text(clock: ClockRecord, *, run: Path, truth: Path, min_visibility: float, command: str) -> str:
    """The clock of one run and what it is of, as the text of a file of schema `keyreid.clock/1`."""
    content = {
        "schema": SCHEMA,
        "versions": {"keyreid-stream": version("keyreid-stream")},
        "run": str(run),
        "truth": str(truth),
        "min_visibility": min_visibility,
        "command": command,
        **clock.model_dump(mode="json"),
    }
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"
