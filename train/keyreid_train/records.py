"""Tables of a training that grow line by line, and are cut back when it resumes."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path


class CsvRecord:
    """A CSV file with a header; its first column is an epoch."""

    def __init__(self, path: Path, columns: tuple[str, ...], *, keep_before: int = 0) -> None:
        """Open it.

        Args:
            path: the file.
            columns: its header.
            keep_before: keep lines of earlier epochs that a previous run left, drop the others.
        """
        kept = [line for line in read_record(path) if int(line[columns[0]]) < keep_before] if keep_before else []
        self._path, self._columns = path, columns
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, columns, extrasaction="ignore")
            writer.writeheader()
            writer.writerows(kept)

    def write(self, values: Mapping[str, object]) -> None:
        """Append a line; numbers are shortened to what is worth reading."""
        with self._path.open("a", newline="", encoding="utf-8") as file:
            csv.DictWriter(file, self._columns).writerow({name: _short(values[name]) for name in self._columns})


def read_record(path: Path) -> list[dict[str, str]]:
    """The lines of a record, by column; none if there is no file."""
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def training_seconds(lines: list[dict[str, str]]) -> float:
    """What all steps of a log took together, earlier runs of a resumed training included, validation left out."""
    seconds, before = 0.0, 0
    for line in lines:
        step = int(line["step"])
        seconds += (step - before) * float(line["seconds_per_step"])
        before = step
    return seconds


def _short(value: object) -> object:
    return f"{value:.6g}" if isinstance(value, float) else value
