"""What can be done to a run from outside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from keyreid_stream.structures import LiveCounts


@dataclass(frozen=True, slots=True)
class CameraState:
    """One camera of a run.

    Attributes:
        camera_id: its name.
        live: whether it is a live camera.
        paused: its frames are not looked at.
        counts: how a live camera is doing; None for others.
        frames_out: frames that were worked on.
    """

    camera_id: str
    live: bool
    paused: bool
    counts: LiveCounts | None
    frames_out: int


class CameraControl(Protocol):
    """Cameras that come, go and rest while a run lasts; called from the server's threads."""

    def add(self, spec: str) -> list[str]:
        """Open cameras and take their frames; their names. Raises InputError."""
        ...

    def remove(self, camera_id: str) -> None:
        """Close a camera and end its tracks. Raises InputError."""
        ...

    def pause(self, camera_id: str) -> None:
        """Do not look at a camera's frames until `resume`. Raises InputError."""
        ...

    def resume(self, camera_id: str) -> None:
        """Look at them again. Raises InputError."""
        ...

    def stop(self) -> None:
        """End the run in good order."""
        ...

    def states(self) -> list[CameraState]:
        """The cameras of the run now."""
        ...
