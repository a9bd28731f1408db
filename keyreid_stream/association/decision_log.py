"""The log of decisions: one JSON object a line, written as decisions are made, read back to be explained."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from keyreid_stream.association.decisions import Decision
from keyreid_stream.errors import InputError
from keyreid_stream.structures import Tick


class DecisionLog:
    """Takes decisions from an associator (`OnlineAssociator(decisions=log.note)`) and, as a sink, writes them.

    A line is bounded by `MOST_CANDIDATES` and `MOST_VIEWS`; between ticks, no more than a tick's decisions are held.

    Args:
        path: the file, usually `decisions.jsonl`; an older one is replaced.
    """

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)
        self._stack = ExitStack()
        self._file: IO[str] | None = None
        self._lines: list[str] = []

    def __enter__(self) -> Self:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self._stack.enter_context(self._path.open("w", encoding="utf-8", newline="\n"))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        self._file = None
        self._stack.__exit__(kind, error, trace)

    def note(self, decision: Decision) -> None:
        """Take a decision; it is written with its tick."""
        self._lines.append(decision.to_json() + "\n")

    def write(self, tick: Tick) -> None:  # noqa: ARG002 - what is written was taken before
        """Write what was decided since the last tick.

        Raises:
            InputError: the log is not open.
        """
        if self._file is None:
            raise InputError("the log of decisions is not open; write to it inside `with DecisionLog(...)`")
        self._file.write("".join(self._lines))
        self._file.flush()
        self._lines.clear()


def read_decisions(path: str | Path) -> Iterator[Decision]:
    """Read a log of decisions back, line by line.

    Raises:
        InputError: the file cannot be opened, or a line is damaged or of another schema.
    """
    path = Path(path)
    try:
        file = path.open("rb")
    except OSError as error:
        raise InputError(
            f"{path} cannot be opened ({error.strerror}); decisions are recorded by `keyreid track --decisions`"
        ) from error
    with file:
        for number, line in enumerate(file, start=1):
            try:
                yield Decision.from_json(line)
            except InputError as error:
                raise InputError(f"{path}, line {number}: {error}") from error


def forget_decisions(path: str | Path, identity_ids: Collection[int]) -> int:
    """Erase identities from a log of decisions: what was decided about them, and where they were candidates.

    The file is written anew; what it held before is overwritten on the disk.

    Returns:
        how many lines were taken out or changed.

    Raises:
        InputError: as of `read_decisions`; the file is then as it was.
    """
    path = Path(path)
    unfinished = path.with_name(path.name + ".part")
    touched = 0
    try:
        with unfinished.open("w", encoding="utf-8", newline="\n") as file:
            for decision in read_decisions(path):
                kept = without_identities(decision, identity_ids)
                touched += kept != decision
                if kept is not None:
                    file.write(kept.to_json() + "\n")
            file.flush()
            os.fsync(file.fileno())
        if touched:
            _replace_and_blank(path, unfinished)
    finally:
        unfinished.unlink(missing_ok=True)
    return touched


def without_identities(decision: Decision, identity_ids: Collection[int]) -> Decision | None:
    """A decision without some identities as candidates; None for a decision about one of them."""
    if decision.identity_id in identity_ids or decision.other_identity_id in identity_ids:
        return None
    kept = tuple(one for one in decision.candidates if one.identity_id not in identity_ids)
    return decision if len(kept) == len(decision.candidates) else replace(decision, candidates=kept)


def _replace_and_blank(path: Path, unfinished: Path) -> None:
    """Put a new file in the place of an old one, whose content is overwritten: it must not stay as free space."""
    with path.open("r+b") as old:
        left = path.stat().st_size
        unfinished.replace(path)
        while left > 0:
            left -= old.write(bytes(min(left, 1 << 20)))
        old.flush()
        os.fsync(old.fileno())
