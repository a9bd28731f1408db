"""`keyreid eval boxmot`, run as users run it, on painted people."""

from __future__ import annotations

import datetime
import json
from pathlib import Path

import pytest

from keyreid_stream.cli.main import main
from keyreid_stream.models.weights import Provenance, save_weights
from tests.models.small_models import small_model
from tests.tracking.benchmark.recordings import record, swap, walk


@pytest.fixture(autouse=True)
def boxmots_own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    record(tmp_path / "data", "swap", swap(6))
    record(tmp_path / "data", "walk", walk(6))
    return tmp_path / "data"


@pytest.fixture
def weights(tmp_path: Path) -> str:
    model = small_model(frames=2)
    path = tmp_path / "small.safetensors"
    provenance = Provenance(source="test", created=datetime.date(2026, 1, 1), trained=True)
    save_weights(path, model.config, model.state_dict(), provenance)
    return str(path)


def test_a_table_a_record_and_tracks(data: Path, weights: str, capsys: pytest.CaptureFixture[str]) -> None:
    out, tracks = data.parent / "r.json", data.parent / "tracks"
    network = f"keyreid:{weights}"
    arguments = ["eval", "boxmot", "--data", str(data), "--embedder", network, "--baseline", network, "--device", "cpu"]
    chosen = ["--tracker", "BotSort", "--sequence", "walk", "--out", str(out), "--min-visibility", "0"]
    assert main([*arguments, *chosen]) == 0
    said = capsys.readouterr()
    for expected in (
        "6 frames, 15 boxes (truth, people seen",
        "single crops",
        "clips, written back",
        "HOTA",
    ):
        assert expected in " ".join(said.out.split())
    assert "tracks match by clips" in said.err
    record = json.loads(out.read_text())
    assert record["tracker"] == "botsort"
    assert [row["clips"] for row in record["rows"]] == [False, True, False, True]
    assert record["rows"][0]["combined"] == record["rows"][2]["combined"]
    assert list(record["rows"][0]["sequences"]) == ["walk"]
    assert main(["eval", "boxmot", "--data", str(data), "--embedder", network, "--baseline", network,
                 "--sequence", "walk", "--tracks", str(tracks)]) == 0  # fmt: skip
    assert main(["eval", "track", "--results", str(tracks / "4-keyreid-small.safetensors-clips"),
                 "--truth", str(data)]) == 0  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--tracker", "bytetrack"], "'bytetrack' matches by boxes only; choose one that looks at people: botsort"),
        (["--detections", "yolo"], "--detections 'yolo' is unknown; give truth, public or pose:WEIGHTS"),
        (["--detections", "public"], "no public detections"),
        (["--detections", "pose:nowhere.pt"], "nowhere.pt"),
        (["--imgsz", "640"], "--imgsz is the detector's, but boxes come from 'truth'"),
        (["--sequence", "stairs"], "no sequence 'stairs' with truth in"),
        (["--embedder", "resnet"], "unknown embedder 'resnet'; give one of: keyreid:WEIGHTS, onnx:FILE, boxmot:NAME"),
        (["--baseline", "onnx:nowhere.onnx"], "nowhere.onnx"),
        (["--device", "abacus"], "device"),
        ([], "no re-ID model 'osnet_x0_25_msmt17.pt' here or in BoxMOT's folder of weights; get it from http"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    data: Path, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["eval", "boxmot", "--data", str(data), *arguments]) == 2
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("keyreid:")]
    assert len(said) == 1
    assert message in said[0]


def test_missing_data(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["eval", "boxmot", "--data", str(tmp_path / "MOT17")]) == 2
    assert "MOT17 does not exist; give one in MOTChallenge's layout: SEQUENCE/img1" in capsys.readouterr().err
