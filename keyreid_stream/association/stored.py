"""An associator whose gallery survives: what it said is in the file before anybody hears of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from keyreid_stream.association.config import AssociationConfig
from keyreid_stream.association.online import OnlineAssociator
from keyreid_stream.association.recording import DecisionTaker
from keyreid_stream.association.store import EmbeddingSpace, GalleryStore
from keyreid_stream.structures import EmbeddingLayout, Event, TrackEvidence, TrackKey


class StoredAssociator(OnlineAssociator):
    """Decides as `OnlineAssociator` does, on a gallery in a file; serves one run.

    Attributes:
        store: the gallery and its file.
    """

    def __init__(
        self, store: GalleryStore, config: AssociationConfig | None = None, *, decisions: DecisionTaker | None = None
    ) -> None:
        """Begin a run with whom the store knows."""
        super().__init__(config, gallery=store.gallery, decisions=decisions)
        self.store = store
        self._folder: Path | None = None
        self._has_begun = False

    def record_in(self, folder: Path) -> None:
        """Say, before the first `update`, into which folder the run is recorded: erasing somebody looks there too."""
        self._folder = folder

    def update(self, timestamp_s: float, evidence: Sequence[TrackEvidence], ended: Sequence[TrackKey]) -> list[Event]:
        """Take one tick's evidence of all cameras; return what was decided, in order, after it was written.

        Raises:
            InputError: the file cannot be written.
        """
        with self.store.tick():
            if not self._has_begun:
                self.store.begin_run(timestamp_s, self._folder)
                self._has_begun = True
            return super().update(timestamp_s, evidence, ended)

    def close(self) -> None:
        """Settle what the run leaves, so that whoever was seen last is found too, and let the file go.

        Raises:
            InputError: the file cannot be written; what it said before still holds.
        """
        try:
            if self._has_begun and self.store.is_usable:
                with self.store.tick():
                    self.store.gallery.settle()
        finally:
            self.store.close()


def open_associator(
    config: AssociationConfig, layout: EmbeddingLayout, model: str, sha256: str
) -> OnlineAssociator | StoredAssociator:
    """The associator of a run, with a gallery in a file where the settings name one.

    Args:
        config: settings.
        layout: of the embeddings that it will be given.
        model: the name of the model that makes them.
        sha256: of its weights.

    Raises:
        InputError: the gallery's file cannot be used, or holds another model's embeddings.
    """
    if config.gallery is None:
        return OnlineAssociator(config)
    space = EmbeddingSpace(layout, model, sha256)
    return StoredAssociator(GalleryStore(Path(config.gallery).expanduser(), config, space), config)
