"""Settings of outputs to other systems: `[[output.publish]]` of a deployment."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self, TypeAlias
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, model_validator

Port: TypeAlias = Annotated[int, Field(ge=1, le=65_535)]

_HOST = re.compile(r"[A-Za-z0-9._:%\-]+")
_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]*")


class PublishBase(BaseModel):
    """What all outputs have in common.

    Attributes:
        name: of the output, for its spool, the log and the metrics; by default its kind.
        events: send what is decided about identities.
        sightings_fps: send who is where, at most so many pictures a second of each camera; 0: none.
        spool: the file of messages that wait; by default `publish/NAME.spool` in the run's folder. A run that is given
            the file of an earlier one sends first what that left.
        spool_messages, spool_bytes: beyond, the oldest messages give way to one that counts them.
        batch_messages, batch_bytes: sent at once, at most.
        timeout_s: how long the receiver may take to acknowledge.
        drain_s: how long the end of a run waits for what is still to be sent.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field("", pattern=r"^[a-z0-9_]{0,40}$")
    events: bool = True
    sightings_fps: float = Field(0.0, ge=0.0, le=1000.0)
    spool: str | None = None
    spool_messages: int = Field(100_000, ge=2, le=100_000_000)
    spool_bytes: int = Field(100_000_000, ge=10_000)
    batch_messages: int = Field(100, ge=1, le=10_000)
    batch_bytes: int = Field(256_000, ge=1_000, le=10_000_000)
    timeout_s: float = Field(10.0, gt=0.0, le=600.0)
    drain_s: float = Field(1.0, ge=0.0, le=600.0)

    @model_validator(mode="after")
    def _something_is_sent(self) -> Self:
        if not self.events and not self.sightings_fps:
            raise ValueError("an output with neither events nor sightings sends nothing; set events or sightings_fps")
        return self

    @model_validator(mode="after")
    def _variables_are_names(self) -> Self:
        for setting in type(self).model_fields:
            if setting.endswith("_env") and not _VARIABLE.fullmatch(getattr(self, setting) or "_"):
                # Not quoted: whoever errs here has written the secret.
                raise ValueError(f"{setting} is no name of a variable such as KEYREID_SECRET; write the name alone")
        return self

    def _check_one(self, *names: str) -> None:
        given = [name for name in names if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"{' and '.join(given)} are both given; keep one")


class WebhookConfig(PublishBase):
    """POST to a web address.

    Attributes:
        url: where to; without user, password and query, since settings are written into `run.json`.
        url_env: a variable that holds the whole address instead, with whatever is secret in it.
        token_env, token_file: sent as `Authorization: Bearer`.
        secret_env, secret_file: of the signature.
        ca_file: certificates to trust instead of the system's.
    """

    kind: Literal["webhook"]
    url: str | None = None
    url_env: str | None = None
    token_env: str | None = None
    token_file: str | None = None
    secret_env: str | None = None
    secret_file: str | None = None
    ca_file: str | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        self._check_one("url", "url_env")
        self._check_one("token_env", "token_file")
        self._check_one("secret_env", "secret_file")
        if self.url is None and self.url_env is None:
            raise ValueError("a webhook needs url or url_env; add one")
        if self.url is not None:
            check_web_address(self.url, "url")
            parts = urlsplit(self.url)
            if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
                raise ValueError(
                    "url holds more than scheme://host:port/path; put the whole address into the environment and name "
                    "the variable in url_env"
                )
        return self


class _Login(PublishBase):
    host: str = "localhost"
    username: str | None = None
    password_env: str | None = None
    password_file: str | None = None
    tls: bool = False
    ca_file: str | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        self._check_one("password_env", "password_file")
        if not _HOST.fullmatch(self.host):
            # Not quoted: an address with a password in it may have been put here.
            raise ValueError("host is no host's name or address; write it alone, without scheme, user, port and path")
        if self.ca_file is not None and not self.tls:
            raise ValueError("ca_file is given without tls; set tls = true")
        return self


class MqttConfig(_Login):
    """An MQTT broker, quality of service 1.

    Attributes:
        host, port: of the broker; by default port 1883, or 8883 with `tls`.
        topic: messages go to `TOPIC/event`, `TOPIC/sightings` and `TOPIC/gap`.
        username, password_env, password_file: of the account.
        tls: encrypt, and check the broker's certificate; `ca_file` to trust instead of the system's.
        client_id: what the broker knows us by; by default a new one at each connection.
        version: of MQTT. In 5 a broker says if it refuses a message; in 3.1.1 it cannot.
    """

    kind: Literal["mqtt"]
    port: Port | None = None
    topic: str = Field("keyreid", min_length=1, max_length=1000, pattern=r"^[^+#\x00]+$")
    client_id: str | None = Field(None, min_length=1, max_length=60)
    version: Literal["5", "3.1.1"] = "5"

    @model_validator(mode="after")
    def _check_account(self) -> Self:
        if self.username is None and (self.password_env or self.password_file):
            raise ValueError("MQTT has no password without a username; add username")
        return self


class RedisConfig(_Login):
    """A stream of Redis.

    Attributes:
        host, port, db: of the server.
        username, password_env, password_file: of the account.
        tls: encrypt, and check the server's certificate; `ca_file` to trust instead of the system's.
        stream: its key.
        max_length: Redis trims the stream to about so many entries; None: never.
    """

    kind: Literal["redis"]
    port: Port = 6379
    db: int = Field(0, ge=0)
    stream: str = Field("keyreid", min_length=1)
    max_length: int | None = Field(None, ge=1)


class KafkaConfig(PublishBase):
    """A topic of Kafka.

    Attributes:
        servers: of the cluster, as `host:port`.
        topic: where messages go; all have one key, so that they stay in one partition and in order.
        tls: encrypt, and check the brokers' certificates; `ca_file` to trust instead of the system's.
        mechanism: how the account is shown.
        username, password_env, password_file: of the account.
    """

    kind: Literal["kafka"]
    servers: tuple[str, ...] = Field(min_length=1)
    topic: str = Field("keyreid", pattern=r"^[A-Za-z0-9._\-]{1,249}$")
    tls: bool = False
    ca_file: str | None = None
    mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    username: str | None = None
    password_env: str | None = None
    password_file: str | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        self._check_one("password_env", "password_file")
        if (self.username is None) != (self.password_env is None and self.password_file is None):
            raise ValueError("a Kafka account is a username and a password; give both or neither")
        for server in self.servers:
            if not _HOST.fullmatch(server):
                raise ValueError("servers are written host:port, without scheme, user and path")
        if self.ca_file is not None and not self.tls:
            raise ValueError("ca_file is given without tls; set tls = true")
        return self


PublishConfig: TypeAlias = Annotated[
    WebhookConfig | MqttConfig | RedisConfig | KafkaConfig, Field(discriminator="kind")
]
"""Settings of one output, by `kind`."""


def output_names(outputs: tuple[PublishConfig, ...]) -> dict[str, PublishConfig]:
    """The outputs by their names.

    Raises:
        ValueError: two have the same name or spool.
    """
    named: dict[str, PublishConfig] = {}
    for output in outputs:
        name = output.name or output.kind
        if name in named:
            raise ValueError(f"two outputs are named {name!r}; give one of them another name")
        if output.spool is not None and any(output.spool == other.spool for other in named.values()):
            raise ValueError(f"two outputs have the spool {output.spool}; give each its own")
        named[name] = output
    return named


def check_web_address(url: str, what: str) -> None:
    """Refuse what is no web address; the message does not quote it.

    Raises:
        ValueError: it is none.
    """
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{what} is no web address; write http://host:port/path or https://…")
