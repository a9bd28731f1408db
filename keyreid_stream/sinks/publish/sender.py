"""The thread that brings a spool's messages to their receiver."""

from __future__ import annotations

import logging
import random
import threading
import time
from dataclasses import dataclass

from keyreid_stream.sinks.publish.publisher import Publisher, PublishError
from keyreid_stream.sinks.publish.spool import Spool, SpoolError

logger = logging.getLogger("keyreid_stream.sinks")

FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 30.0
LONGEST_ASKED_WAIT_S = 600.0
"""However long a receiver asks to be left alone."""

_TIDY_EVERY_S = 5.0
_IDLE_S = 1.0


@dataclass(frozen=True, slots=True)
class Batch:
    """How many messages go at once, at most; one larger than `max_bytes` goes alone."""

    max_messages: int = 100
    max_bytes: int = 256_000


class Sender:
    """Sends what waits in a spool, in order, and takes it out once the receiver has it.

    Args:
        name: of the output, for the log.
        publisher: the receiver's client; closed when the thread ends.
        spool: an open one.
        batch: how much goes at once.
        seed: of the jitter between attempts; by default every output has its own.
    """

    def __init__(self, name: str, publisher: Publisher, spool: Spool, batch: Batch, *, seed: int | None = None) -> None:
        self.sent = 0
        self.failures = 0
        self.problem = ""
        self._name = name
        self._publisher = publisher
        self._spool = spool
        self._batch = batch
        self._random = random.Random(seed)  # noqa: S311
        self._wait_s = FIRST_WAIT_S
        self._tidied_s = time.monotonic()
        self._news = threading.Event()
        self._closing = threading.Event()
        self._give_up_s = float("inf")
        self._thread = threading.Thread(target=self._run, name=f"publish {name}", daemon=True)

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def wake(self) -> None:
        """There is something new in the spool."""
        self._news.set()

    def stop(self, drain_s: float) -> bool:
        """Send what is left for at most so long, unless the receiver is away; then end.

        Returns:
            Whether the thread has ended; if not, it hangs in the receiver's client and dies with the process.
        """
        self._give_up_s = time.monotonic() + drain_s
        self._closing.set()
        self._news.set()
        self._thread.join(drain_s)
        return not self._thread.is_alive()

    def step(self) -> float | None:
        """Send one batch.

        Returns:
            Seconds to wait before the next: 0 after success, None if nothing is left.
        """
        try:
            messages = self._spool.take(self._batch.max_messages, self._batch.max_bytes)
            if not messages:
                return None
            taken, wait_s = len(messages), 0.0
            try:
                self._publisher.send(messages)
            except PublishError as error:
                taken, wait_s = error.acknowledged, self._failed(str(error), error.retry_after_s)
            except Exception as error:  # noqa: BLE001
                # A client's own text may quote addresses with secrets in them.
                taken, wait_s = 0, self._failed(f"{self._publisher.shown}: {type(error).__name__}", None)
            self._spool.acknowledge(taken)
        except SpoolError as error:
            return self._failed(str(error), None)
        self.sent += taken
        if not wait_s:
            self._recovered()
        return wait_s

    def _run(self) -> None:
        try:
            while not self._over(self.step()):
                pass
        finally:
            self._publisher.close()

    def _over(self, wait_s: float | None) -> bool:
        """Wait as long as `step` says; True when it was the last."""
        self._tidy()
        if self._closing.is_set():
            return wait_s is None or wait_s > 0 or time.monotonic() >= self._give_up_s
        if wait_s is None:
            self._news.wait(_IDLE_S)
            self._news.clear()
        elif wait_s > 0:
            self._closing.wait(wait_s)
        return False

    def _tidy(self) -> None:
        now_s = time.monotonic()
        if now_s - self._tidied_s < _TIDY_EVERY_S:
            return
        self._tidied_s = now_s
        try:
            self._spool.tidy()
        except SpoolError as error:
            self._failed(str(error), None)

    def _failed(self, reason: str, asked_s: float | None) -> float:
        """Say it if it is new; the wait doubles, with jitter, so that a receiver that comes back is not overrun."""
        self.failures += 1
        if reason != self.problem:
            logger.warning("output %s: %s; trying again until it answers", self._name, reason)
        self.problem = reason
        own_s = self._wait_s * self._random.uniform(0.5, 1.0)
        self._wait_s = min(2 * self._wait_s, LONGEST_WAIT_S)
        return max(own_s, min(asked_s or 0.0, LONGEST_ASKED_WAIT_S))

    def _recovered(self) -> None:
        if self.problem:
            logger.warning("output %s: back", self._name)
        self.problem = ""
        self._wait_s = FIRST_WAIT_S
