"""Visits: each has a folder of its own, which goes when the visit is over."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from keyreid_demos import visits as module
from keyreid_demos.open_run import OpenRun
from keyreid_demos.visits import Visits
from keyreid_stream.errors import InputError
from tests.demos.runs import make_run


class Clock:
    """Seconds that the test sets."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def visits(tmp_path: Path, clock: Clock) -> Visits:
    return Visits(tmp_path / "visits", kept_s=100, clock=clock)


def job(*, running: bool) -> Any:
    stopped: list[bool] = []
    return SimpleNamespace(is_running=running, stop=lambda: stopped.append(True), stopped=stopped)


def test_everyone_has_a_folder_that_only_this_user_can_read(visits: Visits) -> None:
    one, other = visits.enter(None), visits.enter(None)
    assert one != other
    assert len(one) >= 32
    folders = [visits.visit(token).folder for token in (one, other)]
    assert folders[0] != folders[1]
    assert all(folder.stat().st_mode & 0o777 == 0o700 for folder in folders)


def test_a_page_that_is_loaded_again_is_the_same_visit(visits: Visits) -> None:
    token = visits.enter(None)
    assert visits.enter(token) == token


@pytest.mark.parametrize("token", ["", "../..", "made-up", None])
def test_nobody_gets_in_with_a_token_that_was_not_given(visits: Visits, token: str | None) -> None:
    visits.enter(None)
    assert not visits.knows(token)
    with pytest.raises(InputError, match="this visit is over"):
        visits.visit(token)
    assert visits.enter(token) != token


def test_whoever_leaves_leaves_nothing(visits: Visits) -> None:
    token = visits.enter(None)
    visit = visits.visit(token)
    (visit.folder / "uploads").mkdir()
    (visit.folder / "uploads" / "1.mp4").write_bytes(b"x")
    visit.job = job(running=True)
    picture = visit.brought(visits.root.parent / "picture.jpg")
    picture.write_bytes(b"a face")
    visits.leave(token)
    assert not visit.folder.exists()
    assert not picture.exists()
    assert visit.job.stopped == [True]  # type: ignore[attr-defined]
    visits.leave(token)


def test_a_visit_ends_when_nothing_is_heard_of_it_but_not_while_it_runs_something(visits: Visits, clock: Clock) -> None:
    quiet, busy, lively = (visits.enter(None) for _ in range(3))
    visits.visit(busy).job = job(running=True)
    clock.now = 90
    visits.visit(lively)
    clock.now = 150
    visits.sweep()
    assert [visits.knows(token) for token in (quiet, busy, lively)] == [False, True, True]


def test_there_is_an_end_to_how_many_come(visits: Visits, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_VISITS", 2)
    visits.enter(None)
    visits.enter(None)
    with pytest.raises(InputError, match="2 people are here already"):
        visits.enter(None)


def test_closing_ends_all_visits(visits: Visits) -> None:
    folders = [visits.visit(visits.enter(None)).folder for _ in range(2)]
    visits.close()
    assert not any(folder.exists() for folder in folders)


def test_a_visitor_looks_at_their_own_run_others_at_the_shared_one(tmp_path: Path) -> None:
    shared, own = OpenRun(make_run(tmp_path / "shared")), OpenRun(make_run(tmp_path / "own"))
    visits = Visits(tmp_path / "visits", shared)
    one, other = visits.enter(None), visits.enter(None)
    visits.visit(one).run = own
    assert visits.open_run(one) is own
    assert visits.open_run(other) is shared


def test_everybody_who_looks_at_a_deployment_at_once_looks_at_the_same_run(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "live", tmp_path / "live.gallery")
    live = SimpleNamespace(folder=folder, is_running=False, stop=lambda: None)
    for attempt in range(10):
        visits = Visits(tmp_path / f"visits-{attempt}", live=live)  # type: ignore[arg-type]
        token = visits.enter(None)
        with ThreadPoolExecutor(8) as pool:
            runs = list(pool.map(visits.open_run, [token] * 8))
        assert len({id(run) for run in runs}) == 1
        assert runs[0] is not None
        assert runs[0].why_fixed == ""


def test_a_deployments_run_is_opened_anew_when_it_has_ended(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "live", status="running")
    live = SimpleNamespace(folder=folder, is_running=True, stop=lambda: None)
    visits = Visits(tmp_path / "visits", live=live)  # type: ignore[arg-type]
    token = visits.enter(None)
    first = visits.open_run(token)
    assert first is not None
    assert first.is_going_on
    assert visits.open_run(token) is first
    report = (folder / "run.json").read_text()
    (folder / "run.json").write_text(report.replace("running", "finished"))
    live.is_running = False
    again = visits.open_run(token)
    assert again is not None
    assert not again.is_going_on
