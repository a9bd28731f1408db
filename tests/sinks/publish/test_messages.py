from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from jsonschema import Draft202012Validator, ValidationError

from keyreid_stream.errors import InputError
from keyreid_stream.sinks.events_jsonl import EventLine
from keyreid_stream.sinks.publish import Message, message_schema, new_run_id
from keyreid_stream.sinks.publish.messages import made_schema
from keyreid_stream.structures import CameraTick, Event

CameraTickMaker = Callable[..., CameraTick]

MATCHED = Event("matched", 3, 12.5, "gate 1", 7, 125, (1.0, 2.25, 30.5, 40.75), 0.8125)
VALID = Draft202012Validator(message_schema())


def told(message: Message) -> dict[str, Any]:
    """The message, which must be as the published schema says."""
    body: dict[str, Any] = json.loads(message.text)
    VALID.validate(body)
    return body


def test_the_published_schema_is_of_these_messages() -> None:
    """A change of the messages is a new version, or is at least seen in a review."""
    assert message_schema() == made_schema()
    Draft202012Validator.check_schema(message_schema())


def test_an_event_is_its_line_with_the_run_and_an_id() -> None:
    message = Message.of_event("run", 12, MATCHED)
    assert told(message) == {
        "schema": "keyreid.messages/1",
        "type": "event",
        "event_id": "run-e12",
        "run_id": "run",
        "number": 12,
        "event": json.loads(EventLine.of(MATCHED).model_dump_json(by_alias=True)),
    }
    assert (message.type, message.run_id, message.event_id) == ("event", "run", "run-e12")


@pytest.mark.parametrize("kind", ["new", "matched", "seen", "merged", "split", "left", "forgotten"])
def test_every_kind_of_event_fits_the_schema(kind: Any) -> None:
    told(Message.of_event("run", 1, Event(kind, 1, 0.0)))


def test_a_wrong_event_is_refused() -> None:
    with pytest.raises(InputError, match="cannot be logged"):
        Message.of_event("run", 1, Event("seen", 1, float("nan")))


def test_sightings_tell_who_is_where_and_nothing_else(camera_tick: CameraTickMaker) -> None:
    seen = camera_tick("gate", 4, [(7, 3, (1, 2, 30, 40.126), 0.91234), (8, 0, (5, 6, 7, 8), 0.5)])
    places = np.array([[1.23456, -2.0], [np.nan, np.nan]])
    assert told(Message.of_sightings("run", 9, seen, places)) == {
        "schema": "keyreid.messages/1",
        "type": "sightings",
        "event_id": "run-s9",
        "run_id": "run",
        "number": 9,
        "camera_id": "gate",
        "timestamp_s": 0.4,
        "frame_index": 4,
        "epoch": 0,
        "width": 128,
        "height": 96,
        "people": [
            {
                "identity_id": 3,
                "track_id": 7,
                "box_xyxy": [1.0, 2.0, 30.0, 40.13],
                "confidence": 0.9123,
                "predicted": False,
                "floor_xy": [1.235, -2.0],
            },
            {
                "identity_id": None,
                "track_id": 8,
                "box_xyxy": [5.0, 6.0, 7.0, 8.0],
                "confidence": 0.5,
                "predicted": False,
                "floor_xy": None,
            },
        ],
    }


def test_an_empty_picture_tells_that_nobody_is_there(camera_tick: CameraTickMaker) -> None:
    assert told(Message.of_sightings("run", 1, camera_tick(), None))["people"] == []


def test_a_lost_box_is_left_out(camera_tick: CameraTickMaker) -> None:
    seen = camera_tick("gate", 0, [(1, 1, (0, 0, float("nan"), 1), 0.5), (2, 2, (0, 0, 1, 1), 0.5)], predicted=True)
    (person,) = told(Message.of_sightings("run", 1, seen, None))["people"]
    assert (person["track_id"], person["predicted"]) == (2, True)


def test_a_gap_takes_up_gaps() -> None:
    first = Message.of_gap([Message.of_event("run", number, MATCHED) for number in (1, 2, 3)])
    both = Message.of_gap([first, Message.of_event("run", 4, MATCHED)])
    assert told(both) == {
        "schema": "keyreid.messages/1",
        "type": "gap",
        "event_id": "run-e4-gap",
        "run_id": "run",
        "dropped": 4,
        "first_event_id": "run-e1",
        "last_event_id": "run-e4",
    }
    assert told(Message.of_gap([first]))["event_id"] == first.event_id == "run-e3-gap"


@pytest.mark.parametrize("change", [{"type": "news"}, {"number": 0}, {"more": 1}, {"event": None}, {"schema": "x/2"}])
def test_the_schema_refuses_what_is_no_message(change: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        VALID.validate(json.loads(Message.of_event("run", 1, MATCHED).text) | change)


def test_runs_have_names_of_their_own() -> None:
    assert len({new_run_id() for _ in range(200)}) == 200
