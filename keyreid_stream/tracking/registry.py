"""An opt-in way into BoxMOT's own registry of re-ID backends, which has no public one."""

from __future__ import annotations

from keyreid_stream.errors import ConfigError
from keyreid_stream.tracking.version import require_boxmot


def register(factory: str, *, backend: str = "keyreid") -> None:
    """Make `ReIDEncoderSpec(backend=backend, …)` build our encoder, for BoxMOT code that only takes specs.

    This changes BoxMOT for the whole process, through a private name of BoxMOT 25; nothing of ours calls it. Where an
    encoder object can be handed over, hand over a `KeyReIDAppearance` instead.

    Args:
        factory: `"module:callable"`, importable; called with BoxMOT's `ReIDEncoderSpec`, it returns the encoder.
        backend: the name in specs, a lower-case word that BoxMOT does not use itself.

    Raises:
        ConfigError: the name is taken, or one of both is malformed.
        KeyReIDError: the installed BoxMOT is not one we support.
    """
    require_boxmot()
    from boxmot.components.registry import LazyComponentRegistry
    from boxmot.reid import factory as boxmot_factory

    entries = dict(boxmot_factory._REID_ENCODER_FACTORIES.entries)
    if entries.get(backend, factory) != factory:
        raise ConfigError(f"BoxMOT already has a re-ID backend {backend!r}; choose another name")
    try:
        extended = LazyComponentRegistry("ReID", entries | {backend: factory})
    except (TypeError, ValueError) as error:
        raise ConfigError(f"cannot register {factory!r} as {backend!r}: {error}") from None
    boxmot_factory._REID_ENCODER_FACTORIES = extended
