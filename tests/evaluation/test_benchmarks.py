"""Benchmarks' own rules: against TrackEval with its folders, sequence maps and preprocessing, and worked by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from trackeval.datasets import MotChallenge2DBox
from trackeval.metrics import CLEAR, HOTA, Identity

from keyreid_stream.errors import InputError
from keyreid_stream.evaluation import score_run
from keyreid_stream.evaluation.benchmarks import BENCHMARKS, benchmark_named, read_sequence_map
from tests.evaluation.scenes import HERE, THERE, badly_tracked, track, wanderers, write_results, write_truth
from tests.evaluation.test_trackeval_metrics import FRAMES, assert_agrees, random_marks

QUIET = {"PRINT_CONFIG": False}


def reference(folder: Path, benchmark: str, names: list[str]) -> dict[str, dict[str, Any]]:
    """TrackEval's scores of each sequence and, as `all`, of all combined; lengths and names are from its own reading
    of seqinfo.ini and the sequence map."""
    dataset = MotChallenge2DBox(
        {
            "GT_FOLDER": str(folder / "truth"),
            "TRACKERS_FOLDER": str(folder),
            "TRACKERS_TO_EVAL": ["tracks"],
            "TRACKER_SUB_FOLDER": "",
            "SKIP_SPLIT_FOL": True,
            "BENCHMARK": benchmark.upper(),
            "SEQMAP_FILE": str(folder / "seqmap.txt"),
            **QUIET,
        }
    )
    assert sorted(dataset.seq_list) == names
    data = {
        name: dataset.get_preprocessed_seq_data(dataset.get_raw_seq_data("tracks", name), "pedestrian")
        for name in names
    }
    counts = ("num_gt_dets", "num_tracker_dets", "num_gt_ids", "num_tracker_ids")
    found: dict[str, dict[str, Any]] = {name: {key: data[name][key] for key in counts} for name in names}
    found["all"] = {key: sum(data[name][key] for name in names) for key in counts}
    for metric in (HOTA(), CLEAR(QUIET), Identity(QUIET)):
        parts = {name: metric.eval_sequence(data[name]) for name in names}
        for name in names:
            found[name] |= parts[name]
        found["all"] |= metric.combine_sequences(parts)
    return found


@pytest.mark.parametrize("benchmark", BENCHMARKS)
@pytest.mark.parametrize("seed", range(3))
def test_agreement_with_trackeval_run_on_the_whole_benchmark(tmp_path: Path, benchmark: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    names = ["seq-01", "seq-02", "seq-03"]
    for name in [*names, "not-meant"]:
        truth = wanderers(rng, people=8)
        write_truth(tmp_path / "truth" / name / "gt" / "gt.txt", truth, random_marks(rng, truth))
        (tmp_path / "truth" / name / "seqinfo.ini").write_text(f"[Sequence]\nname={name}\nseqLength={FRAMES}\n")
        write_results(tmp_path / "tracks" / f"{name}.txt", badly_tracked(rng, truth))
    (tmp_path / "seqmap.txt").write_text("\n".join(["name", *names, ""]))
    scores = score_run(
        tmp_path / "tracks",
        tmp_path / "truth",
        min_visibility=0,
        benchmark=BENCHMARKS[benchmark],
        sequences=read_sequence_map(tmp_path / "seqmap.txt"),
    )
    expected = reference(tmp_path, benchmark, names)
    assert list(scores.cameras) == names
    for name in names:
        assert_agrees(scores.cameras[name], expected[name])
    assert_agrees(scores.together, expected["all"])


@pytest.mark.parametrize(("benchmark", "false"), [("mot16", 4), ("mot17", 4), ("dancetrack", 4), ("mot20", 0)])
def test_a_pram_may_be_found_in_mot20_only(tmp_path: Path, benchmark: str, false: int) -> None:
    rows = track(1, range(1, 5), HERE) + track(2, range(1, 5), THERE)
    write_truth(tmp_path / "truth" / "a" / "gt" / "gt.txt", rows, [(1, 1, 1.0)] * 4 + [(0, 6, 1.0)] * 4)
    write_results(tmp_path / "tracks" / "a.txt", rows)
    scores = score_run(tmp_path / "tracks", tmp_path / "truth", benchmark=BENCHMARKS[benchmark]).together
    assert (scores.tp, scores.fn, scores.fp) == (4, 0, false)


@pytest.mark.parametrize("kind", [2, 7, 8, 12])
def test_what_resembles_walkers_may_be_found_everywhere(tmp_path: Path, kind: int) -> None:
    rows = track(1, range(1, 5), HERE) + track(2, range(1, 5), THERE)
    write_truth(tmp_path / "truth" / "a.txt", rows, [(1, 1, 1.0)] * 4 + [(0, kind, 1.0)] * 4)
    write_results(tmp_path / "tracks" / "a.txt", rows)
    for benchmark in BENCHMARKS.values():
        assert score_run(tmp_path / "tracks", tmp_path / "truth", benchmark=benchmark).together.fp == 0


def test_a_sequence_without_results_is_missed_whole(tmp_path: Path) -> None:
    """Both have a person 1, and they are two people: half of what is to be found is."""
    for name in "ab":
        write_truth(tmp_path / "truth" / name / "gt" / "gt.txt", track(1, range(1, 5)))
    write_results(tmp_path / "tracks" / "a.txt", track(1, range(1, 5)))
    scores = score_run(tmp_path / "tracks", tmp_path / "truth", benchmark=BENCHMARKS["mot17"])
    assert (scores.cameras["b"].hota, scores.cameras["b"].fn) == (0, 4)
    assert (scores.together.truth_ids, scores.together.idr, scores.together.mota) == (2, 0.5, 0.5)
    assert scores.together.assa == 1


def test_folders_that_are_not_meant_need_no_truth(tmp_path: Path) -> None:
    """Test splits lie beside, without gt/."""
    write_truth(tmp_path / "truth" / "a" / "gt" / "gt.txt", track(1, range(1, 5)))
    (tmp_path / "truth" / "b" / "img1").mkdir(parents=True)
    for name in "abc":
        write_results(tmp_path / "tracks" / f"{name}.txt", track(1, range(1, 5)))
    run = (tmp_path / "tracks", tmp_path / "truth")
    assert score_run(*run, sequences=["a"]).together.hota == 1
    with pytest.raises(InputError, match=r"b holds no gt/gt\.txt"):
        score_run(*run)
    with pytest.raises(InputError, match="has nothing of z; correct the sequence map"):
        score_run(*run, sequences=["a", "z"])


def test_results_of_no_sequence_that_is_meant(tmp_path: Path) -> None:
    write_truth(tmp_path / "truth" / "a" / "gt" / "gt.txt", track(1, range(1, 5)))
    write_results(tmp_path / "tracks" / "a-FRCNN.txt", track(1, range(1, 5)))
    with pytest.raises(InputError, match="results of none of a; name files after them"):
        score_run(tmp_path / "tracks", tmp_path / "truth", sequences=["a"])


def test_truth_after_the_end_of_its_sequence(tmp_path: Path) -> None:
    write_truth(tmp_path / "truth" / "a" / "gt" / "gt.txt", track(1, range(1, 5)))
    (tmp_path / "truth" / "a" / "seqinfo.ini").write_text("[Sequence]\nname=a\nseqLength=3\n")
    write_results(tmp_path / "tracks" / "a.txt", [])
    with pytest.raises(InputError, match=r"gt\.txt, line 4 has frame 4; allowed: 1 to 3"):
        score_run(tmp_path / "tracks", tmp_path / "truth")


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (f"0,1,{'10,' * 4}1", "frame 0; allowed: whole numbers from 1"),
        (f"1,1,{'10,' * 4}1\n1,1,{'10,' * 4}1", "id 1 for the second time in frame 1"),
        (f"1,1,nan,{'10,' * 3}1", "allowed: only finite numbers"),
        (f"1,-1,{'10,' * 4}1", "id -1; allowed: whole numbers from 0"),
    ],
)
def test_wrong_results_never_score(tmp_path: Path, row: str, told: str) -> None:
    write_truth(tmp_path / "truth" / "a.txt", track(1, range(1, 5)))
    write_results(tmp_path / "tracks" / "a.txt", [])
    (tmp_path / "tracks" / "a.txt").write_text(f"{row}\n")
    with pytest.raises(InputError, match=told):
        score_run(tmp_path / "tracks", tmp_path / "truth", benchmark=BENCHMARKS["mot17"])


def test_names() -> None:
    assert benchmark_named("MOT20") is BENCHMARKS["mot20"]
    assert benchmark_named("DanceTrack").name == "dancetrack"
    with pytest.raises(InputError, match="benchmark 'mot15' is not known; give mot16, mot17, mot20, dancetrack"):
        benchmark_named("mot15")


@pytest.mark.parametrize("text", ["name\nb\na\n", "b\na", "\nname\n\n  b\r\na  \n"])
def test_a_sequence_map(tmp_path: Path, text: str) -> None:
    (tmp_path / "map.txt").write_text(text)
    assert read_sequence_map(tmp_path / "map.txt") == ("b", "a")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"", "names no sequence"),
        (b"name\n", "names no sequence"),
        (b"a\nb\na\n", "names a more than once"),
        (b"../a\n", "'../a', which is no sequence's folder"),
        (b"train\\a\n", "no sequence's folder"),
        (b"\xff\xfe", "cannot be read as text"),
    ],
)
def test_a_damaged_sequence_map(tmp_path: Path, text: bytes, told: str) -> None:
    (tmp_path / "map.txt").write_bytes(text)
    with pytest.raises(InputError, match=told.replace("..", r"\.\.")):
        read_sequence_map(tmp_path / "map.txt")
