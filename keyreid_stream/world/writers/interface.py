"""The seam between filming and what is written of it."""

from __future__ import annotations

from types import TracebackType
from typing import Protocol, Self

from keyreid_stream.world.truth import Shot


class ShotWriter(Protocol):
    """Writes shots somewhere; what it wrote is complete after `__exit__`."""

    def __enter__(self) -> Self:
        """Open what it writes to."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        """Finish and close, also after an error or an interruption."""
        ...

    def write(self, shot: Shot) -> None:
        """Take one shot; a camera's shots come in order."""
        ...
