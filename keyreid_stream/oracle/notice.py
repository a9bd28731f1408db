"""What a viewer must know of results that are the truth."""

from __future__ import annotations

from collections.abc import Sequence

from keyreid_stream.oracle.config import OracleName


def oracle_notice(names: Sequence[OracleName]) -> str | None:
    """One line for whoever starts a run; None when nothing is taken from the truth."""
    if not names:
        return None
    return f"{_listed(names)} are the truth, not measured: they say nothing of these stages"


def short_oracle_notice(names: Sequence[OracleName]) -> str | None:
    """The notice for the corner of a picture, in ASCII."""
    return f"the truth, not measured: {', '.join(names)}" if names else None


def _listed(names: Sequence[OracleName]) -> str:
    *before, last = names
    return f"{', '.join(before)} and {last}" if before else last
