"""What a run kept of people besides its events."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from keyreid_demos.people import Person, Sighting
from keyreid_demos.run_evidence import decisions_about, parts_seen, ways_of, ways_on_floor
from keyreid_stream.association.config import AssociationConfig
from keyreid_stream.association.exemplars import Exemplar
from keyreid_stream.association.gallery import Gallery
from keyreid_stream.association.similarity import Signatures
from keyreid_stream.errors import InputError
from keyreid_stream.models.parts import PART_NAMES
from keyreid_stream.structures import TrackKey
from tests.demos.runs import make_run

DOOR = TrackKey("door", 1)


def table(folder: Path, rows: list[tuple[str, int, int, float, float | None, float | None]]) -> None:
    names = ("camera_id", "track_id", "frame_index", "timestamp_s", "floor_x_m", "floor_y_m")
    columns = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
    folder.mkdir(exist_ok=True)
    pq.write_table(pa.table(columns), folder / "sightings.parquet")


def person(*spans: tuple[float, float]) -> Person:
    sightings = tuple(Sighting(DOOR, round(10 * first), 1, first, last, None) for first, last in spans)
    return Person(1, "", sightings, frozenset({1}))


def walk(first_s: float, count: int, x: float) -> list[tuple[str, int, int, float, float | None, float | None]]:
    return [("door", 1, round(10 * first_s) + i, first_s + i / 10, x + i / 10, 0.0) for i in range(count)]


def test_a_way_is_in_pieces_where_nobody_was_seen_or_a_box_jumped(tmp_path: Path) -> None:
    table(tmp_path, [*walk(0.0, 10, 0.0), *walk(5.0, 10, 1.0), *walk(6.0, 10, 50.0)])
    pieces = ways_of(person((0.0, 9.0)), ways_on_floor(tmp_path))
    assert [len(piece) for piece in pieces] == [10, 10, 10]
    assert pieces[2][:, 0].min() > 49


def test_only_what_is_theirs_counts_and_unknown_places_do_not(tmp_path: Path) -> None:
    table(tmp_path, [*walk(0.0, 10, 0.0), ("door", 1, 10, 1.0, None, None), ("hall", 2, 0, 0.5, 9.0, 9.0)])
    ways = ways_on_floor(tmp_path)
    (piece,) = ways_of(person((0.0, 0.5)), ways)
    assert len(piece) == 6
    assert (np.diff(piece[:, 0]) >= 0).all()
    assert set(ways) == {DOOR, TrackKey("hall", 2)}


def test_a_run_without_a_table_has_no_ways_and_a_damaged_one_is_told(tmp_path: Path) -> None:
    assert ways_on_floor(tmp_path) == {}
    (tmp_path / "sightings.parquet").write_bytes(b"PAR1 and then nothing")
    with pytest.raises(InputError, match="damaged; make the run again"):
        ways_on_floor(tmp_path)


def test_a_run_without_decisions_has_no_reasons(tmp_path: Path) -> None:
    assert decisions_about(make_run(tmp_path / "run"), person((0.0, 1.0))) == []


def test_visibilities_are_means_over_views_under_the_parts_names() -> None:
    gallery = Gallery(AssociationConfig())
    gallery.found(0.0)
    for seed, shown in enumerate((0.2, 0.6)):
        vectors = np.random.default_rng(seed).standard_normal((1, 12)).astype(np.float32)
        rows = Signatures(vectors, np.full((1, 6), shown, np.float32))
        gallery.add_exemplar(1, Exemplar(rows, "ab"[seed], 1, 0.0, 1.0))
    seen, views = parts_seen(gallery, 1)
    assert views == 2
    assert [name for name, _ in seen] == list(PART_NAMES)
    assert [share for _, share in seen] == pytest.approx([0.4] * 6, abs=1e-3)
    assert parts_seen(gallery, 9) == ((), 0)
