from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from keyreid_stream.sinks.publish import PublishError, Spool
from keyreid_stream.sinks.publish.sender import FIRST_WAIT_S, LONGEST_ASKED_WAIT_S, LONGEST_WAIT_S, Batch, Sender
from tests.sinks.publish.receivers import Receiver, events

AWAY = PublishError("memory://receiver cannot be reached")


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    with Spool(tmp_path / "a.spool", max_messages=50, max_bytes=10**6) as waiting:
        yield waiting


def sender(receiver: Receiver, spool: Spool, most: int = 10) -> Sender:
    return Sender("hall", receiver, spool, Batch(most, 10**6), seed=1)


def numbers(receiver: Receiver) -> list[int | str]:
    return [one.get("number", "gap") for one in receiver.messages]


def test_batches_go_in_order_until_nothing_is_left(spool: Spool) -> None:
    receiver = Receiver()
    sending = sender(receiver, spool)
    spool.append(events(1, 25))
    assert [sending.step() for _ in range(4)] == [0.0, 0.0, 0.0, None]
    assert receiver.batches == [10, 10, 5]
    assert numbers(receiver) == list(range(1, 26))
    assert (len(spool), sending.sent, sending.failures) == (0, 25, 0)


def test_a_receiver_that_is_away_is_waited_for_longer_and_longer(
    spool: Spool, caplog: pytest.LogCaptureFixture
) -> None:
    receiver = Receiver()
    sending = sender(receiver, spool)
    receiver.refusal = AWAY
    spool.append(events(1, 3))
    with caplog.at_level(logging.WARNING):
        waits = [sending.step() or 0.0 for _ in range(12)]
        assert len(spool) == 3
        receiver.refusal = None
        assert sending.step() == 0.0
    longest = [min(FIRST_WAIT_S * 2**attempt, LONGEST_WAIT_S) for attempt in range(12)]
    assert all(0.5 * most <= wait <= most for wait, most in zip(waits, longest, strict=True))
    assert numbers(receiver) == [1, 2, 3]
    assert [record.message for record in caplog.records] == [
        "output hall: memory://receiver cannot be reached; trying again until it answers",
        "output hall: back",
    ]
    receiver.refusal = AWAY
    spool.append(events(4, 4))
    assert FIRST_WAIT_S / 2 <= (sending.step() or 0.0) <= FIRST_WAIT_S


def test_what_it_took_of_a_batch_is_not_sent_again(spool: Spool) -> None:
    receiver = Receiver()
    sending = sender(receiver, spool)
    receiver.refusal = PublishError("memory://receiver broke the connection", acknowledged=4)
    spool.append(events(1, 6))
    sending.step()
    receiver.refusal = None
    sending.step()
    assert numbers(receiver) == [1, 2, 3, 4, 5, 6]
    assert sending.sent == 6


@pytest.mark.parametrize(("asked", "waited"), [(45.0, 45.0), (1e9, LONGEST_ASKED_WAIT_S)])
def test_a_receiver_that_asks_to_be_left_alone_is(spool: Spool, asked: float, waited: float) -> None:
    receiver = Receiver()
    receiver.refusal = PublishError("busy", retry_after_s=asked)
    spool.append(events(1, 1))
    assert sender(receiver, spool).step() == waited


def test_a_client_that_fails_in_its_own_way_tells_no_secret(spool: Spool, caplog: pytest.LogCaptureFixture) -> None:
    receiver = Receiver()
    sending = sender(receiver, spool)
    receiver.refusal = RuntimeError("https://hook.example/?token=hunter2 is gone")
    spool.append(events(1, 1))
    with caplog.at_level(logging.DEBUG):
        assert (sending.step() or 0) > 0
    assert sending.problem == "memory://receiver: RuntimeError"
    assert "hunter2" not in caplog.text
    receiver.refusal = None
    sending.step()
    assert numbers(receiver) == [1]


def test_away_for_a_minute_within_the_bound_nothing_is_lost(tmp_path: Path) -> None:
    receiver, attempt_s = Receiver(), 0.0
    with Spool(tmp_path / "b.spool", max_messages=120, max_bytes=10**6) as spool:
        sending = sender(receiver, spool)
        for second in range(1, 151):  # by the clock of the test, an event a second
            spool.append(events(second, second))
            receiver.refusal = AWAY if 20 <= second < 80 else None
            if second >= attempt_s:
                while (wait_s := sending.step()) == 0.0:
                    pass
                attempt_s = second + (wait_s or 0.0)
        assert len(spool) == 0
        assert sending.failures > 3
        assert numbers(receiver) == list(range(1, 151))
        assert spool.dropped == 0


def test_beyond_the_bound_the_oldest_are_dropped_and_counted(spool: Spool) -> None:
    receiver = Receiver()
    sending = sender(receiver, spool, 100)
    receiver.refusal = AWAY
    for number in range(1, 121):
        spool.append(events(number, number))
        if number % 10 == 0:
            sending.step()
    receiver.refusal = None
    while sending.step() is not None:
        pass
    gap, *rest = receiver.messages
    assert gap["type"] == "gap"
    assert gap["dropped"] == spool.dropped == 71
    assert [one["number"] for one in rest] == list(range(72, 121))


def test_a_thread_sends_what_comes_and_drains_at_the_end(spool: Spool) -> None:
    receiver = Receiver()
    sending = sender(receiver, spool)
    sending.start()
    spool.append(events(1, 1))
    sending.wake()
    until = time.monotonic() + 10
    while not receiver.texts and time.monotonic() < until:
        time.sleep(0.01)
    assert numbers(receiver) == [1]
    spool.append(events(2, 40))
    assert sending.stop(10.0)
    assert numbers(receiver) == list(range(1, 41))
    assert receiver.closed == 1


def test_the_end_does_not_wait_for_a_receiver_that_is_away(spool: Spool) -> None:
    receiver = Receiver()
    receiver.refusal = AWAY
    sending = sender(receiver, spool)
    sending.start()
    spool.append(events(1, 3))
    sending.wake()
    assert sending.stop(60.0)
    assert len(spool) == 3
    assert receiver.closed == 1


def test_the_end_does_not_wait_for_a_receiver_that_hangs(spool: Spool) -> None:
    receiver, hanging = Receiver(), threading.Event()
    receiver.during = lambda: hanging.wait(60) and None
    sending = sender(receiver, spool)
    sending.start()
    spool.append(events(1, 3))
    sending.wake()
    assert not sending.stop(0.2)
    hanging.set()


def test_a_spool_that_cannot_be_read_is_tried_again(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "a.spool", max_messages=9, max_bytes=10**6)
    receiver = Receiver()
    sending = sender(receiver, spool)
    assert (sending.step() or 0) > 0
    assert "not open" in sending.problem
    with spool:
        spool.append(events(1, 1))
        assert sending.step() == 0.0
        assert sending.problem == ""
