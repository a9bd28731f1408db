"""Messages as entries of a Redis stream."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from keyreid_stream.errors import MissingExtraError
from keyreid_stream.sinks.publish.config import RedisConfig
from keyreid_stream.sinks.publish.credentials import Secret, read_secret
from keyreid_stream.sinks.publish.messages import Message
from keyreid_stream.sinks.publish.publisher import PublishError

try:
    import redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry
except ImportError:
    raise MissingExtraError("redis", "redis") from None


class RedisPublisher:
    """Adds a batch in one transaction: all of it or nothing, so that a repeated one cannot change the order.

    An entry has the fields `type`, `event_id` and `message`, the JSON object.

    Args:
        config: the server and the account.
        password: of the account.
    """

    def __init__(self, config: RedisConfig, password: Secret | None = None) -> None:
        self._config = config
        self._password = password
        self.shown = f"redis{'s' if config.tls else ''}://{config.host}:{config.port}/{config.db}"
        self._client: redis.Redis | None = None

    @classmethod
    def from_config(cls, config: RedisConfig) -> Self:
        """As the settings say.

        Raises:
            ConfigError: the password is not where they say.
        """
        return cls(config, read_secret("password", config.password_env, config.password_file))

    def reach(self) -> None:
        """See `Publisher.reach`."""
        try:
            self._connected().ping()
        except (redis.RedisError, OSError, ValueError) as error:
            self.close()
            raise PublishError(f"{self.shown} {_reason(error)}") from None

    def send(self, messages: Sequence[Message]) -> None:
        """See `Publisher.send`."""
        config = self._config
        try:
            batch = self._connected().pipeline(transaction=True)
            for one in messages:
                batch.xadd(
                    config.stream,
                    {"type": one.type, "event_id": one.event_id, "message": one.text},
                    maxlen=config.max_length,
                    approximate=True,
                )
            batch.execute()
        except (redis.RedisError, OSError, ValueError) as error:
            self.close()
            raise PublishError(f"{self.shown} {_reason(error)}") from None

    def close(self) -> None:
        """See `Publisher.close`."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def _connected(self) -> redis.Redis:
        if self._client is None:
            config = self._config
            self._client = redis.Redis(
                host=config.host,
                port=config.port,
                db=config.db,
                username=config.username,
                password=None if self._password is None else self._password.text,
                socket_timeout=config.timeout_s,
                socket_connect_timeout=config.timeout_s,
                retry=Retry(NoBackoff(), 0),  # the sender tries again
                ssl=config.tls,
                ssl_ca_certs=config.ca_file,
                client_name="keyreid-stream",
            )
        return self._client


def _reason(error: Exception) -> str:
    """In our words: a server's own text could repeat what it was told."""
    if isinstance(error, redis.AuthenticationError):
        return "refused the account"
    if isinstance(error, redis.TimeoutError):
        return "did not answer in time"
    if isinstance(error, redis.ConnectionError | OSError):
        return "cannot be reached"
    # The first word of an error is its code: OOM, NOPERM, READONLY, WRONGTYPE, …
    return f"refused the messages ({type(error).__name__} {str(error).partition(' ')[0][:20]})"
