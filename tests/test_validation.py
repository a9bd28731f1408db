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
        ({"total": -1}, "the total is below 0"),
        ({"total": "x", "inner": 3}, "'inner': Input should be a valid list"),
    ],
)
def test_the_first_fault_and_its_place_in_one_line(given: dict[str, Any], line: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Outer.model_validate(given)
    assert first_fault(caught.value) == line


class Settings(BaseModel):
    model_config = ConfigDict(extra="forbid")

    inner: Inner = Inner()
    outer: Outer = Outer()
    name: str


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({}, "setting 'name' is missing; add it"),
        ({"name": "a", "inner": {"sise": 2}}, "unknown setting 'inner.sise'; choose from: size"),
        (
            {"name": "a", "outer": {"inner": [{"sise": 2}]}},
            "unknown setting 'outer.inner.0.sise'; remove it or correct",
        ),
        ({"name": "a", "inner": {"size": 0}}, "setting 'inner.size' is 0: Input should be greater"),
        ({"name": "a", "outer": {"total": -1}}, "outer: the total is below 0"),
    ],
)
def test_of_settings_that_a_user_wrote_the_line_says_what_to_do(given: dict[str, Any], line: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Settings.model_validate(given)
    assert first_fault(caught.value, Settings).startswith(line)
