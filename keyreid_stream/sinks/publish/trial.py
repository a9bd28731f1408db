"""Whether an output's receiver can be reached, before a run depends on it."""

from __future__ import annotations

from dataclasses import dataclass

from keyreid_stream.errors import KeyReIDError
from keyreid_stream.sinks.publish.config import PublishConfig
from keyreid_stream.sinks.publish.opening import make_publisher


@dataclass(frozen=True, slots=True)
class OutputTrial:
    """How reaching an output's receiver went.

    Attributes:
        name: of the output.
        kind: of the receiver.
        address: of the receiver, without secrets; empty where its client could not be made.
        fault: why it cannot be used, and what to do; empty if it can.
    """

    name: str
    kind: str
    address: str = ""
    fault: str = ""


def try_output(name: str, config: PublishConfig) -> OutputTrial:
    """Reach a receiver and show it the account, without sending it a message; nothing that is wrong is raised.

    Args:
        name: of the output.
        config: its settings.
    """
    try:
        publisher = make_publisher(config)
    except KeyReIDError as error:  # a secret or a package is missing; the message says which
        return OutputTrial(name, config.kind, fault=str(error))
    try:
        publisher.reach()
    except KeyReIDError as error:
        cure = "check the receiver and the output's settings; a run would keep its messages until it is back"
        return OutputTrial(name, config.kind, publisher.shown, f"{error}; {cure}")
    finally:
        publisher.close()
    return OutputTrial(name, config.kind, publisher.shown)
