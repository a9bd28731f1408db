"""A run's people, and changes of them, which go through the gallery and can be undone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from keyreid_demos.open_run import OpenRun
from keyreid_stream.association import GalleryStore
from keyreid_stream.errors import InputError
from keyreid_stream.structures import TrackKey
from tests.demos.runs import make_run


@pytest.fixture
def run(tmp_path: Path) -> OpenRun:
    return OpenRun(make_run(tmp_path / "run", tmp_path / "run.gallery"))


def who(run: OpenRun) -> dict[int, list[str]]:
    return {person.identity_id: [one.name for one in person.sightings] for person in run.people()}


def test_people_are_those_of_the_run_with_their_pictures(run: OpenRun) -> None:
    assert who(run) == {1: ["door/1", "hall/1"], 2: ["door/2"]}
    first = run.person(1)
    assert (first.cameras, first.first_s, first.last_s) == (("door", "hall"), 0.0, 6.0)
    assert first.crop("hall") == run.folder / "crops" / "hall" / "1_40.jpg"
    assert run.crop_of(2) == run.folder / "crops" / "door" / "2_10.jpg"
    assert run.crop_of(7) is None


def test_a_merge_shows_at_once_and_in_every_reader_of_the_gallery_and_is_undone(run: OpenRun) -> None:
    assert run.merge(1, 2) == 1
    assert who(run) == {1: ["door/1", "door/2", "hall/1"]}
    assert run.person(2).identity_id == 1
    assert who(OpenRun(run.folder)) == who(run)
    assert run.last_edit == "P2 is P1"
    assert run.undo() == "P2 is P1"
    assert who(run) == {1: ["door/1", "hall/1"], 2: ["door/2"]}
    assert run.last_edit is None


def test_sightings_that_are_split_off_become_somebody_new(run: OpenRun) -> None:
    assert run.part(1, ["hall/1"]) == 3
    assert who(run) == {1: ["door/1"], 2: ["door/2"], 3: ["hall/1"]}
    run.undo()
    assert who(run) == {1: ["door/1", "hall/1"], 2: ["door/2"]}


def test_whoever_was_merged_last_is_taken_out_again(run: OpenRun) -> None:
    run.merge(1, 2)
    assert run.person(1).can_take_out
    assert run.take_out(1) == 2
    assert who(run) == {1: ["door/1", "hall/1"], 2: ["door/2"]}


def test_several_changes_are_undone_one_after_the_other(run: OpenRun) -> None:
    run.rename(1, " Ada ")
    run.merge(2, 1)
    run.rename(2, "Grace")
    assert run.person(1).name == "Grace"
    for _ in range(3):
        run.undo()
    assert [person.name for person in run.people()] == ["", ""]
    with pytest.raises(InputError, match="nothing to undo"):
        run.undo()


def test_forgetting_erases_from_gallery_and_folder_and_nothing_is_undone_past_it(run: OpenRun) -> None:
    run.rename(1, "Ada Lovelace")
    assert run.forget(1) == []
    assert who(run) == {2: ["door/2"]}
    assert run.last_edit is None
    assert not (run.folder / "crops" / "hall" / "1_40.jpg").exists()
    assert "Ada" not in (run.folder / "events.jsonl").read_text()
    assert run.gallery is not None
    assert b"Ada Lovelace" not in run.gallery.read_bytes()
    assert json.loads((run.folder / "run.json").read_text())["cameras"]["door"]["identities"] == [2]


@pytest.mark.parametrize("names", [[], ["door/1", "hall/1"], ["door/2"]])
def test_some_sightings_must_be_chosen_and_one_must_remain(run: OpenRun, names: list[str]) -> None:
    with pytest.raises(InputError, match="choose some of the 2 sightings of P1, but not all"):
        run.part(1, names)


def test_nobody_is_changed_while_another_process_uses_the_gallery(run: OpenRun) -> None:
    assert run.gallery is not None
    with GalleryStore(run.gallery), pytest.raises(InputError, match="in use"):
        run.merge(1, 2)
    run.merge(1, 2)


def test_a_run_without_a_gallery_is_shown_and_says_why_nobody_can_be_changed(tmp_path: Path) -> None:
    run = OpenRun(make_run(tmp_path / "run"))
    assert who(run) == {1: ["door/1", "hall/1"], 2: ["door/2"]}
    for change in (lambda: run.merge(1, 2), lambda: run.rename(1, "x"), run.undo, lambda: run.forget(1)):
        with pytest.raises(InputError, match="kept no gallery"):
            change()


def test_a_run_that_goes_on_is_read_again_when_its_log_grows(tmp_path: Path) -> None:
    run = OpenRun(make_run(tmp_path / "run", tmp_path / "run.gallery", status="running"))
    assert run.is_going_on
    assert "goes on" in run.why_fixed
    log = run.folder / "events.jsonl"
    lines = log.read_text().splitlines(keepends=True)
    assert len(run.people()) == 2
    more = json.loads(lines[0]) | {"identity_id": 3, "track_id": 9}
    log.write_text("".join(lines) + json.dumps(more) + "\n")
    assert {one.key for one in run.person(3).sightings} == {TrackKey("door", 9)}


def test_only_the_last_run_of_a_gallery_is_changed(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run", tmp_path / "run.gallery")
    with GalleryStore(tmp_path / "run.gallery") as store, store.tick():
        store.begin_run(0.0, tmp_path / "later")
    assert "has served later runs" in OpenRun(folder).why_fixed


@pytest.mark.parametrize("content", [None, "", "[]", "{}", '{"schema": "other"}'])
def test_what_is_no_run_is_refused(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "run.json").write_text(content)
    with pytest.raises(InputError, match=r"keyreid track|damaged"):
        OpenRun(tmp_path)
