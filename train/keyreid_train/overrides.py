"""Settings that a user changes on the command line: `--set loop.epochs=40`."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from typing import Any

from pydantic import ValidationError

from keyreid_stream.errors import ConfigError
from keyreid_stream.validation import first_fault
from keyreid_train.settings import TrainConfig


def with_settings(config: TrainConfig, assignments: Iterable[str]) -> TrainConfig:
    """A copy with some settings changed.

    Args:
        config: what to start from.
        assignments: `dotted.name=value` each; the value as in TOML, or plain text.

    Raises:
        ConfigError: an assignment has no `=`, an unknown name or a value that is not allowed.
    """
    tree: dict[str, Any] = config.model_dump()
    for assignment in assignments:
        name, separator, text = assignment.partition("=")
        if not separator or not name.strip():
            raise ConfigError(f"--set {assignment!r} is not NAME=VALUE; for example: --set loop.epochs=40")
        *sections, last = name.strip().split(".")
        place = tree
        for section in sections:
            inner = place.get(section)
            if not isinstance(inner, dict):
                choices = ", ".join(sorted(key for key, value in place.items() if isinstance(value, dict)))
                raise ConfigError(f"--set {assignment!r}: there is no section {section!r}; choose from: {choices}")
            place = inner
        place[last] = _value(text.strip())
    try:
        return TrainConfig.model_validate(tree)
    except ValidationError as error:
        raise ConfigError(f"--set: {first_fault(error, TrainConfig)}") from error


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
