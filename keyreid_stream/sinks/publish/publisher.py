"""The seam to a receiver: hand it messages, learn what it has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from keyreid_stream.errors import KeyReIDError
from keyreid_stream.sinks.publish.messages import Message


class PublishError(KeyReIDError):
    """A receiver did not take messages, and why, in words without secrets.

    Args:
        reason: for people.
        acknowledged: how many it took all the same, from the first on.
        retry_after_s: how long it asks to be left alone; None if it does not say.
    """

    def __init__(self, reason: str, *, acknowledged: int = 0, retry_after_s: float | None = None) -> None:
        super().__init__(reason)
        self.acknowledged = acknowledged
        self.retry_after_s = retry_after_s


class Publisher(Protocol):
    """A client of one receiver, used by one thread alone. It connects when it is first used, and again when it must."""

    @property
    def shown(self) -> str:
        """The receiver's address, without secrets."""
        ...

    def reach(self) -> None:
        """Connect and show the account, without sending any message.

        Raises:
            PublishError: it cannot be reached, or refuses the account.
        """
        ...

    def send(self, messages: Sequence[Message]) -> None:
        """Hand over messages in this order, and return when the receiver has acknowledged all.

        Raises:
            PublishError: it has not, or not all; the next attempt starts on a new connection if need be.
        """
        ...

    def close(self) -> None:
        """Let go of the connection; may be called twice."""
        ...
