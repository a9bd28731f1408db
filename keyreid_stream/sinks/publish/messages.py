"""What other systems are told: versioned JSON messages, without pictures and without embeddings."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files
from typing import Annotated, Any, Literal, Self, TypeAlias

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, TypeAdapter

from keyreid_stream.sinks.events_jsonl import EventLine
from keyreid_stream.structures import CameraTick, Event

SCHEMA: Literal["keyreid.messages/1"] = "keyreid.messages/1"

MessageType: TypeAlias = Literal["event", "sightings", "gap"]

_SCHEMA_FILE = "messages-1.schema.json"
_SECONDS_DECIMALS = 6
_PIXEL_DECIMALS = 2
_CONFIDENCE_DECIMALS = 4
_METRES_DECIMALS = 3

_Box: TypeAlias = tuple[FiniteFloat, FiniteFloat, FiniteFloat, FiniteFloat]


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    schema_name: Literal["keyreid.messages/1"] = Field(
        alias="schema", description="Another meaning of a message gets another number."
    )


class EventMessage(_Message):
    """Something was decided about an identity: a line of `events.jsonl`."""

    type: Literal["event"]
    event_id: str = Field(description="Unique. A message that comes twice has the same one: keep the first.")
    run_id: str
    number: int = Field(description="Counts the events of the run from 1: its line in events.jsonl.", ge=1)
    event: EventLine


class SightedPerson(BaseModel):
    """One person in one picture."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    identity_id: int | None = Field(description="The person across all cameras; null while undecided.")
    track_id: int
    box_xyxy: _Box = Field(description="Left, top, right, bottom in pixels of the picture.")
    confidence: FiniteFloat
    predicted: bool = Field(description="The tracker expects the person here; no detection shows it.")
    floor_xy: tuple[FiniteFloat, FiniteFloat] | None = Field(
        description="Metres on the site's floor; null without calibration, or where the feet are not seen."
    )


class SightingsMessage(_Message):
    """Who was where in one picture of one camera, as far as was known then; `event` messages may revise it later."""

    type: Literal["sightings"]
    event_id: str = Field(description="Unique. A message that comes twice has the same one: keep the first.")
    run_id: str
    number: int = Field(description="Counts the sightings messages of the run and output from 1.", ge=1)
    camera_id: str
    timestamp_s: FiniteFloat
    frame_index: int
    epoch: int
    width: int
    height: int
    people: tuple[SightedPerson, ...]


class GapMessage(_Message):
    """Messages are missing here: the receiver was away for longer than the spool can hold."""

    type: Literal["gap"]
    event_id: str = Field(description="Unique. A message that comes twice has the same one: keep the first.")
    run_id: str = Field(description="The run of the last missing message.")
    dropped: int = Field(description="How many messages are missing.", ge=1)
    first_event_id: str
    last_event_id: str


@dataclass(frozen=True, slots=True)
class Message:
    """A message on its way.

    Attributes:
        type: what it tells.
        run_id: the run that it is of.
        event_id: unique; the same when it is sent again.
        text: the JSON object.
        dropped: of a gap, how many messages are missing; 0 of others.
        first_event_id: of a gap, the first missing message; of others, their own.
    """

    type: MessageType
    run_id: str
    event_id: str
    text: str
    dropped: int = 0
    first_event_id: str = ""

    @classmethod
    def of_event(cls, run_id: str, number: int, event: Event) -> Self:
        """Of one event.

        Args:
            run_id: the run.
            number: its line in the run's event log, from 1.
            event: what was decided.

        Raises:
            InputError: a field of the event is of the wrong type or not finite.
        """
        event_id = f"{run_id}-e{number}"
        body = EventMessage(
            schema=SCHEMA, type="event", event_id=event_id, run_id=run_id, number=number, event=EventLine.of(event)
        )
        return cls("event", run_id, event_id, body.model_dump_json(by_alias=True))

    @classmethod
    def of_sightings(cls, run_id: str, number: int, seen: CameraTick, floor_xy: np.ndarray | None) -> Self:
        """Of one picture of one camera.

        Args:
            run_id: the run.
            number: counts sightings messages, from 1.
            seen: the camera's share of a tick.
            floor_xy: (K, 2) metres beside the tracks, rows of NaN where unknown; None without calibration.
        """
        event_id = f"{run_id}-s{number}"
        frame = seen.frame
        body = SightingsMessage(
            schema=SCHEMA,
            type="sightings",
            event_id=event_id,
            run_id=run_id,
            number=number,
            camera_id=frame.camera_id,
            timestamp_s=round(float(frame.timestamp_s), _SECONDS_DECIMALS),
            frame_index=int(frame.frame_index),
            epoch=int(frame.epoch),
            width=frame.image.shape[1],
            height=frame.image.shape[0],
            people=_people(seen, floor_xy),
        )
        return cls("sightings", run_id, event_id, body.model_dump_json(by_alias=True))

    @classmethod
    def of_gap(cls, missing: Sequence[Message]) -> Self:
        """In the place of these messages, in their order; gaps among them are taken up."""
        first, last = missing[0], missing[-1]
        last_event_id = last.event_id.removesuffix("-gap")
        event_id = f"{last_event_id}-gap"
        body = GapMessage(
            schema=SCHEMA,
            type="gap",
            event_id=event_id,
            run_id=last.run_id,
            dropped=sum(one.dropped or 1 for one in missing),
            first_event_id=first.first_event_id or first.event_id,
            last_event_id=last_event_id,
        )
        text = body.model_dump_json(by_alias=True)
        return cls("gap", last.run_id, event_id, text, body.dropped, body.first_event_id)


def new_run_id() -> str:
    """A name for a run that no other has; sorted as text, runs are in the order of their starts."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}"


def message_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of all messages, as published with the package."""
    text = files(__package__).joinpath(_SCHEMA_FILE).read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def made_schema() -> dict[str, Any]:
    """The JSON Schema of the messages that this code writes: what the published file must hold."""
    kinds: TypeAdapter[Any] = TypeAdapter(
        Annotated[EventMessage | SightingsMessage | GapMessage, Field(discriminator="type")]
    )
    made = kinds.json_schema(mode="serialization", by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": SCHEMA, **made}


def _people(seen: CameraTick, floor_xy: np.ndarray | None) -> tuple[SightedPerson, ...]:
    """Those with a finite box: a tracker's box can be lost."""
    tracks = seen.tracks
    found = []
    for row, box in enumerate(tracks.boxes_xyxy.tolist()):
        if not np.isfinite(box).all():
            continue
        x1, y1, x2, y2 = (round(edge, _PIXEL_DECIMALS) for edge in box)
        found.append(
            SightedPerson(
                identity_id=int(seen.identity_ids[row]) or None,
                track_id=int(tracks.track_ids[row]),
                box_xyxy=(x1, y1, x2, y2),
                confidence=round(float(tracks.confidence[row]), _CONFIDENCE_DECIMALS),
                predicted=bool(tracks.detection_indices[row] < 0),
                floor_xy=None if floor_xy is None else _place(floor_xy[row]),
            )
        )
    return tuple(found)


def _place(floor_xy: np.ndarray) -> tuple[float, float] | None:
    x, y = (round(float(metres), _METRES_DECIMALS) for metres in floor_xy)
    return (x, y) if np.isfinite((x, y)).all() else None
