"""Settings of the monitor."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, field_validator

TOKEN_VARIABLE = "KEYREID_MONITOR_TOKEN"  # noqa: S105

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class MonitorConfig(BaseModel):
    """Whether a run can be watched and controlled over HTTP.

    Attributes:
        listen: `HOST:PORT`; None: nowhere. Loopback, `127.0.0.1:9464`, is for this machine alone.
        stall_s: a run without a tick for so long is not healthy.

    What changes a run needs the token in the environment variable `KEYREID_MONITOR_TOKEN`; without it, nothing does.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    listen: str | None = None
    stall_s: float = Field(default=30.0, gt=0)

    @field_validator("listen")
    @classmethod
    def _has_host_and_port(cls, listen: str | None) -> str | None:
        if listen is not None:
            host_and_port(listen)
        return listen


def host_and_port(listen: str) -> tuple[str, int]:
    """`HOST:PORT` in its parts; `[::1]:9464` for IPv6, port 0 for any that is free.

    Raises:
        ValueError: it is not of this form.
    """
    host, colon, port = listen.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not host or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise ValueError(f"{listen!r} is no HOST:PORT; write 127.0.0.1:9464")
    return host, int(port)
