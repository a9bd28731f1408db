"""What this package raises beside `InputError` and `MissingExtraError`."""

from __future__ import annotations

from keyreid_stream.errors import KeyReIDError


class EngineError(KeyReIDError):
    """An engine cannot be exported, built, loaded or trusted (exit code 1)."""
