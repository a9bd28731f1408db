"""The folder of a recorded run: what may be written where, and what may be replaced."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from keyreid_stream.errors import InputError

SCHEMA = "keyreid.run/1"
ON_REQUEST = ("decisions.jsonl", "crops", "sightings.parquet", "sightings")
"""What a run leaves only if it is asked to."""

OUTPUTS = (
    "events.jsonl",
    "tracks",
    "videos",
    "run.json",
    *ON_REQUEST,
    # of a demo besides
    "truth",
    "scores.json",
    "floor_map.png",
    "gallery.jpg",
    "report.html",
)
"""What a run leaves in its folder, and all that overwriting a run removes."""


class RunFolder:
    """A folder that a run is to be written to.

    Args:
        path: the folder; it need not exist.
        overwrite: whether an earlier run's outputs in it may be replaced.
    """

    def __init__(self, path: Path, *, overwrite: bool = False) -> None:
        self.path = path
        self._overwrite = overwrite

    def check(self) -> None:
        """Refuse a folder that a run must not write to. Changes nothing.

        Raises:
            InputError: it is a file, cannot be written, or holds something other than a run that may be overwritten.
        """
        try:
            self._check()
        except OSError as error:
            reason = error.strerror or str(error)
            raise InputError(f"--out {self.path} cannot be used ({reason}); choose another folder") from None

    def check_inputs(self, inputs: Iterable[str]) -> None:
        """Refuse to overwrite a run with files in it that the new run is to read.

        Args:
            inputs: what the user gave: paths, `name=path`, or names; what is no existing path is passed over.

        Raises:
            InputError: a file lies among the outputs that would be removed.
        """
        outputs = [output.resolve() for output in self._outputs()]
        for given in inputs:
            for candidate in {given, given.partition("=")[2]} - {""}:
                path = Path(candidate).expanduser().resolve()
                if any(path.is_relative_to(output) for output in outputs) and path.exists():
                    raise InputError(f"{candidate} lies in the run that would be replaced; choose another --out")

    def clear(self) -> None:
        """Make the folder, without an earlier run's outputs.

        Raises:
            InputError: the system does not allow it.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            for output in self._outputs():
                if output.is_dir() and not output.is_symlink():
                    shutil.rmtree(output)
                else:
                    output.unlink(missing_ok=True)
        except OSError as error:
            reason = error.strerror or str(error)
            raise InputError(f"--out {self.path} cannot be written ({reason}); choose another folder") from None

    def write_report(self, report: Mapping[str, Any]) -> None:
        """Write `run.json` so that a reader sees the whole file or the one before."""
        unfinished = self.path / "run.json.part"
        text = json.dumps({"schema": SCHEMA, **report}, indent=2, allow_nan=False)
        unfinished.write_text(text + "\n", encoding="utf-8")
        unfinished.replace(self.path / "run.json")

    def _outputs(self) -> list[Path]:
        """What an earlier run may have left here; the spools of what others were not told yet stay."""
        return [*(self.path / name for name in OUTPUTS), *self.path.glob("events-[0-9]*.jsonl")]

    def _check(self) -> None:
        if self.path.exists():
            if not self.path.is_dir():
                raise InputError(f"--out {self.path} is a file; give a folder that does not exist yet")
            if any(self.path.iterdir()):
                self._check_earlier_run()
        place = next(parent for parent in (self.path, *self.path.absolute().parents) if parent.exists())
        if not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
            raise InputError(f"--out {self.path} cannot be made: {place} is no folder that can be written to")

    def _check_earlier_run(self) -> None:
        if not self._is_run():
            raise InputError(f"--out {self.path} is not empty and holds no earlier run; choose another folder")
        if not self._overwrite:
            raise InputError(f"--out {self.path} is not empty; choose another folder, or add --overwrite")

    def _is_run(self) -> bool:
        try:
            report = json.loads((self.path / "run.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return False
        return isinstance(report, dict) and report.get("schema") == SCHEMA
