"""Messages to a topic of Kafka, by an idempotent producer."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from typing import Any, Self

from keyreid_stream.errors import MissingExtraError
from keyreid_stream.sinks.publish.config import KafkaConfig
from keyreid_stream.sinks.publish.credentials import Secret, read_secret
from keyreid_stream.sinks.publish.messages import Message
from keyreid_stream.sinks.publish.publisher import PublishError

try:
    from confluent_kafka import KafkaError, KafkaException, Producer
except ImportError:
    raise MissingExtraError("confluent-kafka", "kafka") from None

_silent = logging.Logger("librdkafka")
"""Without a parent: the library tells its log every refused connection, ten a second; we tell the first."""
_silent.addHandler(logging.NullHandler())

_KEY = b"keyreid"
"""One for all: Kafka keeps the order only within a partition, which the key chooses."""


class KafkaPublisher:
    """Produces each batch and waits until all replicas that are in step have it.

    Duplicates within a connection are Kafka's to prevent. After a failure a new producer is made: what the old one
    still held would come after what is sent again.

    Args:
        config: the cluster and the account.
        password: of the account.
        properties: further settings of librdkafka.
    """

    def __init__(
        self, config: KafkaConfig, password: Secret | None = None, properties: Mapping[str, Any] | None = None
    ) -> None:
        self._config = config
        self._password = password
        self._properties = dict(properties or {})
        self.shown = f"kafka://{','.join(config.servers)}"
        self._producer: Producer | None = None
        self._problem = ""

    @classmethod
    def from_config(cls, config: KafkaConfig) -> Self:
        """As the settings say.

        Raises:
            ConfigError: the password is not where they say.
        """
        return cls(config, read_secret("password", config.password_env, config.password_file))

    def reach(self) -> None:
        """See `Publisher.reach`."""
        try:
            # All topics: asking for ours by its name could make it.
            self._connected().list_topics(timeout=self._config.timeout_s)
        except (KafkaException, ValueError) as error:
            self.close()
            raise PublishError(f"{self.shown} cannot be reached ({self._problem or _name(error)})") from None

    def send(self, messages: Sequence[Message]) -> None:
        """See `Publisher.send`."""
        delivered: list[bool] = []
        problems: list[str] = []

        def settled(error: KafkaError | None, _message: Any) -> None:
            # Called in the order of the messages: they are all of one partition.
            if error is not None:
                problems.append(error.name())
            elif not problems:
                delivered.append(True)

        try:
            producer = self._connected()
            for one in messages:
                headers: list[tuple[str, str | bytes | None]] = [
                    ("event_id", one.event_id.encode()),
                    ("type", one.type.encode()),
                ]
                producer.produce(self._config.topic, one.text.encode(), key=_KEY, headers=headers, on_delivery=settled)
            # Messages fail by themselves after the timeout; a second more to be told so.
            self._wait(producer, self._config.timeout_s + 1.0)
        except (KafkaException, BufferError, ValueError) as error:
            problems.append(_name(error))
        if len(delivered) < len(messages):
            self.close()
            reason = self._problem or (problems[0] if problems else "_TIMED_OUT")
            raise PublishError(f"{self.shown} did not acknowledge ({reason})", acknowledged=len(delivered))

    def close(self) -> None:
        """See `Publisher.close`."""
        if self._producer is not None:
            self._producer.purge(in_queue=True, in_flight=True, blocking=False)
            self._producer.poll(0)
            self._producer = None

    def _wait(self, producer: Producer, timeout_s: float) -> None:
        until_s = time.monotonic() + timeout_s
        while len(producer) and time.monotonic() < until_s:
            producer.poll(min(0.1, max(0.0, until_s - time.monotonic())))

    def _connected(self) -> Producer:
        if self._producer is None:
            self._problem = ""
            self._producer = Producer(self._settings() | self._properties, logger=_silent)
        return self._producer

    def _settings(self) -> dict[str, Any]:
        config = self._config
        settings: dict[str, Any] = {
            "bootstrap.servers": ",".join(config.servers),
            "client.id": "keyreid-stream",
            "enable.idempotence": True,
            "enable.gapless.guarantee": True,  # a message that fails takes those after it along
            "linger.ms": 5,
            "message.timeout.ms": round(1000 * config.timeout_s),
            "security.protocol": ("SASL_" if config.username else "") + ("SSL" if config.tls else "PLAINTEXT"),
            "error_cb": self._on_error,
        }
        if config.ca_file is not None:
            settings["ssl.ca.location"] = config.ca_file
        if config.username is not None and self._password is not None:
            settings |= {
                "sasl.mechanism": config.mechanism,
                "sasl.username": config.username,
                "sasl.password": self._password.text,
            }
        return settings

    def _on_error(self, error: KafkaError) -> None:
        """The cluster's trouble, by its code alone; what a message fails with is only a timeout."""
        self._problem = error.name()


def _name(error: Exception) -> str:
    first = error.args[0] if error.args else None
    return first.name() if isinstance(first, KafkaError) else type(error).__name__
