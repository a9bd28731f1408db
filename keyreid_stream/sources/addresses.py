"""Addresses of live cameras, and the secrets in them."""

from __future__ import annotations

import os
import re
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self
from urllib.parse import SplitResult, quote, urlsplit

from keyreid_stream.errors import ConfigError, SourceError

WEBCAM = "webcam"
LIVE_SCHEMES = ("rtsp", "rtsps", "rtp", "udp", "tcp", "http", "https", WEBCAM)
MAX_CREDENTIALS_BYTES = 1_000_000

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_ADDRESS = re.compile(r"(?:^|=)(?!world:)[a-z][a-z0-9+.\-]+:/", re.IGNORECASE)
"""Of any scheme, a mistyped one too; a world's address holds no secret, and its query says which world."""
_LOGIN = re.compile(r"(://?).*@")
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9._-]+")
_MAX_NAME = 64


@dataclass(frozen=True, slots=True)
class Credentials:
    """A user's name and password; neither is in its `repr`."""

    user: str = field(repr=False)
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class LiveAddress:
    """Where a live camera is.

    Attributes:
        scheme: `rtsp`, `http`, …
        shown: the address without user, password and query, for messages, logs and files.
        camera_id: a name made of it.
        secret: the address as it is, for the decoder alone; not in its `repr`.
    """

    scheme: str
    shown: str
    camera_id: str
    secret: str = field(repr=False)

    @classmethod
    def parse(cls, text: str, credentials: Mapping[str, Credentials] | None = None) -> Self:
        """Read an address as a user writes it.

        Args:
            text: `scheme://host[:port]/path`, with `user:password@` before the host if need be; `${NAME}` stands for a
                variable of the environment. Or `webcam://0`, this machine's first camera.
            credentials: by host, for addresses that name none.

        Raises:
            SourceError: it is no address of a live camera; a variable is not set. The message holds no secret.
        """
        parts = _split(text)
        shown = f"{parts.scheme}://{_host(parts)}{parts.path}"
        if parts.scheme not in LIVE_SCHEMES:
            raise SourceError(
                f"{parts.scheme}:// is no address of a live camera; give one of {', '.join(LIVE_SCHEMES)}, a video "
                "file, a folder of images, or a world"
            )
        if parts.scheme == WEBCAM:
            return cls(WEBCAM, shown, f"webcam{_host(parts)}", _device(_host(parts)))
        if not parts.hostname:
            raise SourceError(f"{parts.scheme}:// names no host; write {parts.scheme}://HOST/PATH")
        user, password = (_filled(part, shown) for part in (parts.username, parts.password))
        if user is None and credentials and (known := credentials.get(parts.hostname)) is not None:
            user, password = quote(known.user, safe=""), quote(known.password, safe="")
        login = "" if user is None else f"{user}{'' if password is None else ':' + password}@"
        query = f"?{_filled(parts.query, shown)}" if parts.query else ""
        return cls(parts.scheme, shown, _name(parts), f"{parts.scheme}://{login}{_host(parts)}{parts.path}{query}")


def without_secrets(spec: str) -> str:
    """A camera as a user wrote it, without user, password and query, for reports."""
    # The login first: a password may hold a question mark that should have been escaped.
    return _LOGIN.sub(r"\1", spec).partition("?")[0] if _ADDRESS.search(spec) else spec


def read_credentials(path: Path) -> dict[str, Credentials]:
    """User names and passwords by host, from a TOML file with a table per host.

    Raises:
        ConfigError: it cannot be read, others than its owner can read it, or a table is wrong. No secret is told.
    """
    try:
        status = path.stat()
        if os.name == "posix" and status.st_mode & 0o077:
            raise ConfigError(f"{path} holds passwords and can be read by others; run: chmod 600 {path}")
        if status.st_size > MAX_CREDENTIALS_BYTES:
            raise ConfigError(f"{path} is larger than {MAX_CREDENTIALS_BYTES} bytes; this is no file of credentials")
        tables = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ConfigError(f"credentials cannot be read from {path} ({error.strerror})") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError):
        # TOML's own message would quote the line.
        raise ConfigError(f"{path} is not valid TOML; write a table per host with user and password") from None
    return {host: _credentials(path, host, table) for host, table in tables.items()}


def _credentials(path: Path, host: str, table: object) -> Credentials:
    if (
        isinstance(table, dict)
        and set(table) == {"user", "password"}
        and all(isinstance(v, str) for v in table.values())
    ):
        return Credentials(table["user"], table["password"])
    raise ConfigError(f'{path}: table {host!r} must hold user = "…" and password = "…" and nothing else')


_FORM = "write SCHEME://HOST:PORT/PATH, before the host the user's name, a colon, the password and an @"


def _split(text: str) -> SplitResult:
    try:
        parts = urlsplit(text)
        _ = parts.port, parts.hostname
    except ValueError:
        raise SourceError(f"a camera's address is malformed; {_FORM}") from None
    if not parts.netloc or "@" in parts.path:
        # A slash or @ in a password that is not escaped would land in the path, and in messages.
        raise SourceError(
            f"a camera's address is malformed; {_FORM} (in both write %2F for a slash, %40 for an @, %3A for a colon)"
        )
    return parts


def webcam_format() -> str:
    """FFmpeg's name of this system's cameras."""
    return {"darwin": "avfoundation", "win32": "dshow"}.get(sys.platform, "v4l2")


def _device(number: str) -> str:
    """What FFmpeg calls this machine's camera of that number."""
    if not (number.isascii() and number.isdigit()):
        raise SourceError(f"webcam://{number} names no camera of this machine; write webcam://0, webcam://1, …")
    return f"/dev/video{number}" if webcam_format() == "v4l2" else number


def _host(parts: SplitResult) -> str:
    return parts.netloc.rpartition("@")[2]


def _filled(text: str | None, shown: str) -> str | None:
    """With the environment's values, escaped, in the place of their names."""
    if text is None:
        return None

    def value(match: re.Match[str]) -> str:
        if match[1] not in os.environ:
            raise SourceError(f"{shown}: the environment has no variable {match[1]}; set it, or write the value")
        return quote(os.environ[match[1]], safe="")

    return _VARIABLE.sub(value, text)


def _name(parts: SplitResult) -> str:
    """Host and path in letters that a file's name can have."""
    name = _NOT_IN_NAMES.sub("-", f"{_host(parts)}{parts.path}").strip("-.")
    return name[-_MAX_NAME:].lstrip("-.") or parts.scheme
