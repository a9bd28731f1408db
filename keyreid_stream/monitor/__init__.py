"""A running run from outside: metrics, health and control over HTTP."""

from keyreid_stream.monitor.config import MonitorConfig
from keyreid_stream.monitor.control import CameraControl, CameraState
from keyreid_stream.monitor.metrics import RunMetrics
from keyreid_stream.monitor.server import MonitorServer

__all__ = ["CameraControl", "CameraState", "MonitorConfig", "MonitorServer", "RunMetrics"]
