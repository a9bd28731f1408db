from __future__ import annotations

import ctypes
import subprocess
import sys

import pytest

from keyreid_engines.signal_stack import _Stack, kept_signal_stack, signal_stack

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="signal stacks are looked at on Linux only")

LOAD_AND_SIGNAL = """
import faulthandler, gc, os, signal
faulthandler.enable()  # has a signal stack of its own
heard = []
signal.signal(signal.SIGUSR1, lambda number, frame: heard.append(number))
from keyreid_engines.openvino_backend import OpenVinoBackend
from keyreid_engines.signal_stack import signal_stack
before = signal_stack()
backend = OpenVinoBackend()
assert signal_stack() == before
del backend
gc.collect()
os.kill(os.getpid(), signal.SIGUSR1)
assert heard == [signal.SIGUSR1]
"""


@linux
def test_another_signal_stack_is_put_back() -> None:
    before, size = signal_stack(), 1 << 16
    memory = ctypes.create_string_buffer(size)
    with kept_signal_stack():
        other = _Stack(ctypes.addressof(memory), 0, size)
        assert ctypes.CDLL(None).sigaltstack(ctypes.byref(other), None) == 0
        assert signal_stack() == ctypes.addressof(memory)
    assert signal_stack() == before


@linux
def test_signals_are_still_heard_after_openvino_was_loaded_and_let_go() -> None:
    """Without this, its plugin leaves a signal stack behind that is freed: the signal kills the process."""
    pytest.importorskip("openvino", reason="openvino is not installed")
    done = subprocess.run([sys.executable, "-c", LOAD_AND_SIGNAL], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
