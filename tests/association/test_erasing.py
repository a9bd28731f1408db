"""Whoever is forgotten is in no byte of the gallery's files: looked up here with nothing but `bytes.find`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from keyreid_stream.association.erasing import count_traces, forget
from keyreid_stream.association.exemplars import Exemplar
from keyreid_stream.association.similarity import Signatures
from keyreid_stream.association.store import EmbeddingSpace, GalleryStore
from keyreid_stream.errors import InputError
from keyreid_stream.structures import EmbeddingLayout, TrackKey
from tests.association.killed_run import CONFIG

SIZE = 2304  # longer than a page in half precision, as the base model's
SPACE = EmbeddingSpace(EmbeddingLayout(768, 6, 256), "of a test", "0" * 64)


def view(seed: int) -> Exemplar:
    rng = np.random.default_rng(seed)
    return Exemplar(
        Signatures(rng.standard_normal((1, SIZE), np.float32), rng.random((1, 6), np.float32)), "a", 1, 0, 1
    )


def pieces(seed: int) -> list[bytes]:
    """A view's numbers in both precisions, in pieces short enough to lie whole on some page."""
    half = view(seed).signature.vectors[0].astype(np.float16)
    return [
        whole[start : start + 20] for whole in (half.tobytes(), half.astype(np.float32).tobytes())
        for start in range(0, len(whole) - 20, 100)
    ]  # fmt: skip


def found(folder: Path, seed: int) -> int:
    contents = [file.read_bytes() for file in folder.iterdir()]
    return sum(content.count(piece) for content in contents for piece in pieces(seed))


@pytest.mark.parametrize("snapshot_every", [3, 10_000])
def test_of_whom_is_forgotten_no_byte_is_left_and_all_others_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, snapshot_every: int
) -> None:
    monkeypatch.setattr("keyreid_stream.association.store.SNAPSHOT_EVERY", snapshot_every)
    path = tmp_path / "people.gallery"
    with GalleryStore(path, CONFIG, SPACE) as store:
        gallery = store.gallery
        for seed in range(6):
            with store.tick():
                identity = gallery.found(0.0)
                gallery.add_exemplar(identity, view(seed))
                gallery.sketch(identity, TrackKey("a", seed), 0, view(100 + seed))
                gallery.add_track(identity, TrackKey("a", seed))
                gallery.name(identity, f"somebody called {seed}")
        with store.tick():
            gallery.merge(2, 3)
            gallery.set_apart(2, 5)
        assert found(tmp_path, 1)
        assert found(tmp_path, 2)
        erased = forget(store, 2)
        # Now, with the file still open, and not only once SQLite has tidied up.
        for seed in (1, 2, 101, 102):
            assert not found(tmp_path, seed)
        assert all(found(tmp_path, seed) for seed in (0, 3, 4, 5, 100, 103))
        assert (erased.ids, erased.exemplars, erased.traces) == ((2, 3), 4, 0)
        assert path in erased.searched
        content = b"".join(file.read_bytes() for file in tmp_path.iterdir())
        assert b"somebody called 3" in content
        assert b"somebody called 1" not in content
        assert b"somebody called 2" not in content
        told = [(name, arguments) for _, name, arguments in store.history() if {2, 3} & set(arguments[:2])]
        assert told == [("forget", (2,))]
    with GalleryStore(path) as again:
        assert [one.identity_id for one in again.gallery.identities()] == [1, 4, 5, 6]
        with pytest.raises(InputError, match="no identity 2"):
            forget(again, 2)


def test_the_search_finds_what_is_there_also_across_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("keyreid_stream.association.erasing._BLOCK", 64)
    file = tmp_path / "some"
    vector = view(1).signature.vectors[0]
    file.write_bytes(b"x" * 37 + vector.astype("<f2").tobytes()[:400] + b"y" * 50)
    assert count_traces(file, [view(1)]) >= 20
    assert count_traces(file, [view(2)]) == 0
    file.write_bytes(b"x" + vector.tobytes()[1000:1100])
    assert count_traces(file, [view(1)]) >= 4
