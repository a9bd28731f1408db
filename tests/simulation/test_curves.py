from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from keyreid_stream.cli.main import main
from keyreid_stream.simulation.baselines import ThresholdAssociator
from keyreid_stream.simulation.curves import curves_json, scene_curves
from keyreid_stream.simulation.trial import FIRST_SEED, METHODS, TUNING_SEEDS, TrialConfig
from tests.world.small_worlds import yard_toml


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("scene") / "yard.toml"
    path.write_text(yard_toml())
    return str(path)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


def test_worlds_that_count_are_not_those_of_tuning() -> None:
    assert not set(TUNING_SEEDS) & set(range(FIRST_SEED, FIRST_SEED + 100))


def test_curves_of_a_scene(scene: str, cache: Path) -> None:
    config = TrialConfig(scene=scene, seconds=20)
    curves = scene_curves(config, lambda: ThresholdAssociator(0.999), error_rates=(0.3, 0.0), seeds=2, cache=cache)
    assert [point.level.error_rate for point in curves.points] == [0, 0.3]
    calm, wild = curves.points
    assert calm.level.noise == 0
    assert calm.measured_error_rate == 0
    # Nothing is uncertain without noise: whatever a track shows, hindsight and the best threshold know it.
    assert calm.idf1["offline"] > 0.97
    assert calm.idf1["threshold"] > 0.97
    assert wild.measured_error_rate > 0.1
    assert wild.idf1["threshold"] < calm.idf1["threshold"]
    assert wild.idf1["engine, revised"] < 0.8  # every track is somebody new
    assert all(point.idf1["whole tracks"] == 1 for point in curves.points)
    assert all(set(point.idf1) == set(METHODS) for point in curves.points)
    assert (wild.corrected_share, wild.corrected_after_s) == (0, None)
    figures = json.loads(curves_json([curves]))
    assert figures["scenes"][0]["points"][1]["idf1"]["offline"] == wild.idf1["offline"]
    assert curves_json([curves]) == curves_json(
        [scene_curves(config, lambda: ThresholdAssociator(0.999), error_rates=(0.3, 0.0), seeds=2, cache=cache)]
    )


def test_the_command_prints_a_table_and_writes_figures_and_a_plot(
    scene: str, cache: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "judged"
    words = ["eval", "association", "--scene", scene, "--out", str(out), "--seeds", "1", "--seconds", "20"]
    assert main([*words, "--error-rate", "0.1", "--look-alikes", "--swaps", "0.5", "--cache", str(cache)]) == 0
    printed, errors = capfd.readouterr()
    assert errors == ""
    assert "yard, look-alikes: global IDF1 in percent, mean of 1 worlds" in printed
    figures = json.loads((out / "association.json").read_text())
    (curves,) = figures["scenes"]
    assert curves["config"]["swap_rate"] == 0.5
    assert curves["name"] == "yard, look-alikes"
    cells = [cell.strip() for line in printed.splitlines() if "│" in line for cell in line.split("│")[1:-1]]
    assert [f"{100 * score:.1f}" for score in curves["points"][0]["idf1"].values()] == cells[2 : 2 + len(METHODS)]
    picture = (out / "yard-look-alikes.png").read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert not (out / "cache").exists()


def test_an_unknown_scene_is_named(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["eval", "association", "--scene", "nowhere", "--out", str(tmp_path)]) != 0
    assert "no scene 'nowhere'" in capfd.readouterr().err


def test_an_error_rate_that_cannot_be_had_is_refused(
    scene: str, cache: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    words = ["eval", "association", "--scene", scene, "--out", str(tmp_path), "--seconds", "20", "--seeds", "1"]
    assert main([*words, "--cache", str(cache), "--error-rate", "0.99"]) != 0
    assert "gives an error rate of 0.99" in capfd.readouterr().err


def test_scores_are_shares(scene: str, cache: Path) -> None:
    config = TrialConfig(scene=scene, seconds=20, floor_error_m=0.3)
    curves = scene_curves(config, lambda: ThresholdAssociator(0.5), error_rates=(0.2,), seeds=1, cache=cache)
    assert all(0 <= value <= 1 for value in curves.points[0].idf1.values())
    assert np.isclose(
        curves.points[0].worst_gain, curves.points[0].idf1["engine, revised"] - curves.points[0].idf1["threshold"]
    )
