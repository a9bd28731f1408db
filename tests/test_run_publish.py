"""Recorded runs that tell other systems: what arrives, what is reported, and that no secret is."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from keyreid_stream.association import AssociationConfig, OnlineAssociator
from keyreid_stream.config import DeploymentConfig, deployment
from keyreid_stream.errors import ConfigError
from keyreid_stream.fakes import FakeClipHead, FakeDetector, FakeFrameEncoder, FakeSource, FakeTracker, Walker
from keyreid_stream.pipeline import Pipeline, Stages
from keyreid_stream.run import RecordedRun
from tests.sinks.publish.receivers import WebReceiver

RED = Walker(colour=(200, 0, 0), start=(10, 20), step=(2, 0))
SECRET = "hunter2-of-the-hook"


def pipeline() -> Pipeline:
    stages = Stages(
        sources=[FakeSource("a", [RED], frame_count=12), FakeSource("b", [RED], frame_count=12)],
        detector=FakeDetector(),
        encoder=FakeFrameEncoder(),
        clip_head=FakeClipHead(),
        make_tracker=lambda _: FakeTracker(),
        associator=OnlineAssociator(AssociationConfig(threshold=0.9)),
    )
    return Pipeline(stages)


@pytest.fixture
def web() -> Iterator[WebReceiver]:
    receiver = WebReceiver()
    yield receiver
    receiver.close()


@pytest.fixture
def config(web: WebReceiver, monkeypatch: pytest.MonkeyPatch) -> DeploymentConfig:
    monkeypatch.setenv("HOOK_URL", f"{web.url}?token={SECRET}")
    monkeypatch.setenv("HOOK_TOKEN", SECRET)
    output = {"kind": "webhook", "url_env": "HOOK_URL", "token_env": "HOOK_TOKEN", "sightings_fps": 1000, "drain_s": 20}
    return deployment({"output": {"video": False, "publish": [output]}})


def test_events_arrive_as_they_stand_in_the_log(tmp_path: Path, web: WebReceiver, config: DeploymentConfig) -> None:
    run = RecordedRun(pipeline(), tmp_path / "run", config)
    run.record()
    log = [json.loads(line) for line in (tmp_path / "run/events.jsonl").read_text().splitlines()]
    told = [one for one in web.messages if one["type"] == "event"]
    assert [one["event"] for one in told] == log
    assert [one["number"] for one in told] == list(range(1, len(log) + 1))
    sightings = [one for one in web.messages if one["type"] == "sightings"]
    assert len(sightings) == 24
    assert {one["run_id"] for one in web.messages} == {run.run_id}
    assert {person["identity_id"] for one in sightings for person in one["people"]} == {None, 1}


def test_the_report_tells_how_it_went_and_no_secret(
    tmp_path: Path, web: WebReceiver, config: DeploymentConfig, caplog: pytest.LogCaptureFixture
) -> None:
    web.answers = [(503, {})]
    run = RecordedRun(pipeline(), tmp_path / "run", config)
    with caplog.at_level(logging.DEBUG):
        run.record()
    report = json.loads((tmp_path / "run/run.json").read_text())
    assert report["run_id"] == run.run_id
    assert report["publish"]["webhook"]["sent"] == len({one["event_id"] for one in web.messages})
    assert report["publish"]["webhook"]["waiting"] == 0
    assert report["settings"]["output"]["publish"][0]["token_env"] == "HOOK_TOKEN"
    assert "answered 503" in caplog.text
    own = "".join(record.getMessage() for record in caplog.records if record.name.startswith("keyreid_stream"))
    assert SECRET not in own
    for file in (tmp_path / "run").rglob("*"):
        assert file.is_dir() or SECRET.encode() not in file.read_bytes(), file
    assert any(headers["Authorization"] == f"Bearer {SECRET}" for headers, _ in web.requests)


def test_a_receiver_that_is_away_leaves_the_spool_for_the_next_run(
    tmp_path: Path, web: WebReceiver, config: DeploymentConfig
) -> None:
    web.answers = [(500, {})] * 1000
    first = RecordedRun(pipeline(), tmp_path / "run", config)
    first.record()
    assert json.loads((tmp_path / "run/run.json").read_text())["publish"]["webhook"]["waiting"] > 0
    web.answers.clear()
    web.requests.clear()
    second = RecordedRun(pipeline(), tmp_path / "run", config, overwrite=True)
    second.record()
    runs = [one["run_id"] for one in web.messages]
    assert set(runs) == {first.run_id, second.run_id}
    assert runs == sorted(runs, key=[first.run_id, second.run_id].index)


def test_a_secret_that_is_missing_is_told_before_anything_is_written(
    tmp_path: Path, config: DeploymentConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HOOK_TOKEN")
    with pytest.raises(ConfigError, match="token_env names HOOK_TOKEN"):
        RecordedRun(pipeline(), tmp_path / "run", config)
    assert not (tmp_path / "run").exists()
