"""The parent's side of a decoder's process: start it, listen to it, kill it."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress
from multiprocessing.connection import Pipe

from keyreid_stream.decoder.messages import Failed, Message, Order, Ready

_KILL_S = 2.0
_START_S = 60.0


class DecoderProcess:
    """`python -m keyreid_stream.decoder`, for as long as it does what it is told.

    Args:
        memory: descriptor of the file that frames are shared in; it stays the caller's.
    """

    def __init__(self, memory: int) -> None:
        self._pipe, theirs = Pipe()
        with theirs:
            os.set_inheritable(theirs.fileno(), True)
            self._process = subprocess.Popen(
                [sys.executable, "-m", "keyreid_stream.decoder", str(theirs.fileno()), str(memory)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,  # FFmpeg's own words may hold the address, and the password in it
                pass_fds=(theirs.fileno(), memory),
                start_new_session=True,  # Ctrl-C is for the run, which closes its cameras in good order
            )

    def wait_until_ready(self) -> bool:
        """Whether it has started. Where many start at once, that takes longer than any camera may."""
        return isinstance(self.hear(_START_S), Ready)

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether it can take an order."""
        return self._process.poll() is None

    def order(self, order: Order) -> None:
        """Have a stream decoded; what comes of it is heard by `hear`."""
        with suppress(OSError):  # `hear` says that it is gone
            self._pipe.send(order)

    def hear(self, stall_s: float) -> Message:
        """The next thing that it says; that it failed, if it says nothing for `stall_s` or is gone."""
        try:
            if not self._pipe.poll(stall_s):
                self.kill()
                return Failed(f"nothing came for {stall_s:g} s")
            message: Message = self._pipe.recv()
        except (EOFError, OSError):
            self.kill()
            return Failed("the decoder's process ended")
        return message

    def kill(self) -> None:
        """End it, whatever it is doing; may be called twice."""
        with suppress(OSError):
            self._process.kill()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_KILL_S)

    def close(self) -> None:
        """End it and let go of the pipe."""
        self.kill()
        self._pipe.close()
