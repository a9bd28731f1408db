"""How fast TensorRT found its kernels on this GPU: kept between builds, which are several times faster with it."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass
from pathlib import Path

DIGEST_BYTES = hashlib.sha256().digest_size


@dataclass(frozen=True, slots=True)
class TimingStore:
    """Timing caches in the folder of engines: files whose first bytes are the hash of the rest.

    Whatever is wrong with one, it is as if there were none: a build takes longer then, nothing else.

    Attributes:
        folder: where they are.
        key: everything that measurements depend on, in words: library, version, GPU, driver.
    """

    folder: Path
    key: str

    @property
    def path(self) -> Path:
        """Hidden, so that it is not taken for an engine."""
        return self.folder / f".timing-{hashlib.sha256(self.key.encode()).hexdigest()[:16]}"

    def read(self) -> bytes:
        """What was kept; empty where there is nothing, or something is wrong with it."""
        try:
            content = self.path.read_bytes()
        except OSError:
            return b""
        digest, rest = content[:DIGEST_BYTES], content[DIGEST_BYTES:]
        return rest if hashlib.sha256(rest).digest() == digest else b""

    def write(self, content: bytes) -> None:
        """Keep what a build measured, whole or not at all; a folder that cannot be written is no fault."""
        if not content:
            return
        draft = self.path.with_name(f"{self.path.name}.{uuid.uuid4().hex}")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            draft.write_bytes(hashlib.sha256(content).digest() + content)
            draft.replace(self.path)
        except OSError:
            draft.unlink(missing_ok=True)
