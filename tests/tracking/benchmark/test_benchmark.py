"""BoxMOT's own evaluation of networks, end to end on painted people."""

from __future__ import annotations

import json
import tempfile
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from keyreid_stream.errors import ConfigError, InputError
from keyreid_stream.evaluation.scores import RunScores
from keyreid_stream.evaluation.tracking import score_run
from keyreid_stream.structures import Detections, FloatArray, ImageArray
from keyreid_stream.tracking.benchmark import Benchmark, PublicBoxes, TrueBoxes, find_sequences, record_text
from keyreid_stream.tracking.benchmark.build import materialise
from keyreid_stream.tracking.benchmark.evaluation import MATCHES_APPEARANCE, evaluate_build
from keyreid_stream.tracking.benchmark.people import RememberedDetections
from keyreid_stream.tracking.benchmark.record import Row
from tests.tracking.benchmark.recordings import EdgeEncoder, blind, edge_colours, keyreid, other, record, swap, walk


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    record(folder, "swap", swap(), public=True)
    record(folder, "walk", walk(), public=True)
    return folder


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary files go."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def benchmark(data: Path, tracker: str = "deepocsort", **settings: Any) -> Benchmark:
    sequences = find_sequences(data)
    return Benchmark(sequences, TrueBoxes(sequences, 0), tracker, **settings)


def test_who_looks_at_people_is_told_from_who_does_not(data: Path, scratch: Path) -> None:
    said: list[str] = []
    entrants = [keyreid(), other(), other(blind, "onnx:blind.onnx")]
    record = benchmark(data, progress=said.append).run(entrants, command="keyreid eval boxmot")
    assert [(row.name, row.clips) for row in record.rows] == [
        ("keyreid:edge", False),
        ("keyreid:edge", True),
        ("onnx:other.onnx", False),
        ("onnx:blind.onnx", False),
    ]
    assert [row.sequences["swap"].idsw for row in record.rows] == [0, 0, 0, 2]
    assert [row.sequences["swap"].assa > 0.99 for row in record.rows] == [True, True, True, False]
    for row in record.rows:
        assert list(row.sequences) == ["swap", "walk"]
        assert row.sequences["walk"].idsw == 0
        assert row.combined.truth_boxes == 2 * 12 + 2 * 10 + 7
        assert row.combined.idsw == sum(one.idsw for one in row.sequences.values())
    assert (record.frames, record.boxes, record.keypoints) == (22, 51, False)
    assert record.options["use_embeddings"]
    assert record.versions["boxmot"].startswith("25.")
    assert any("by clips" in words for words in said)
    assert list(scratch.iterdir()) == []


def test_the_record_is_a_file_for_machines(data: Path) -> None:
    content = json.loads(record_text(benchmark(data).run([other()], command="keyreid eval boxmot …")))
    assert content["schema"] == "keyreid.boxmot-benchmark/1"
    assert content["command"] == "keyreid eval boxmot …"
    assert content["detections"] == "truth, people seen at least 0 %"
    assert content["rows"][0]["sha256"] == "b" * 64
    assert 0 <= content["rows"][0]["combined"]["hota"] <= 1
    assert len(content["data_sha256"]) == 64


@pytest.mark.parametrize("tracker", MATCHES_APPEARANCE)
def test_every_tracker_that_looks_at_people(data: Path, tracker: str, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    record = benchmark(data, tracker, keep_tracks=kept).run([keyreid(), other(blind, "onnx:blind.onnx")])
    assert [row.sequences["swap"].idsw for row in record.rows] == [0, 0, 2]
    assert [row.sequences["walk"].idsw for row in record.rows] == [0, 0, 0]
    folders = ("1-keyreid-edge-crops", "2-keyreid-edge-clips", "3-onnx-blind.onnx-crops")
    for row, folder in zip(record.rows, folders, strict=True):
        _assert_as_our_own(row, score_run(kept / folder, data, min_visibility=0))


def _assert_as_our_own(row: Row, ours: RunScores) -> None:
    for name, figures in row.sequences.items():
        camera = ours.cameras[name]
        for share in ("hota", "deta", "assa", "idf1", "mota"):
            assert getattr(figures, share) == pytest.approx(getattr(camera, share), abs=1e-6)
        assert (figures.idsw, figures.fp, figures.fn) == (camera.idsw, camera.fp, camera.fn)


def test_scores_do_not_depend_on_where_they_are_made(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """StrongSORT shows tracks earlier where this is set."""
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    here = benchmark(data, "strongsort").run([other()])
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    assert benchmark(data, "strongsort").run([other()]).rows == here.rows


@pytest.mark.slow
def test_figures_are_those_of_boxmots_own_command(data: Path, tmp_path: Path) -> None:
    from boxmot.engine.eval.evaluator import run_eval

    sequences = find_sequences(data)
    dataset = sequences.write_dataset(tmp_path)
    catalog = sequences.catalog(dataset)
    detector = RememberedDetections(TrueBoxes(sequences, 0))
    build, _ = materialise(catalog, catalog.samples, detector, "truth", other(), tmp_path / "builds")
    combined, _ = evaluate_build(build, sequences, dataset, "deepocsort", tmp_path / "tracks")
    arguments = Namespace(
        dataset=str(dataset), data_root=str(sequences.data_root), build=str(build), tracker="deepocsort",
        project=str(tmp_path / "runs"),
    )  # fmt: skip
    summary = run_eval(arguments).summary
    assert summary["HOTA"] == pytest.approx(100 * combined.hota)
    assert summary["IDF1"] == pytest.approx(100 * combined.idf1)
    assert summary["MOTA"] == pytest.approx(100 * combined.mota)


def test_every_network_gets_the_same_boxes_found_once(data: Path) -> None:
    asked: list[tuple[str, int]] = []
    sequences = find_sequences(data)
    true = TrueBoxes(sequences, 0)

    class Counting:
        words = "counting"

        def find(self, sequence: str, frame: int, boxmot_frame: Any) -> Detections:
            asked.append((sequence, frame))
            return true.find(sequence, frame, boxmot_frame)

    seen: list[int] = []

    def embed(pictures: Sequence[ImageArray]) -> FloatArray:
        seen.append(len(pictures))
        return edge_colours(pictures)

    Benchmark(sequences, Counting(), "botsort").run([other(embed), other(embed, "onnx:twin.onnx")])
    assert sorted(asked) == [("swap", n) for n in range(1, 13)] + [("walk", n) for n in range(1, 11)]
    # Each network is tried on one picture for its width.
    assert sum(seen) == 2 * (1 + 51)


def test_keypoints_reach_crops_in_the_build_and_in_clips(data: Path) -> None:
    sequences = find_sequences(data)
    true = TrueBoxes(sequences, 0)
    poses: list[FloatArray] = []

    class Posing:
        words = "posing"

        def find(self, sequence: str, frame: int, boxmot_frame: Any) -> Detections:
            found = true.find(sequence, frame, boxmot_frame)
            middle = (found.boxes_xyxy[:, :2] + found.boxes_xyxy[:, 2:]) / 2
            points = np.ones((len(found), 17, 3), np.float32)
            points[..., :2] = middle[:, None]
            poses.append(points)
            return Detections(found.boxes_xyxy, found.confidence, points)

    encoder = EdgeEncoder()
    record = Benchmark(sequences, Posing(), "botsort").run([keyreid(encoder)])
    assert record.keypoints
    assert sum(map(len, poses)) == 51
    weights = [one for one in encoder.part_weights if len(one)]
    assert sum(map(len, weights)) == 2 * 51, "once for the build, once for the clips"
    assert all((one < 1).any() for one in weights), "nobody's whole body counted for every part"


def test_without_keypoints_the_whole_body_counts(data: Path) -> None:
    encoder = EdgeEncoder()
    assert not benchmark(data).run([keyreid(encoder)]).keypoints
    assert all((one == 1).all() for one in encoder.part_weights)


def test_public_detections(data: Path) -> None:
    sequences = find_sequences(data, ("walk",))
    record = Benchmark(sequences, PublicBoxes(sequences), "deepocsort").run([other()])
    assert (record.frames, record.boxes) == (10, 27)
    assert list(record.rows[0].sequences) == ["walk"]
    assert record.rows[0].combined.truth_boxes == 27


def test_nobody_found_is_a_score_of_nothing(data: Path) -> None:
    for name in ("swap", "walk"):
        (data / name / "det" / "det.txt").write_text("")
    sequences = find_sequences(data)
    record = Benchmark(sequences, PublicBoxes(sequences), "deepocsort").run([keyreid()])
    for row in record.rows:
        assert (row.combined.hota, row.combined.fn, row.combined.result_boxes) == (0, 51, 0)


@pytest.mark.parametrize("value", [np.nan, 0.0])
def test_a_network_without_sense_is_refused_and_nothing_stays(data: Path, scratch: Path, value: float) -> None:
    def broken(pictures: Sequence[ImageArray]) -> FloatArray:
        return np.full((len(pictures), 3), value, np.float32)

    with pytest.raises(InputError, match=r"onnx:other.onnx gave an appearance that is zero or not finite"):
        benchmark(data).run([other(broken)])
    assert list(scratch.iterdir()) == []


def test_trackers_that_do_not_look_are_refused(data: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"'bytetrack' matches by boxes only; choose .*: botsort, strongsort, deepocs"
    ):
        benchmark(data, "bytetrack")
    with pytest.raises(ConfigError, match="'sort' is no tracker"):
        benchmark(data, "sort")


def test_tracks_are_not_put_among_others(data: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "mine.txt").write_text("")
    with pytest.raises(InputError, match="is not empty; give another folder"):
        benchmark(data, keep_tracks=kept)
