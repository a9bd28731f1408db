"""Secrets for receivers: from the environment or a file, never from settings, which are written into `run.json`."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from keyreid_stream.errors import ConfigError

_MAX_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret's text, which is not in its `repr`."""

    text: str = field(repr=False)


def read_secret(what: str, env: str | None, file: str | None) -> Secret | None:
    """A secret that the settings name.

    Args:
        what: the setting without its ending, such as `password`, for messages.
        env: the name of a variable of the environment.
        file: a path; a line's end at the file's end is not part of the secret.

    Returns:
        None if neither is given.

    Raises:
        ConfigError: the variable is not set, or the file cannot be read or can be read by others. No secret is told.
    """
    if env is not None:
        if not (text := os.environ.get(env, "")):
            raise ConfigError(f"{what}_env names {env}, which the environment does not have; set it")
        return Secret(text)
    if file is None:
        return None
    path = Path(file).expanduser()
    try:
        status = path.stat()
        if os.name == "posix" and status.st_mode & 0o077:
            raise ConfigError(f"{path} holds a secret and can be read by others; run: chmod 600 {path}")
        if status.st_size > _MAX_BYTES:
            raise ConfigError(f"{path} is larger than {_MAX_BYTES} bytes; this is no file with a secret")
        text = path.read_text(encoding="utf-8").rstrip("\r\n")
    except OSError as error:
        raise ConfigError(f"{what}_file {path} cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{what}_file {path} is not UTF-8; write the secret as text") from None
    if not text:
        raise ConfigError(f"{what}_file {path} is empty; write the secret into it")
    return Secret(text)
