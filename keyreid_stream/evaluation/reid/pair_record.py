"""How alike pairs are, and what thresholds get wrong, as part of an evaluation's file."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

Share = Annotated[float, Field(ge=0, le=1)]


class Frozen(BaseModel):
    """What an evaluation's file is made of."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Operating(Frozen):
    """What a threshold gets wrong.

    Attributes:
        threshold: pairs at least as similar are taken for one person.
        false_matches: share of the pairs of different people that are.
        misses: share of one person's pairs that are not.
    """

    threshold: float
    false_matches: Share
    misses: Share


class SetThreshold(Operating):
    """The threshold that the association would set itself had it seen exactly these pairs of different people.

    Attributes:
        false_merge_rate: its setting of that name, for all candidates of a decision together.
        candidates: among how many people it decides.
    """

    false_merge_rate: float
    candidates: int


class Similarities(Frozen):
    """How alike pairs from two cameras are; directions are counted both.

    Attributes:
        low, high: ends of the range that the counts divide evenly.
        same: pairs of one person, by rising similarity.
        different: pairs of two people, in the same bins.
        equal_error: the threshold that takes as large a share of different people for one as it misses of one person's.
        association: None where the association compares nothing of the kind (`euclidean`).
    """

    low: float
    high: float
    same: tuple[int, ...]
    different: tuple[int, ...]
    equal_error: Operating
    association: SetThreshold | None = None

    @model_validator(mode="after")
    def _columns_fit(self) -> Similarities:
        if not len(self.same) == len(self.different) > 0 or self.low >= self.high:
            raise ValueError("same and different must be equally many, at least one, and low below high")
        return self
