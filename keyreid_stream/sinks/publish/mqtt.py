"""Messages to an MQTT broker, quality of service 1."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Any, Self

from keyreid_stream.errors import MissingExtraError
from keyreid_stream.sinks.publish.config import MqttConfig
from keyreid_stream.sinks.publish.credentials import Secret, read_secret
from keyreid_stream.sinks.publish.messages import Message
from keyreid_stream.sinks.publish.publisher import PublishError

try:
    from paho.mqtt import client as paho
    from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
except ImportError:
    raise MissingExtraError("paho-mqtt", "mqtt") from None

_PORT, _TLS_PORT = 1883, 8883
_VERSIONS = {"5": MQTTProtocolVersion.MQTTv5, "3.1.1": MQTTProtocolVersion.MQTTv311}


class MqttPublisher:
    """Publishes each message to `TOPIC/TYPE` and waits for the broker's acknowledgement of it.

    After a failure a new connection is made: the client's own would send what was under way again, after what we do.

    Args:
        config: the broker and the account.
        password: of the account.
    """

    def __init__(self, config: MqttConfig, password: Secret | None = None) -> None:
        self._config = config
        self._password = password
        self._port = config.port or (_TLS_PORT if config.tls else _PORT)
        self.shown = f"mqtt{'s' if config.tls else ''}://{config.host}:{self._port}"
        self._connection: _Connection | None = None

    @classmethod
    def from_config(cls, config: MqttConfig) -> Self:
        """As the settings say.

        Raises:
            ConfigError: the password is not where they say.
        """
        return cls(config, read_secret("password", config.password_env, config.password_file))

    def reach(self) -> None:
        """See `Publisher.reach`."""
        self._connected()

    def send(self, messages: Sequence[Message]) -> None:
        """See `Publisher.send`."""
        connection = self._connected()
        try:
            connection.publish(self._config.topic, messages, self._config.timeout_s)
        except PublishError:
            self.close()
            raise

    def close(self) -> None:
        """See `Publisher.close`."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connected(self) -> _Connection:
        if self._connection is None or not self._connection.is_up:
            self.close()
            self._connection = self._connect()
        return self._connection

    def _connect(self) -> _Connection:
        config = self._config
        client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=config.client_id or "",
            protocol=_VERSIONS[config.version],
            reconnect_on_failure=False,
        )
        client.connect_timeout = config.timeout_s
        if config.username is not None:
            client.username_pw_set(config.username, None if self._password is None else self._password.text)
        try:
            if config.tls:
                client.tls_set(ca_certs=config.ca_file)
            return _Connection(self.shown, client, (config.host, self._port), config.timeout_s)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or type(error).__name__
            raise PublishError(f"{self.shown} cannot be reached ({reason})") from None


class _Connection:
    """A client that is connected once and never again."""

    def __init__(self, shown: str, client: paho.Client, address: tuple[str, int], timeout_s: float) -> None:
        self._shown = shown
        self._client = client
        self._changed = threading.Condition()
        self._answer: str | None = None
        self._lost: str | None = None
        self._settled: dict[int, str | None] = {}
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_publish = self._on_publish
        client.connect(*address)
        client.loop_start()
        with self._changed:
            self._changed.wait_for(lambda: self._answer is not None or self._lost is not None, timeout_s)
            problem = "did not answer in time" if self._answer is None and self._lost is None else self._lost
        if problem := self._answer or problem:
            self.close()
            raise PublishError(f"{shown} {problem}")

    @property
    def is_up(self) -> bool:
        return self._lost is None

    def publish(self, topic: str, messages: Sequence[Message], timeout_s: float) -> None:
        numbers = [self._client.publish(f"{topic}/{one.type}", one.text.encode(), qos=1).mid for one in messages]
        with self._changed:
            done = 0
            until_s = time.monotonic() + timeout_s
            while done < len(numbers) and self._lost is None:
                if numbers[done] in self._settled:
                    if (refused := self._settled.pop(numbers[done])) is not None:
                        raise PublishError(f"{self._shown} refused a message ({refused})", acknowledged=done)
                    done += 1
                    until_s = time.monotonic() + timeout_s
                elif not self._changed.wait(until_s - time.monotonic()):
                    raise PublishError(f"{self._shown} did not acknowledge in time", acknowledged=done)
            if done < len(numbers):
                raise PublishError(f"{self._shown} {self._lost}", acknowledged=done)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _on_connect(self, _client: Any, _userdata: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        with self._changed:
            self._answer = f"refused the connection ({reason})" if reason.is_failure else ""
            self._changed.notify_all()

    def _on_disconnect(self, _client: Any, _userdata: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        with self._changed:
            self._lost = f"broke the connection ({reason})"
            self._changed.notify_all()

    def _on_publish(self, _client: Any, _userdata: Any, number: int, reason: Any, _properties: Any) -> None:
        with self._changed:
            self._settled[number] = str(reason) if reason.is_failure else None
            self._changed.notify_all()
