"""`python -m keyreid_stream.decoder PIPE MEMORY`: decode a live camera, one connection after another.

Both arguments are file descriptors that were handed over. What to open comes through the pipe: an address may hold a
password, and everybody on a machine can read arguments. The process ends with the pipe, so with its parent.
"""

from __future__ import annotations

import os
import queue
import sys
import threading
from multiprocessing.connection import Connection

from keyreid_stream.decoder.messages import Failed, Order, Ready
from keyreid_stream.decoder.slots import FrameSlots
from keyreid_stream.decoder.stream import decode


def main() -> None:
    """Follow orders until there is nobody to give any."""
    pipe, slots = Connection(int(sys.argv[1])), FrameSlots(int(sys.argv[2]))
    orders: queue.SimpleQueue[Order] = queue.SimpleQueue()
    threading.Thread(target=_receive, args=(pipe, orders), daemon=True).start()
    pipe.send(Ready())
    while True:
        order = orders.get()
        try:
            decode(order, slots, pipe.send)
        except (BrokenPipeError, ConnectionResetError):  # nobody listens any more
            return
        except Exception as error:  # noqa: BLE001
            # Only the kind: FFmpeg puts whole addresses, passwords included, into its texts.
            pipe.send(Failed(f"the decoder failed ({type(error).__name__})"))


def _receive(pipe: Connection, orders: queue.SimpleQueue[Order]) -> None:
    """In a thread of its own, since decoding may hang, and must not outlive the parent all the same."""
    try:
        while True:
            orders.put(pipe.recv())
    except (EOFError, OSError):
        os._exit(0)


if __name__ == "__main__":
    main()
