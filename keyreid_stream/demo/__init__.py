"""The demo: a world is drawn, filmed, put through the whole pipeline, scored against its truth and reported on."""

from keyreid_stream.demo.config import DemoConfig, demo_config
from keyreid_stream.demo.demo import Demo, DemoResult
from keyreid_stream.demo.weights import chosen_pose, chosen_reid

__all__ = ["Demo", "DemoConfig", "DemoResult", "chosen_pose", "chosen_reid", "demo_config"]
