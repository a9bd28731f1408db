"""The demo: a world is drawn, filmed, put through the whole pipeline, scored against its truth and reported on."""

from keyreid_stream.demo.config import DemoConfig, demo_config
from keyreid_stream.demo.demo import Demo, DemoResult
from keyreid_stream.demo.weights import chosen_pose, reid_ingredient

__all__ = ["Demo", "DemoConfig", "DemoResult", "chosen_pose", "demo_config", "reid_ingredient"]
