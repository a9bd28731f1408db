from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyreid_stream.errors import InputError
from keyreid_stream.sinks import EventLogSink, read_events
from keyreid_stream.sinks.events_jsonl import EventLine
from keyreid_stream.structures import Event, Tick

TickMaker = Callable[..., Tick]

MATCHED = Event("matched", 3, 12.5, "gate 1", 7, 125, (1.0, 2.25, 30.5, 40.75), 0.8125)
MERGED = Event("merged", 1, 13.0, other_identity_id=3)


def write_log(path: Path, *events: Event) -> Path:
    with EventLogSink(path) as sink:
        sink.write(Tick(0, 0.0, (), events))
    return path


def test_a_line_is_fixed(tmp_path: Path) -> None:
    lines = write_log(tmp_path / "events.jsonl", MATCHED, MERGED).read_text().splitlines()
    assert lines == [
        '{"schema":"keyreid.events/2","kind":"matched","identity_id":3,"timestamp_s":12.5,"camera_id":"gate 1",'
        '"track_id":7,"frame_index":125,"box_xyxy":[1.0,2.25,30.5,40.75],"similarity":0.8125,"other_identity_id":null,'
        '"first_frame":null,"provisional":false}',
        '{"schema":"keyreid.events/2","kind":"merged","identity_id":1,"timestamp_s":13.0,"camera_id":null,'
        '"track_id":null,"frame_index":null,"box_xyxy":null,"similarity":null,"other_identity_id":3,'
        '"first_frame":null,"provisional":false}',
    ]


def test_the_folder_is_made_and_an_older_log_replaced(tmp_path: Path) -> None:
    path = tmp_path / "runs" / "lab" / "events.jsonl"
    write_log(path, MATCHED, MATCHED)
    write_log(path, MERGED)
    assert list(read_events(path)) == [MERGED]


def test_every_tick_can_be_read_at_once(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    with EventLogSink(path) as sink:
        sink.write(Tick(0, 0.0, (), (MATCHED,)))
        assert list(read_events(path)) == [MATCHED]
        sink.write(Tick(1, 0.1, (), ()))
        sink.write(Tick(2, 0.2, (), (MERGED,)))
        assert list(read_events(path)) == [MATCHED, MERGED]


@pytest.mark.parametrize("stop", [RuntimeError, KeyboardInterrupt])
def test_an_interrupted_log_is_whole(tmp_path: Path, stop: type[BaseException]) -> None:
    path = tmp_path / "events.jsonl"

    def run() -> None:
        with EventLogSink(path) as sink:
            sink.write(Tick(0, 0.0, (), (MATCHED, MERGED)))
            raise stop

    with pytest.raises(stop):
        run()
    assert list(read_events(path)) == [MATCHED, MERGED]


def test_an_event_that_cannot_be_written_leaves_whole_lines(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"

    def run() -> None:
        with EventLogSink(path) as sink:
            sink.write(Tick(0, 0.0, (), (MATCHED,)))
            sink.write(Tick(1, 0.1, (), (MERGED, Event("seen", 1, float("nan")))))

    with pytest.raises(InputError, match="finite"):
        run()
    assert list(read_events(path)) == [MATCHED]


def test_numbers_of_numpy_are_numbers(tmp_path: Path) -> None:
    box = tuple(np.array([0.1, 0.2, 0.3, 100 / 3], np.float32))
    given = Event("seen", 1, np.float64(1 / 3), "a", 1, 0, box, np.float32(0.1))  # type: ignore[arg-type]
    (line,) = write_log(tmp_path / "e.jsonl", given).read_text().splitlines()
    assert '"timestamp_s":0.333333,' in line
    assert '"box_xyxy":[0.1,0.2,0.3,33.33],"similarity":0.1,' in line


def test_ids_of_numpy_are_numbers(tmp_path: Path) -> None:
    ids = {name: np.int64(3) for name in ("identity_id", "track_id", "frame_index", "other_identity_id")}
    given = Event("split", timestamp_s=0.0, camera_id="a", **ids)  # type: ignore[arg-type]
    (line,) = write_log(tmp_path / "e.jsonl", given).read_text().splitlines()
    assert {name: json.loads(line)[name] for name in ids} == dict.fromkeys(ids, 3)


@pytest.mark.parametrize("edge", [float("nan"), float("inf"), np.float32("nan")])
def test_a_box_that_is_not_finite_is_left_out(tmp_path: Path, edge: float) -> None:
    given = dataclasses.replace(MATCHED, box_xyxy=(1.0, 2.0, edge, 4.0))
    assert list(read_events(write_log(tmp_path / "e.jsonl", given))) == [dataclasses.replace(MATCHED, box_xyxy=None)]


@pytest.mark.parametrize(
    "wrong",
    [
        {"identity_id": 3.5},
        {"identity_id": None},
        {"track_id": "7"},
        {"timestamp_s": float("nan")},
        {"timestamp_s": "noon"},
        {"similarity": float("nan")},
        {"box_xyxy": (1.0, 2.0, 3.0)},
        {"box_xyxy": 5.0},
        {"camera_id": 1},
        {"kind": "guessed"},
    ],
)
def test_a_wrong_event_is_refused_in_one_line(tmp_path: Path, wrong: dict[str, object]) -> None:
    given = dataclasses.replace(MATCHED, **wrong)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"^a '\w+' event of identity .* cannot be logged \(.*\); let the") as caught:
        write_log(tmp_path / "e.jsonl", given)
    assert "\n" not in str(caught.value)
    assert list(read_events(tmp_path / "e.jsonl")) == []


def test_writing_outside_the_block_is_refused(tmp_path: Path) -> None:
    sink = EventLogSink(tmp_path / "e.jsonl")
    with pytest.raises(InputError, match="not open"):
        sink.write(Tick(0, 0.0, (), ()))
    with sink:
        pass
    with pytest.raises(InputError, match="not open"):
        sink.write(Tick(0, 0.0, (), ()))


whole = EventLine.of(MATCHED).model_dump_json(by_alias=True)
fields = json.loads(whole)


@pytest.mark.parametrize(
    "line",
    [
        whole[:-20],
        "",
        "not json",
        "[]",
        json.dumps(fields | {"schema": "keyreid.events/1"}),
        json.dumps(fields | {"kind": "guessed"}),
        json.dumps(fields | {"identity_id": "3"}),
        json.dumps(fields | {"identity_id": 3.5}),
        json.dumps(fields | {"timestamp_s": float("nan")}),
        json.dumps(fields | {"box_xyxy": [1, 2, 3]}),
        json.dumps(fields | {"more": 1}),
        json.dumps({key: value for key, value in fields.items() if key != "camera_id"}),
        json.dumps({key: value for key, value in fields.items() if key != "schema"}),
        "\udcff",
    ],
)
def test_a_damaged_line_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(f"{whole}\n{whole}\n{line}\n{whole}\n".encode(errors="surrogateescape"))
    events = read_events(path)
    assert [next(events), next(events)] == [MATCHED, MATCHED]
    with pytest.raises(InputError, match=r"events\.jsonl, line 3 is damaged or not keyreid\.events/2") as caught:
        next(events)
    assert "\n" not in str(caught.value)


def test_no_log(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot be opened .*give an events\.jsonl"):
        next(read_events(tmp_path / "gone.jsonl"))


def rounded(decimals: int) -> st.SearchStrategy[float]:
    return st.floats(-1e6, 1e6).map(lambda value: round(value, decimals))


events = st.builds(
    Event,
    kind=st.sampled_from(["new", "matched", "seen", "merged", "split", "left", "forgotten"]),
    identity_id=st.integers(0, 2**53),
    timestamp_s=rounded(6),
    camera_id=st.none() | st.text(st.characters(exclude_categories=["Cs"])),
    track_id=st.none() | st.integers(0, 2**53),
    frame_index=st.none() | st.integers(0, 2**53),
    box_xyxy=st.none() | st.tuples(rounded(2), rounded(2), rounded(2), rounded(2)),
    similarity=st.none() | rounded(6),
    other_identity_id=st.none() | st.integers(0, 2**53),
)


@given(st.lists(events, max_size=8))
def test_what_was_written_is_what_is_read(tmp_path_factory: pytest.TempPathFactory, given_events: list[Event]) -> None:
    path = write_log(tmp_path_factory.mktemp("log") / "events.jsonl", *given_events)
    assert list(read_events(path)) == given_events
    assert len(path.read_text(encoding="utf-8").split("\n")) == len(given_events) + 1
