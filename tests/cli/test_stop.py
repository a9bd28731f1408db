from __future__ import annotations

import os
import signal

import pytest

from keyreid_stream.cli.stop import StopOnSignals
from keyreid_stream.structures import Tick

TICK = Tick(0, 0.0, (), ())


def send(number: signal.Signals = signal.SIGINT) -> None:
    os.kill(os.getpid(), number)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_waits_for_the_tick_and_handlers_are_restored(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    stop = StopOnSignals()
    with stop:
        stop.write(TICK)
        send(number)
        with pytest.raises(KeyboardInterrupt):
            stop.write(TICK)
    stop.restore()
    assert signal.getsignal(number) is before


def test_a_second_signal_stops_a_tick_that_hangs() -> None:
    stop = StopOnSignals()
    with stop:
        send()
        with pytest.raises(KeyboardInterrupt):
            send()
    stop.restore()


def test_while_files_are_being_finished_signals_are_passed_over() -> None:
    stop = StopOnSignals()
    with stop:
        send()
        with pytest.raises(KeyboardInterrupt):
            stop.write(TICK)
    for _ in range(3):
        send()
    stop.restore()


def test_after_a_natural_end_too() -> None:
    stop = StopOnSignals()
    with stop:
        stop.write(TICK)
    send()
    send()
    stop.restore()
