"""A ladder as JSON: what it was climbed on, with what, and how far each rung reaches."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from keyreid_stream.errors import InputError
from keyreid_stream.evaluation.scores_file import write_scores
from keyreid_stream.ladder.clock_file import ClockRecord
from keyreid_stream.ladder.rungs import Figures, losses
from keyreid_stream.validation import first_fault

SCHEMA: Literal["keyreid.ladder/1"] = "keyreid.ladder/1"
LADDER_FILE = "ladder.json"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FiguresRecord(_Part):
    """See `Figures`."""

    mean: dict[str, float]
    together: dict[str, float]

    @classmethod
    def of(cls, figures: Figures) -> FiguresRecord:
        """As it is written."""
        return cls(mean=dict(figures.mean), together=dict(figures.together))

    def figures(self) -> Figures:
        """As it is worked with."""
        return Figures(self.mean, self.together)


class RungRecord(_Part):
    """A rung that was reached.

    Attributes:
        name: of its folder.
        oracle: what was taken from the truth.
        wall_s: how long its run took.
        frames: that each camera gave.
        figures: how right it was.
        clock: how soon.
    """

    name: str
    oracle: tuple[str, ...]
    wall_s: float
    frames: dict[str, int]
    figures: FiguresRecord
    clock: ClockRecord


class Inputs(_Part):
    """What a ladder is climbed on.

    Attributes:
        sources: the cameras, as given.
        truth: the folder of the truth; None for a world's own.
        min_visibility: truth of which less can be seen is ignored.
        seed: of the world; None for recordings.
        digest: of what the sources and the truth are: a scene, or files.
    """

    sources: tuple[str, ...]
    truth: str | None
    min_visibility: float
    seed: int | None
    digest: str


class LadderRecord(_Part):
    """All of a ladder, as far as it was climbed.

    Attributes:
        status: `finished` when all rungs are there.
        inputs: what it was climbed on.
        command: what was typed.
        model, pose_weights: as `run.json` has them: with their hashes.
        settings: of the lowest rung; the others differ in `oracle` alone.
        versions: of packages.
        rungs: from the lowest up.
        losses: by stage, what it loses.
    """

    schema_name: Literal["keyreid.ladder/1"] = Field(default=SCHEMA, alias="schema")
    status: Literal["unfinished", "finished"]
    inputs: Inputs
    command: str
    model: dict[str, Any] | None = None
    pose_weights: dict[str, Any] | None = None
    settings: dict[str, Any] | None = None
    versions: dict[str, str] = Field(default_factory=dict)
    rungs: tuple[RungRecord, ...] = ()
    losses: dict[str, FiguresRecord] = Field(default_factory=dict)


def losses_of(rungs: Sequence[RungRecord], stages: Sequence[str]) -> dict[str, FiguresRecord]:
    """By stage, what the step that takes it out of the run gains."""
    lost = losses([rung.figures.figures() for rung in rungs])
    return {stage: FiguresRecord.of(one) for stage, one in zip(stages, lost, strict=False)}


def read_ladder(folder: Path) -> LadderRecord | None:
    """What a folder tells of a ladder; None where there is no `ladder.json`.

    Raises:
        InputError: there is one, and it is damaged or of another schema.
    """
    path = folder / LADDER_FILE
    if not path.is_file():
        return None
    try:
        return LadderRecord.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise InputError(
            f"{path} is damaged or not {SCHEMA} ({first_fault(error)}); choose another --out, or delete the folder"
        ) from error


def write_ladder(folder: Path, record: LadderRecord) -> None:
    """Write `ladder.json`, whole or not at all.

    Raises:
        InputError: it cannot be written there.
    """
    content = json.dumps(record.model_dump(mode="json", by_alias=True), indent=1, ensure_ascii=False)
    write_scores(folder / LADDER_FILE, content + "\n")
