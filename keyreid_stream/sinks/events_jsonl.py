"""The event log: one JSON object a line, one schema, written as it happens."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from math import isfinite
from operator import index
from pathlib import Path
from types import TracebackType
from typing import IO, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError

from keyreid_stream.errors import InputError
from keyreid_stream.structures import Event, EventKind, Tick
from keyreid_stream.validation import first_fault

SCHEMA: Literal["keyreid.events/2"] = "keyreid.events/2"

_SECONDS_DECIMALS = 6
_PIXEL_DECIMALS = 2
_SIMILARITY_DECIMALS = 6


class EventLine(BaseModel):
    """A line of the log: the fields of `structures.Event`; their order is the order of the keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    schema_name: Literal["keyreid.events/2"] = Field(alias="schema")
    kind: EventKind
    identity_id: int
    timestamp_s: FiniteFloat
    camera_id: str | None
    track_id: int | None
    frame_index: int | None
    box_xyxy: tuple[FiniteFloat, FiniteFloat, FiniteFloat, FiniteFloat] | None
    similarity: FiniteFloat | None
    other_identity_id: int | None
    first_frame: int | None
    provisional: bool

    @classmethod
    def of(cls, event: Event) -> Self:
        """The event with its numbers rounded to what they are worth: microseconds and hundredths of a pixel.

        Ids may be NumPy's. A box that is not finite is left out.

        Raises:
            InputError: a field is of another type than `structures.Event` says, or a number is not finite.
        """
        try:
            return cls(
                schema=SCHEMA,
                kind=event.kind,
                identity_id=index(event.identity_id),
                timestamp_s=round(float(event.timestamp_s), _SECONDS_DECIMALS),
                camera_id=event.camera_id,
                track_id=_integer(event.track_id),
                frame_index=_integer(event.frame_index),
                box_xyxy=_rounded_box(event.box_xyxy),
                similarity=None if event.similarity is None else round(float(event.similarity), _SIMILARITY_DECIMALS),
                other_identity_id=_integer(event.other_identity_id),
                first_frame=_integer(event.first_frame),
                provisional=event.provisional,
            )
        except (TypeError, ValueError) as error:
            fault = first_fault(error) if isinstance(error, ValidationError) else str(error)
            raise InputError(
                f"a {event.kind!r} event of identity {event.identity_id!r} cannot be logged ({fault}); "
                "let the associator fill its fields as structures.Event says"
            ) from error

    def event(self) -> Event:
        """The event that this line records."""
        return Event(**self.model_dump(exclude={"schema_name"}))


class EventLogSink:
    """Writes every event to a JSON Lines file, whole lines only, flushed after every tick.

    Args:
        path: the file, usually `events.jsonl`; an older one is replaced.
    """

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)
        self._stack = ExitStack()
        self._file: IO[str] | None = None

    def __enter__(self) -> Self:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self._stack.enter_context(self._path.open("w", encoding="utf-8", newline="\n"))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        self._file = None
        self._stack.__exit__(kind, error, trace)

    def write(self, tick: Tick) -> None:
        """Append the tick's events.

        Raises:
            InputError: the log is not open, or an event cannot be logged; then none of the tick's is.
        """
        if self._file is None:
            raise InputError("the event log is not open; write to it inside `with EventLogSink(...)`")
        lines = [EventLine.of(event).model_dump_json(by_alias=True) + "\n" for event in tick.events]
        self._file.write("".join(lines))
        self._file.flush()


def event_pieces(path: str | Path) -> list[Path]:
    """The pieces of a log, in order: `events-000001.jsonl` and so on beside an `events.jsonl` that is not there."""
    path = Path(path)
    if path.exists():
        return []
    number = re.compile(re.escape(path.stem) + r"-\d{6,}" + re.escape(path.suffix))
    return sorted(one for one in path.parent.glob(f"*{path.suffix}") if number.fullmatch(one.name))


def read_events(path: str | Path, *, partial: bool = False) -> Iterator[Event]:
    """Read an event log back, line by line; one that was written in pieces is read as one.

    Args:
        path: the file; of a run in pieces, the `events.jsonl` that it would have.
        partial: read what is left, should the first pieces have been deleted.

    Raises:
        InputError: the file cannot be opened, its first pieces were deleted, or a line is damaged or of another schema.
    """
    pieces = event_pieces(path)
    if pieces and not partial and not pieces[0].stem.endswith(f"-{1:06d}"):
        raise InputError(
            f"the event log in {pieces[0].parent} begins with {pieces[0].name}: what came before was deleted "
            "(output.keep_pieces), so who is who cannot be told; give one piece, or keep all"
        )
    for piece in pieces or [Path(path)]:
        yield from _read_piece(piece)


def _read_piece(path: Path) -> Iterator[Event]:
    try:
        file = path.open("rb")
    except OSError as error:
        raise InputError(f"{path} cannot be opened ({error.strerror}); give an events.jsonl of a run") from error
    with file:
        for number, line in enumerate(file, start=1):
            try:
                yield EventLine.model_validate_json(line).event()
            except ValidationError as error:
                raise InputError(
                    f"{path}, line {number} is damaged or not {SCHEMA} ({first_fault(error)}); "
                    "remove the line, or write the log again"
                ) from error


def _integer(number: int | None) -> int | None:
    return None if number is None else index(number)


def _rounded_box(box: tuple[float, float, float, float] | None) -> tuple[float, float, float, float] | None:
    if box is None:
        return None
    x1, y1, x2, y2 = (round(float(edge), _PIXEL_DECIMALS) for edge in box)
    return (x1, y1, x2, y2) if all(map(isfinite, (x1, y1, x2, y2))) else None
