import os
import signal

import pytest

from keyreid_stream.cli.stop import stop_on_signals


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_waits_for_the_check_and_handlers_are_restored(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with stop_on_signals() as stop:
        stop.check()
        os.kill(os.getpid(), number)
        with pytest.raises(KeyboardInterrupt):
            stop.check()
    assert signal.getsignal(number) is before


def test_a_second_signal_stops_at_once() -> None:
    with stop_on_signals() as stop:
        stop.note()
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
