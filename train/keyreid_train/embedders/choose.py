"""From the text after `--embedder` to an embedder."""

from __future__ import annotations

from pathlib import Path

from keyreid_stream.errors import ConfigError
from keyreid_train.embedders.interface import ClipEmbedder

KINDS = ("keyreid:WEIGHTS", "onnx:FILE", "boxmot:NAME-OR-FILE")


def open_embedder(text: str, device: str = "auto") -> ClipEmbedder:
    """Load what `KINDS` describes; the libraries of the others are not touched.

    Raises:
        ConfigError: there is no such kind.
        KeyReIDError: it cannot be loaded.
    """
    kind, _, what = text.partition(":")
    if not what or kind not in ("keyreid", "onnx", "boxmot"):
        raise ConfigError(f"unknown embedder {text!r}; give one of: {', '.join(KINDS)}")
    if kind == "onnx":
        from keyreid_train.embedders.onnx import OnnxEmbedder

        return OnnxEmbedder(Path(what))
    if kind == "boxmot":
        from keyreid_train.embedders.boxmot import BoxmotEmbedder

        return BoxmotEmbedder(what, device)
    from keyreid_train.embedders.keyreid import KeyreidEmbedder

    return KeyreidEmbedder(what, device)
