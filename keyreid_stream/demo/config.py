"""Settings of the demo."""

from __future__ import annotations

import shlex
from typing import Annotated, Any
from urllib.parse import quote, urlencode

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from keyreid_stream.errors import ConfigError
from keyreid_stream.validation import first_fault
from keyreid_stream.world.address import SCHEME

LONGEST_S = 300
"""The report holds its video: a longer one makes a page that browsers are slow to open."""


class DemoConfig(BaseModel):
    """Which world is shown, and by which networks.

    Attributes:
        scene: a ready scene's name, or the path of a scene's TOML file.
        people: how many different people come; None for as many as the scene says.
        seconds: how long the world lasts.
        seed: of everything random.
        pose: a detector's weights; None for the shipped ones.
        weights: KeyRe-ID weights, a file or a name; None for the shipped ones.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    scene: Annotated[str, Field(min_length=1)] = "plaza"
    people: Annotated[int, Field(ge=1, le=1000)] | None = None
    seconds: Annotated[float, Field(gt=0, le=LONGEST_S)] = 20.0
    seed: Annotated[int, Field(ge=0)] = 7
    pose: str | None = None
    weights: str | None = None

    @property
    def address(self) -> str:
        """The world's, as a camera is named."""
        query = {"seconds": f"{self.seconds:g}", "seed": self.seed}
        if self.people is not None:
            query["people"] = self.people
        return f"{SCHEME}://{quote(self.scene)}?{urlencode(query)}"

    @property
    def command(self) -> str:
        """What a user types to see the same again."""
        options = self.model_dump(exclude_none=True)
        words = [word for name, value in options.items() for word in (f"--{name}", _written(value))]
        return shlex.join(["keyreid", "demo", *words])


def demo_config(**values: Any) -> DemoConfig:
    """Settings from single values; None counts as not given.

    Raises:
        ConfigError: a value is unknown or out of range, in one line.
    """
    try:
        return DemoConfig.model_validate({name: value for name, value in values.items() if value is not None})
    except ValidationError as error:
        raise ConfigError(f"demo: {first_fault(error, DemoConfig)}") from None


def _written(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
