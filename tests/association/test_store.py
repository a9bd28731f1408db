from __future__ import annotations

import os
import random
import sqlite3
import stat
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from keyreid_stream.association import AssociationConfig
from keyreid_stream.association.exemplars import Exemplar
from keyreid_stream.association.journal import state
from keyreid_stream.association.similarity import Signatures
from keyreid_stream.association.store import EmbeddingSpace, GalleryStore
from keyreid_stream.association.stored import StoredAssociator, open_associator
from keyreid_stream.errors import InputError
from keyreid_stream.structures import ClipEmbedding, EmbeddingLayout, TrackEvidence, TrackKey
from tests.association.killed_run import CONFIG, LAYOUT, PEOPLE, SPACE, run

ROOT = Path(__file__).parent.parent.parent
UPDATES = 200


def exemplar(seed: int, last_s: float = 1.0) -> Exemplar:
    rng = np.random.default_rng(seed)
    rows = Signatures(rng.standard_normal((1, 24), np.float32), rng.random((1, 2), np.float32))
    return Exemplar(rows, "abc"[seed % 3], seed % 5 + 1, last_s - 1, last_s)


def filled(path: Path, people: int = 3) -> bytes:
    """Make a gallery of some people; what it holds."""
    with GalleryStore(path, CONFIG, SPACE) as store:
        with store.tick():
            store.begin_run(0.0)
            for seed in range(people):
                identity = store.gallery.found(float(seed))
                store.gallery.add_exemplar(identity, exemplar(seed))
                store.gallery.add_track(identity, TrackKey("a", seed))
        return state(store.gallery)


def reopened(path: Path) -> bytes:
    with GalleryStore(path) as store:
        return state(store.gallery)


def test_a_gallery_is_what_it_was_when_it_is_opened_again(tmp_path: Path) -> None:
    path = tmp_path / "people.gallery"
    assert filled(path) == reopened(path)
    with GalleryStore(path, CONFIG, SPACE) as store:
        assert store.known_before == 3
        assert store.gallery.state.run == 1
        with store.tick():
            assert store.gallery.found(0.0) == 4


def test_nothing_is_made_before_there_is_something_to_keep(tmp_path: Path) -> None:
    with GalleryStore(tmp_path / "people.gallery", CONFIG, SPACE) as store:
        with store.tick():
            pass
        assert len(store.gallery) == 0
    assert not list(tmp_path.iterdir())


def test_only_the_owner_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "people.gallery"
    filled(path)
    path.chmod(0o644)
    with GalleryStore(path, CONFIG, SPACE) as store:
        with store.tick():
            store.gallery.found(0.0)
        files = list(tmp_path.iterdir())
        assert {file.name for file in files} == {"people.gallery", "people.gallery-wal"}
        assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert [file.name for file in tmp_path.iterdir()] == ["people.gallery"]


def test_a_tick_that_fails_leaves_no_trace_and_the_store_must_be_opened_anew(tmp_path: Path) -> None:
    path = tmp_path / "people.gallery"
    before = filled(path)
    with GalleryStore(path, CONFIG, SPACE) as store:
        with pytest.raises(InputError, match="itself"), store.tick():
            store.gallery.merge(store.gallery.found(0.0), 4)
        with pytest.raises(InputError, match="open it again"), store.tick():
            pass
    assert reopened(path) == before


def test_changes_outside_a_tick_are_refused(tmp_path: Path) -> None:
    store = GalleryStore(tmp_path / "people.gallery", CONFIG, SPACE)
    with pytest.raises(InputError, match=r"store\.tick"):
        store.gallery.found(0.0)


def test_snapshots_say_the_same_as_the_log_and_take_its_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("keyreid_stream.association.store.SNAPSHOT_EVERY", 7)
    path, rng = tmp_path / "people.gallery", random.Random(3)
    with GalleryStore(path, CONFIG, SPACE) as store:
        gallery = store.gallery
        for tick in range(60):
            with store.tick():
                if tick % 20 == 0:
                    store.begin_run(0.0)
                one = gallery.found(float(tick))
                gallery.add_exemplar(one, exemplar(tick))
                other = rng.choice([i.identity_id for i in gallery.identities()])
                gallery.sketch(one, TrackKey("a", tick % 4), 0, exemplar(tick + 1))
                if other != one and tick % 3 == 0:
                    gallery.merge(one, other)
                elif tick % 7 == 0 and len(gallery.exemplars(one)) > 1:
                    gallery.detach(one, [0])
                elif tick % 5 == 0:
                    gallery.forget(one)
        held = state(gallery)
    assert reopened(path) == held
    with sqlite3.connect(path) as file:
        with_numbers, rows = file.execute("SELECT count(numbers), count(*) FROM log").fetchone()
    file.close()
    assert with_numbers < 7 < rows
    assert len(GalleryStore(path).history()) == rows


def test_the_log_tells_no_longer_of_people_than_they_are_known(tmp_path: Path) -> None:
    path, now = tmp_path / "people.gallery", 1000.0
    config = CONFIG.model_copy(update={"retention_s": 50.0})
    with GalleryStore(path, config, SPACE, clock=lambda: now) as store:
        for now in (1000.0, 1049.0, 1060.0):
            with store.tick():
                store.gallery.found(now)
        store.snapshot()
        assert [(when, name) for when, name, _ in store.history()] == [(1049.0, "found"), (1060.0, "found")]
        assert len(store.gallery) == 3  # it is for the associator to let people go
    with GalleryStore(path, clock=lambda: 1100.0) as store:  # also when it is looked at without settings
        store.snapshot()
        assert [when for when, _, _ in store.history()] == [1060.0]


def test_a_run_begins_where_the_clock_is_but_not_before_the_end_of_what_is_known(tmp_path: Path) -> None:
    path = tmp_path / "people.gallery"
    for now, first_s, offset_s in ((5000.0, 7.0, -7.0), (5030.0, 2.0, 98.0), (5500.0, 10.0, 490.0)):
        with GalleryStore(path, CONFIG, SPACE, clock=partial(float, now)) as store, store.tick():
            store.begin_run(first_s, tmp_path / "run")
            assert store.gallery.offset_s == offset_s
            identity = store.gallery.found(first_s)
            store.gallery.touch(identity, first_s + 100)
    with GalleryStore(path) as store:
        assert store.created_utc_s == 5000.0
        assert [(one.number, one.started_utc_s, one.folder) for one in store.runs()] == [
            (number, started, tmp_path / "run") for number, started in ((1, 5000.0), (2, 5030.0), (3, 5500.0))
        ]


def test_what_a_run_had_not_settled_is_known_to_the_next(tmp_path: Path) -> None:
    path = tmp_path / "people.gallery"
    run(path, 4, 0.0)  # too short for anything to settle
    with GalleryStore(path, CONFIG, SPACE) as store:
        assert not any(store.gallery.exemplars(one.identity_id) for one in store.gallery.identities())
        known = len(store.gallery)
        with store.tick():
            store.begin_run(0.0)
        assert all(store.gallery.exemplars(one.identity_id) for one in store.gallery.identities())
    run(path, 4, 0.0)
    with GalleryStore(path) as store:
        assert len(store.gallery) == known > 0


def test_a_run_that_ends_settles_what_it_leaves_and_one_that_failed_leaves_it_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "people.gallery"
    seen = TrackEvidence(
        TrackKey("a", 1),
        0.0,
        0,
        np.zeros(4, np.float32),
        9,
        ClipEmbedding(np.ones(24, np.float32), np.ones(2, np.float32), LAYOUT),
    )
    with GalleryStore(path, CONFIG, SPACE) as store:
        associator = StoredAssociator(store, CONFIG)
        associator.update(0.0, [seen], [])
        assert store.gallery.state.sketches
        associator.close()
        associator.close()
    with GalleryStore(path) as store:
        assert not store.gallery.state.sketches
        assert len(store.gallery.exemplars(1)) == 1
    before = path.read_bytes()
    with GalleryStore(path, CONFIG, SPACE) as store:
        StoredAssociator(store, CONFIG).close()  # not one update: nothing has begun, nothing ends
    assert path.read_bytes() == before


def refused(path: Path, match: str, config: AssociationConfig = CONFIG, space: EmbeddingSpace = SPACE) -> None:
    with pytest.raises(InputError, match=match) as caught:
        GalleryStore(path, config, space)
    assert "\n" not in str(caught.value)


def test_files_of_another_kind_are_refused_and_left_alone(tmp_path: Path) -> None:
    foreign = tmp_path / "notes.txt"
    foreign.write_text("these are notes and no database")
    database = tmp_path / "other.db"
    with sqlite3.connect(database) as file:
        file.execute("CREATE TABLE mine (x)")
    file.close()
    before = foreign.read_bytes(), database.read_bytes()
    refused(foreign, "no gallery")
    refused(database, "database of something else")
    refused(tmp_path, "is a folder")
    refused(tmp_path / "missing" / "people.gallery", "folder does not exist")
    with pytest.raises(InputError, match="no gallery at"):
        GalleryStore(tmp_path / "missing.gallery", must_exist=True)
    assert (foreign.read_bytes(), database.read_bytes()) == before
    assert {one.name for one in tmp_path.iterdir()} == {"notes.txt", "other.db"}


@pytest.mark.parametrize("place", [0.2, 0.5, 0.9])
def test_a_damaged_file_is_refused(tmp_path: Path, place: float) -> None:
    path = tmp_path / "people.gallery"
    filled(path, 30)
    content = bytearray(path.read_bytes())
    start = max(100, int(place * len(content)))
    content[start : start + 4096] = b"\xa5" * len(content[start : start + 4096])
    path.write_bytes(content)
    refused(path, "damaged")


def test_a_gallery_of_another_version_model_or_setting_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "people.gallery"
    filled(path)
    refused(path, "holds embeddings of the model 'of a test'", space=EmbeddingSpace(SPACE.layout, "other", "1" * 64))
    refused(path, "holds embeddings", space=EmbeddingSpace(EmbeddingLayout(16, 2, 5), SPACE.model, SPACE.sha256))
    refused(path, r"association\.exemplars = 3, the settings say 4", CONFIG.model_copy(update={"exemplars": 4}))
    refused(path, r"association\.global_weight", CONFIG.model_copy(update={"global_weight": 0.4}))
    with sqlite3.connect(path) as file:
        file.execute("PRAGMA user_version = 2")
    file.close()
    refused(path, "version 2")


def test_a_gallery_in_use_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "people.gallery"
    filled(path)
    with GalleryStore(path, CONFIG, SPACE):
        refused(path, "in use by another process")
    GalleryStore(path, CONFIG, SPACE).close()


def test_settings_name_the_gallery(tmp_path: Path) -> None:
    path = tmp_path / "people.gallery"
    associator = open_associator(CONFIG.model_copy(update={"gallery": str(path)}), SPACE.layout, "of a test", "0" * 64)
    assert isinstance(associator, StoredAssociator)
    associator.close()
    assert not isinstance(open_associator(CONFIG, SPACE.layout, "of a test", "0" * 64), StoredAssociator)


def killed(path: Path, after: int) -> list[str]:
    """Lines that a run printed until it was killed, at some moment after so many of them."""
    command = [sys.executable, "-m", "tests.association.killed_run", str(path), str(UPDATES)]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line.strip())
            if len(lines) == after:
                process.kill()
        return [line for line in lines if line]


def check_killed(path: Path, seed: int) -> None:
    said: dict[int, int] = {}
    lines: list[str] = []
    for after in (random.Random(seed).randint(1, UPDATES - 1), UPDATES):
        lines = killed(path, after)
        assert len(lines) >= after
        for line in lines:
            for word in line.split()[1:]:
                person, identity = (int(number) for number in word.split("="))
                # Nobody that was acknowledged is missing, and nobody is known twice.
                assert said.setdefault(person, identity) == identity
    assert lines[-1].split()[0] == str(UPDATES - 1)
    with GalleryStore(path) as store:
        known = {one.identity_id for one in store.gallery.identities()}
        assert set(said.values()) == known
        assert len(said) == len(known) == PEOPLE
        assert store.gallery.state.next_id == max(known) + 1
        assert len(store.runs()) == 2


@pytest.mark.parametrize("seed", range(5))
def test_whatever_moment_it_is_killed_at_nothing_acknowledged_is_lost_and_nobody_is_doubled(
    tmp_path: Path, seed: int
) -> None:
    check_killed(tmp_path / "people.gallery", seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 150))
def test_fifty_kills(tmp_path: Path, seed: int) -> None:
    check_killed(tmp_path / "people.gallery", seed)
