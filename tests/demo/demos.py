"""Demos without any weights: a small world, the truth for a detector and tracker, fake encoders."""

from __future__ import annotations

from pathlib import Path

from keyreid_stream.config import deployment
from keyreid_stream.demo import Demo, DemoConfig
from keyreid_stream.fakes import FakeClipHead, FakeFrameEncoder
from keyreid_stream.pipeline import Pipeline
from keyreid_stream.world.address import open_world
from tests.world.small_worlds import yard_toml

ORACLES = ("detections", "keypoints", "tracks", "identities")


def yard_config(folder: Path, seconds: float = 3.0, seed: int = 6) -> DemoConfig:
    """Settings of the small world with two cameras, its scene written to a file.

    Pictures are large enough for everybody in them to have the pixels that a detection needs.
    """
    folder.mkdir(parents=True, exist_ok=True)
    scene = folder / "yard.toml"
    text = yard_toml().replace("width = 128\nheight = 96", "width = 256\nheight = 192")
    scene.write_text(text.replace("width = 96\nheight = 72", "width = 192\nheight = 144"), encoding="utf-8")
    return DemoConfig(scene=str(scene), seconds=seconds, seed=seed)


def oracle_demo(config: DemoConfig, out: Path, *, overwrite: bool = False) -> Demo:
    """A demo whose every stage is the truth, so that its scores must be perfect."""
    settings = deployment({"sources": {"cameras": [config.address]}, "oracle": list(ORACLES)})
    cameras = open_world(config.address, keep_truth=True)
    encoders = (FakeFrameEncoder(), FakeClipHead())
    pipeline = Pipeline.from_config(settings, sources=cameras, encoders=encoders)
    return Demo(config, pipeline, cameras, out, settings=settings, overwrite=overwrite)
