"""Finding people and their keypoints."""

from keyreid_stream.pose.config import PoseConfig
from keyreid_stream.pose.ultralytics_pose import UltralyticsPose

__all__ = ["PoseConfig", "UltralyticsPose"]
