from __future__ import annotations

import json
from pathlib import Path

import pytest

from keyreid_stream.errors import InputError
from keyreid_stream.run_erasure import RunErasure, erase_from_run
from keyreid_stream.sinks import final_identities, read_events
from keyreid_stream.sinks.events_jsonl import EventLine
from keyreid_stream.structures import Event, TrackKey

A1, A2, B1 = TrackKey("a", 1), TrackKey("a", 2), TrackKey("b", 1)


def said(kind: str, identity: int, key: TrackKey, frame: int, **more: int) -> Event:
    return Event(kind, identity, frame / 10, *key, frame, (1.5, 2.5, 33.25, 44.75), first_frame=frame, **more)  # type: ignore[arg-type]


EVENTS = [
    said("new", 1, A1, 0),
    said("new", 2, A2, 0),
    said("new", 3, B1, 0),
    said("seen", 2, A2, 5),
    said("split", 2, A1, 8, other_identity_id=1),  # track a/1 shows person 2 from frame 8 on
    said("split", 1, A1, 20, other_identity_id=2),  # and person 1 again from frame 20 on
    Event("merged", 2, 2.5, other_identity_id=3),
    said("left", 2, A2, 30),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    lines = [EventLine.of(event).model_dump_json(by_alias=True) + "\n" for event in EVENTS]
    (tmp_path / "events.jsonl").write_text("".join(lines))
    for name in ("tracks", "videos", "crops/a", "crops/b"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "tracks" / "a.txt").write_text("1,1,5.00,5.00,9,9,0.9,-1,-1,-1\n1,2,7.77,5.00,9,9,0.9,-1,-1,-1\n")
    (tmp_path / "tracks" / "b.txt").write_text("1,2,8.88,5.00,9,9,0.9,-1,-1,-1\n")
    (tmp_path / "videos" / "a.mp4").write_bytes(b"video")
    for name in ("a/1_3", "a/1_9", "a/2_4", "b/1_2"):
        (tmp_path / "crops" / f"{name}.jpg").write_bytes(f"picture {name}".encode())
    report = {"schema": "keyreid.run/1", "cameras": {"a": {"identities": [1, 2]}, "b": {"identities": [2]}}}
    (tmp_path / "run.json").write_text(json.dumps(report))
    return tmp_path


def test_a_person_is_taken_out_of_everything_but_videos_and_others_stay(folder: Path) -> None:
    hidden = (folder / "crops" / "b" / "1_2.jpg").open("rb")  # what is on the disk, after it is unlinked
    erased = erase_from_run(folder, {2})
    with hidden:
        assert set(hidden.read()) == {0}
    assert erased == RunErasure(folder, 7, 2, 3, 0, (folder / "videos" / "a.mp4",))
    assert (folder / "tracks" / "a.txt").read_text() == "1,1,5.00,5.00,9,9,0.9,-1,-1,-1\n"
    assert (folder / "tracks" / "b.txt").read_text() == ""
    assert [path.name for path in sorted(folder.glob("crops/*/*.jpg"))] == ["1_3.jpg"]
    report = json.loads((folder / "run.json").read_text())
    assert report["cameras"] == {"a": {"identities": [1]}, "b": {"identities": []}}
    tracklets = final_identities(read_events(folder / "events.jsonl"))
    assert {key: [tuple(one) for one in found] for key, found in tracklets.items()} == {A1: [(0, 1), (8, 0), (20, 1)]}
    assert not list(folder.rglob("*.erasing"))


def test_of_the_person_the_log_keeps_a_number_and_bare_places_on_shared_tracks(folder: Path) -> None:
    erase_from_run(folder, {2})
    events = list(read_events(folder / "events.jsonl"))
    assert [(one.kind, one.identity_id) for one in events] == [
        ("new", 1), ("matched", 2), ("split", 1), ("forgotten", 2), ("forgotten", 3),
    ]  # fmt: skip
    of_them = [one for one in events if one.identity_id != 1]
    assert all(one.box_xyxy is None and one.frame_index is None and one.timestamp_s == 3.0 for one in of_them)
    assert not any(one.other_identity_id for one in events)
    content = (folder / "events.jsonl").read_text()
    assert '"b"' not in content  # where person 3, who was merged into 2, was seen


def test_a_run_that_never_saw_the_person_is_left_as_it_is(folder: Path) -> None:
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert erase_from_run(folder, {77}) == RunErasure(folder)
    assert erase_from_run(folder / "crops", {2}) == RunErasure(folder / "crops")  # no run at all
    assert before == {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_erasing_again_changes_nothing_more(folder: Path) -> None:
    erase_from_run(folder, {2})
    before = (folder / "events.jsonl").read_text()
    erase_from_run(folder, {2})
    assert (folder / "events.jsonl").read_text() == before


def test_a_damaged_run_is_refused(folder: Path) -> None:
    (folder / "tracks" / "a.txt").write_text("nonsense\n")
    with pytest.raises(InputError, match=r"a\.txt is no track file"):
        erase_from_run(folder, {2})
