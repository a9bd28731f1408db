from io import StringIO

import pytest
from rich.console import Console

from keyreid_stream.cli import progress as progress_module
from keyreid_stream.cli.progress import Progress
from keyreid_stream.run_statistics import RunStatistics
from keyreid_stream.structures import Event, LiveCounts, Tick

TICK = Tick(0, 0.0, (), ())


def counted() -> RunStatistics:
    statistics = RunStatistics(["lobby", "yard"])
    lobby = statistics.cameras["lobby"]
    statistics.write(Tick(0, 0.0, (), (Event("new", 1, 0.0, "lobby", 1), Event("new", 4, 0.0, "lobby", 2))))
    lobby.frames, lobby.people_now, lobby.tracks = 120, 3, 9
    return statistics


def test_a_terminal_shows_one_row_per_camera() -> None:
    out = StringIO()
    with Progress(counted(), console=Console(file=out, force_terminal=True, width=100)) as progress:
        progress.write(TICK)
    screen = out.getvalue()
    for word in ("camera", "identities", "lobby", "yard", "120"):
        assert word in screen


def test_a_log_file_gets_plain_lines_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(progress_module.time, "monotonic", lambda: now[0])
    out = StringIO()
    with Progress(counted(), console=Console(file=out, width=200)) as progress:
        for second in range(1, 22):
            now[0] = float(second)
            progress.write(TICK)
    lines = out.getvalue().splitlines()
    assert len(lines) == 3  # at 10 s, 20 s and the end
    assert lines[0].startswith("120 frames at 12.0 fps; lobby: 120 frames, 3 people, 2 identities")


def test_where_the_end_is_known_it_is_told_how_far_that_is(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(progress_module.time, "monotonic", lambda: now[0])
    out = StringIO()
    console = Console(file=out, force_terminal=True, width=100)
    progress = Progress(counted(), expected_frames=480, console=console)
    now[0] = 30.0
    console.print(progress.table())
    # A quarter took half a minute.
    assert "120 of 480 frames, about 1:30 left" in out.getvalue()
    assert progress.line().startswith("120 of 480 frames at 4.0 fps; ")


def test_before_the_first_frame_nothing_is_foretold() -> None:
    out = StringIO()
    console = Console(file=out, width=100)
    console.print(Progress(RunStatistics(["lobby"]), expected_frames=480, console=console).table())
    assert "left" not in out.getvalue()


def test_of_live_cameras_it_tells_what_was_dropped_and_who_is_away() -> None:
    live = {
        "lobby": LiveCounts("streaming", frames_in=200, dropped=80),
        "yard": LiveCounts("waiting", reason="connection refused"),
    }
    out = StringIO()
    console = Console(file=out, force_terminal=True, width=140)
    progress = Progress(counted(), live=lambda: live, console=console)
    console.print(progress.table())
    for words in ("dropped", "80", "streaming", "waiting: connection refused"):
        assert words in out.getvalue()
    assert ", 80 dropped; " in progress.line()
    assert progress.line().endswith("; yard waiting: connection refused")
