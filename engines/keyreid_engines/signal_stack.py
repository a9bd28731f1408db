"""The stack that a thread's signal handlers run on, kept as it is while a library is loaded.

OpenVINO's CPU plugin replaces it, for processors with AMX, and frees its own when the plugin is unloaded. The next
signal that Python handles (Ctrl-C, the end of a child process) would then kill the process.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_SS_DISABLE = 2


class _Stack(ctypes.Structure):
    """`stack_t` of Linux."""

    _fields_ = (("address", ctypes.c_void_p), ("flags", ctypes.c_int), ("size", ctypes.c_size_t))


@contextmanager
def kept_signal_stack() -> Iterator[None]:
    """Whatever happens inside, this thread's signals are handled on the same stack afterwards.

    Where that is refused (it may be too small by then), they are handled on the thread's ordinary stack. Elsewhere than
    on Linux this does nothing.
    """
    if not sys.platform.startswith("linux"):
        yield
        return
    library = ctypes.CDLL(None)
    before = _Stack()
    library.sigaltstack(None, ctypes.byref(before))
    try:
        yield
    finally:
        if library.sigaltstack(ctypes.byref(before), None) != 0:
            library.sigaltstack(ctypes.byref(_Stack(None, _SS_DISABLE, 0)), None)


def signal_stack() -> int | None:
    """Where this thread's signal stack begins; None where signals are handled on the ordinary stack, and off Linux."""
    if not sys.platform.startswith("linux"):
        return None
    now = _Stack()
    ctypes.CDLL(None).sigaltstack(None, ctypes.byref(now))
    return None if now.flags & _SS_DISABLE else now.address
