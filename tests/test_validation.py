from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from keyreid_stream.validation import first_fault


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid")

    size: int = Field(default=1, ge=1)


class Outer(BaseModel):
    inner: list[Inner] = []
    total: int = 0

    @model_validator(mode="after")
    def _sums_up(self) -> Outer:
        if self.total < 0:
            raise ValueError("the total\nis below 0")
        return self


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({"inner": [{}, {"size": 0}]}, "'inner.1.size': Input should be greater than or equal to 1"),
        ({"inner": [{"\x1b[31m\n": 0}]}, r"'inner.0.\x1b[31m\n': Extra inputs are not permitted"),
        ({"total": -1}, "Value error, the total is below 0"),
        ({"total": "x", "inner": 3}, "'inner': Input should be a valid list"),
    ],
)
def test_the_first_fault_and_its_place_in_one_line(given: dict[str, Any], line: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Outer.model_validate(given)
    assert first_fault(caught.value) == line
