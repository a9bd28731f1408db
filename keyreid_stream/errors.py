"""The exceptions that callers may catch.

Every message says what was given, what is allowed and what to do next, in one line: the command prints it as it is.
"""

from __future__ import annotations

import re

_CREDENTIALS = re.compile(r"[^\s/'\"=]*:[^\s/'\"]+@")
"""`user:password@`, with or without a scheme before it."""


class KeyReIDError(Exception):
    """Anything keyreid-stream raises on purpose. Passwords in addresses that a message repeats are masked."""

    def __init__(self, message: str) -> None:
        super().__init__(_CREDENTIALS.sub("***@", message))


class InputError(KeyReIDError, ValueError):
    """The caller gave something that cannot be used: a bad file, name, number or combination (exit code 2)."""


class ConfigError(InputError):
    """A setting is unknown, of the wrong type or out of range."""


class SourceError(InputError):
    """A camera, video file or image folder cannot be opened or holds no frames."""


class WeightsError(InputError):
    """A weights file is missing, damaged, foreign, or does not fit the model."""


class DownloadError(KeyReIDError):
    """A requested download failed or did not match its checksum."""


class MissingExtraError(KeyReIDError, ImportError):
    """An optional package is not installed; the message holds the exact command that installs it."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(f'{package} is not installed; run: pip install "keyreid-stream[{extra}]"')
        self.package = package
        self.extra = extra
