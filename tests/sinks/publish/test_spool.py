from __future__ import annotations

import json
import os
import signal
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keyreid_stream.errors import InputError
from keyreid_stream.sinks.publish import Message, Spool, SpoolError
from tests.sinks.publish.receivers import events

MANY = 10**9


def spool(path: Path, messages: int = 1000, size: int = MANY) -> Spool:
    return Spool(path, max_messages=messages, max_bytes=size)


def ids(messages: list[Message]) -> list[str]:
    return [one.event_id for one in messages]


def test_messages_stay_in_order_until_they_are_acknowledged(tmp_path: Path) -> None:
    with spool(tmp_path / "a.spool") as waiting:
        waiting.append(events(1, 3))
        waiting.append(events(4, 5))
        assert ids(waiting.take(3, MANY)) == ["run-e1", "run-e2", "run-e3"]
        assert ids(waiting.take(3, MANY)) == ["run-e1", "run-e2", "run-e3"]
        waiting.acknowledge(2)
        assert len(waiting) == 3
        taken = waiting.take(9, MANY)
        assert taken == events(3, 5)
        waiting.acknowledge(3)
        assert (len(waiting), waiting.size) == (0, 0)
        assert waiting.take(9, MANY) == []


def test_nothing_is_acknowledged_that_was_not_taken(tmp_path: Path) -> None:
    with spool(tmp_path / "a.spool") as waiting:
        waiting.append(events(1, 3))
        waiting.acknowledge(3)
        waiting.take(1, MANY)
        waiting.acknowledge(3)
        assert ids(waiting.take(9, MANY)) == ["run-e2", "run-e3"]


def test_a_batch_has_a_size_but_one_message_always_goes(tmp_path: Path) -> None:
    size = len(events(1, 1)[0].text)
    with spool(tmp_path / "a.spool") as waiting:
        waiting.append(events(1, 3))
        assert len(waiting.take(9, 2 * size)) == 2
        assert len(waiting.take(9, 1)) == 1


def test_what_is_left_comes_first_in_the_next_run(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "a.spool"
    with spool(path) as waiting:
        waiting.append(events(1, 3))
        waiting.take(1, MANY)
        waiting.acknowledge(1)
        size = waiting.size
    with spool(path) as waiting:
        assert (len(waiting), waiting.size) == (2, size)
        waiting.append(events(1, 1, "later"))
        assert ids(waiting.take(9, MANY)) == ["run-e2", "run-e3", "later-e1"]


def test_beyond_the_bound_the_oldest_give_way_to_a_gap(tmp_path: Path) -> None:
    with spool(tmp_path / "a.spool", 4) as waiting:
        waiting.append(events(1, 4))
        assert waiting.dropped == 0
        waiting.append(events(5, 5))
        assert ids(waiting.take(9, MANY)) == ["run-e2-gap", "run-e3", "run-e4", "run-e5"]
        waiting.acknowledge(0)
        waiting.append(events(6, 9))
        gap, *rest = waiting.take(9, MANY)
        assert ids(rest) == ["run-e7", "run-e8", "run-e9"]
        assert json.loads(gap.text) == {
            "schema": "keyreid.messages/1",
            "type": "gap",
            "event_id": "run-e6-gap",
            "run_id": "run",
            "dropped": 6,
            "first_event_id": "run-e1",
            "last_event_id": "run-e6",
        }
        assert (waiting.dropped, len(waiting)) == (6, 4)


def test_a_gap_across_two_runs_names_both_ends(tmp_path: Path) -> None:
    with spool(tmp_path / "a.spool", 2) as waiting:
        waiting.append(events(1, 2, "one"))
        waiting.append(events(1, 2, "two"))
        gap, last = waiting.take(9, MANY)
        assert last.event_id == "two-e2"
        told = json.loads(gap.text)
        assert (told["first_event_id"], told["last_event_id"], told["dropped"]) == ("one-e1", "two-e1", 3)


def test_what_is_under_way_does_not_give_way(tmp_path: Path) -> None:
    with spool(tmp_path / "a.spool", 4) as waiting:
        waiting.append(events(1, 4))
        assert ids(waiting.take(2, MANY)) == ["run-e1", "run-e2"]
        waiting.append(events(5, 8))
        waiting.acknowledge(2)
        gap, *rest = waiting.take(9, MANY)
        assert (gap.dropped, gap.first_event_id, ids(rest)) == (5, "run-e3", ["run-e8"])


def test_the_bound_in_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a.spool"
    with spool(path, MANY, 20_000) as waiting:
        for number in range(1, 2001):
            waiting.append(events(number, number))
            if number % 100 == 0:
                waiting.tidy()
        assert waiting.size <= 20_000
        taken = waiting.take(9999, MANY)
        assert sum(len(one.text) for one in taken) == waiting.size > 19_000
        assert taken[0].dropped == waiting.dropped == 2000 - (len(taken) - 1)
        assert ids(taken[1:]) == ids(events(2001 - len(taken) + 1, 2000))
    assert path.stat().st_size < 200_000


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(["append", "take", "acknowledge", "reopen"]), st.integers(1, 9)), max_size=15),
    st.integers(2, 12),
)
def test_every_message_is_delivered_or_counted_once_and_in_order(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int]], bound: int
) -> None:
    path = tmp_path_factory.mktemp("spool") / "a.spool"
    waiting = spool(path, bound).__enter__()
    written, taken, got = 0, [], []
    for step, count in [*steps, ("take", MANY), ("acknowledge", MANY)]:
        if step == "append":
            waiting.append(events(written + 1, written + count))
            written += count
        elif step == "take":
            taken = waiting.take(count, MANY)
        elif step == "acknowledge":
            got += taken[:count]
            waiting.acknowledge(count)
            taken = []
        else:
            waiting.__exit__(None, None, None)
            waiting, taken = spool(path, bound).__enter__(), []
        if step == "append":
            # Two more while a batch is under way that fills the spool: a gap, and what came last.
            assert len(waiting) <= max(bound, len(taken) + 2)
    waiting.__exit__(None, None, None)
    told = []
    for one in got:
        if one.type == "gap":
            first, last = (int(name.rpartition("e")[2]) for name in (one.first_event_id, one.event_id[:-4]))
            assert one.dropped == last - first + 1
            told += range(first, last + 1)
        else:
            told.append(int(one.event_id.rpartition("e")[2]))
    assert told == list(range(1, written + 1))


def test_only_its_owner_can_read_it(tmp_path: Path) -> None:
    path = tmp_path / "a.spool"
    old = os.umask(0)
    try:
        with spool(path) as waiting:
            waiting.append(events(1, 2))
            modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()}
    finally:
        os.umask(old)
    assert "a.spool-wal" in modes
    assert set(modes.values()) == {0o600}, modes


def test_a_killed_process_loses_nothing_that_it_was_told_is_written(tmp_path: Path) -> None:
    path = tmp_path / "a.spool"
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from keyreid_stream.sinks.publish import Spool\n"
        "from tests.sinks.publish.receivers import events\n"
        f"with Spool(Path({str(path)!r}), max_messages=10**6, max_bytes=10**9) as waiting:\n"
        "    for number in range(1, 10**6):\n"
        "        waiting.append(events(number, number))\n"
        "        print(number, flush=True)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=Path.cwd()) as writer:
        assert writer.stdout is not None
        for line in writer.stdout:
            if int(line) >= 200:
                writer.send_signal(signal.SIGKILL)
                break
        written = max(int(line), *(int(rest) for rest in writer.stdout.read().split("\n")[:-1] or [line]))
    with spool(path, 10**6) as waiting:
        numbers = [int(one.event_id.rpartition("e")[2]) for one in waiting.take(MANY, MANY)]
    # One more may have been written when it was killed before it could say so.
    assert numbers in ([*range(1, written + 1)], [*range(1, written + 2)])


def test_one_run_at_a_time(tmp_path: Path) -> None:
    with (
        spool(tmp_path / "a.spool"),
        pytest.raises(InputError, match=r"in use by another run; give"),
        spool(tmp_path / "a.spool"),
    ):
        pass
    with spool(tmp_path / "a.spool"):
        pass


def other_database(path: Path) -> None:
    with sqlite3.connect(path) as file:
        file.execute("CREATE TABLE mine (a)")


def newer_spool(path: Path) -> None:
    with spool(path):
        pass
    with sqlite3.connect(path) as file:
        file.execute("PRAGMA user_version = 2")


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda path: path.write_text("a shopping list, which is long enough to be a page" * 20), "cannot be used"),
        (other_database, "no spool but a database of something else"),
        (newer_spool, "is of version 2, this is for 1"),
        (Path.mkdir, "cannot be used"),
    ],
)
def test_other_files_are_refused_in_one_line(tmp_path: Path, make: object, said: str) -> None:
    make(tmp_path / "a.spool")  # type: ignore[operator]
    with pytest.raises(InputError, match=said) as caught, spool(tmp_path / "a.spool"):
        pass
    assert "\n" not in str(caught.value)


class Full:
    """A connection whose disk is full while `full` is set."""

    def __init__(self, file: sqlite3.Connection) -> None:
        self._file = file
        self.full = True

    def __getattr__(self, name: str) -> object:
        return getattr(self._file, name)

    def executemany(self, *given: object) -> object:
        if self.full:
            raise sqlite3.OperationalError("database or disk is full")
        return self._file.executemany(*given)  # type: ignore[arg-type]


def test_what_a_full_disk_swallowed_is_told_once_there_is_room(tmp_path: Path) -> None:
    with spool(tmp_path / "a.spool") as waiting:
        waiting.append(events(1, 1))
        disk = Full(waiting._file)  # type: ignore[arg-type]
        waiting._file = disk  # type: ignore[assignment]
        for first in (2, 4):
            with pytest.raises(SpoolError, match="disk is full"):
                waiting.append(events(first, first + 1))
        assert (len(waiting), waiting.dropped) == (1, 4)
        disk.full = False
        waiting.append(events(6, 6))
        one, gap, six = waiting.take(9, MANY)
        assert (one.event_id, six.event_id) == ("run-e1", "run-e6")
        assert (gap.dropped, gap.first_event_id, gap.event_id) == (4, "run-e2", "run-e5-gap")
        assert waiting.dropped == 4


def test_outside_the_block_it_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SpoolError, match="not open"):
        spool(tmp_path / "a.spool").take(1, 1)
