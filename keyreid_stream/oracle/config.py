"""Setting of the oracles: what a run takes from the truth."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias, get_args

from pydantic import AfterValidator, BeforeValidator

OracleName: TypeAlias = Literal["detections", "keypoints", "tracks", "identities"]
"""What can be taken from the truth: people's boxes, their keypoints, who is who in a camera, who is who across them."""

ORACLE_NAMES: tuple[OracleName, ...] = get_args(OracleName)
"""All of them, in the order of the pipeline."""


def _split(names: Any) -> Any:
    """One string, as on a command line, is names with commas between them."""
    return [name.strip() for name in names.split(",")] if isinstance(names, str) else names


def _in_order(names: tuple[OracleName, ...]) -> tuple[OracleName, ...]:
    return tuple(name for name in ORACLE_NAMES if name in names)


OracleNames: TypeAlias = Annotated[tuple[OracleName, ...], BeforeValidator(_split), AfterValidator(_in_order)]
"""A setting: a list of names, or a string of them with commas; each once, in the order of the pipeline."""
