"""Recorded runs that tell other systems: what arrives, what is reported, and that no secret is."""

from __future__ import annotations

import json
import logging
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from keyreid_stream.association import AssociationConfig, OnlineAssociator
from keyreid_stream.config import DeploymentConfig, deployment
from keyreid_stream.errors import ConfigError, InputError
from keyreid_stream.fakes import FakeClipHead, FakeDetector, FakeFrameEncoder, FakeSource, FakeTracker, Walker
from keyreid_stream.pipeline import Pipeline, Stages
from keyreid_stream.run import RecordedRun
from keyreid_stream.run_erasure import erase_from_run
from keyreid_stream.sinks import final_identities, read_events
from keyreid_stream.sinks.publish import PublishSink, Spool, WebhookConfig, make_publisher
from keyreid_stream.structures import Event, Tick
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
def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


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


def test_a_run_in_pieces(tmp_path: Path) -> None:
    output = {
        "rotate_minutes": 0.01,
        "keep_pieces": 0,
        "video": True,
        "parquet": True,
    }  # 0.6 s; the cameras run for 1.2 s
    RecordedRun(pipeline(), tmp_path / "run", deployment({"output": output})).record()
    found = {str(path.relative_to(tmp_path / "run")) for path in (tmp_path / "run").rglob("*") if path.is_file()}
    pieces = [
        (
            f"events-{n}.jsonl",
            f"tracks/{n}/a.txt",
            f"tracks/{n}/b.txt",
            *(f"videos/{n}/{v}.mp4" for v in ("a", "b", "mosaic")),
            f"sightings/{n}.parquet",
        )
        for n in ("000001", "000002")
    ]
    assert found == {"run.json", *pieces[0], *pieces[1]}
    RecordedRun(pipeline(), tmp_path / "again").record()
    whole = read_events(tmp_path / "again/events.jsonl")
    assert final_identities(read_events(tmp_path / "run/events.jsonl")) == final_identities(whole)
    RecordedRun(pipeline(), tmp_path / "run", deployment({"output": {"video": False}}), overwrite=True).record()
    assert {path.name for path in (tmp_path / "run").iterdir()} == {"events.jsonl", "tracks", "run.json"}


def test_somebody_is_erased_from_a_run_in_pieces(tmp_path: Path) -> None:
    output = {"rotate_minutes": 0.01, "keep_pieces": 1, "video": False}
    RecordedRun(pipeline(), tmp_path / "run", deployment({"output": output})).record()
    assert [path.name for path in (tmp_path / "run").glob("events*")] == ["events-000002.jsonl"]
    erased = erase_from_run(tmp_path / "run", {1})
    assert erased.rows > 0
    assert (tmp_path / "run/tracks/000002/a.txt").read_text() == ""
    assert {event.kind for event in read_events(tmp_path / "run/events-000002.jsonl")} == {"forgotten"}


def test_a_spool_in_use_is_told_before_an_earlier_run_is_replaced(tmp_path: Path) -> None:
    RecordedRun(pipeline(), tmp_path / "run").record()
    output = {"kind": "webhook", "url": "http://127.0.0.1:9", "spool": str(tmp_path / "kept.spool")}
    run = RecordedRun(pipeline(), tmp_path / "run", deployment({"output": {"publish": [output]}}), overwrite=True)
    with (
        Spool(tmp_path / "kept.spool", max_messages=9, max_bytes=10_000),
        pytest.raises(InputError, match="in use by another run"),
    ):
        run.record()
    assert (tmp_path / "run/videos/a.mp4").is_file()


@pytest.mark.slow
def test_a_receiver_that_is_away_for_a_minute_gets_everything_in_order(tmp_path: Path, free_port: int) -> None:
    """Two outputs, one whose spool holds the minute and one whose does not."""
    large = WebhookConfig(kind="webhook", url=f"http://127.0.0.1:{free_port}/hook", drain_s=40, timeout_s=5)
    small = large.model_copy(update={"spool_messages": 200})
    outputs = [
        PublishSink(name, make_publisher(config), config, tmp_path / f"{name}.spool", name)
        for name, config in (("large", large), ("small", small))
    ]
    web: WebReceiver | None = WebReceiver(free_port)
    told: list[dict[str, Any]] = []
    number, start = 0, time.monotonic()
    with outputs[0], outputs[1]:
        while (passed := time.monotonic() - start) < 100:
            if web is not None and 5 < passed < 65:
                web.close()
                told, web = [*told, *web.messages], None
            elif web is None and passed >= 65:
                web = WebReceiver(free_port)
            for output in outputs:
                output.write(Tick(number, passed, (), (Event("seen", number, passed, "gate", number),)))
            number += 1
            time.sleep(0.02)
    assert web is not None
    web.close()
    told += web.messages
    large_told = [one["number"] for one in told if one["run_id"] == "large"]
    assert list(dict.fromkeys(large_told)) == list(range(1, number + 1))
    assert (outputs[0].counts["waiting"], outputs[0].counts["dropped"]) == (0, 0)
    small_told = list({one["event_id"]: one for one in told if one["run_id"] == "small"}.values())
    gaps = [one for one in small_told if one["type"] == "gap"]
    accounted: list[int] = []
    for one in small_told:
        first = one["number"] if one["type"] == "event" else len(accounted) + 1
        accounted += range(first, first + one.get("dropped", 1))
    assert accounted == list(range(1, number + 1)), "every message is there, or counted in its place"
    assert sum(one["dropped"] for one in gaps) == outputs[1].counts["dropped"] > 1000
    # A batch that is just being tried does not give way, so there may be a gap on either side of it.
    assert len(gaps) <= 3
