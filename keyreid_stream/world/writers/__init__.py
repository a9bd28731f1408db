"""Writers of truth: MOTChallenge, YOLO-pose labels, tracklet crops, calibration, tables.

Every writer of shots is a context manager; what it wrote is complete and readable after the `with` block, however that
ended, and until then nothing half-written carries its final name.
"""

from keyreid_stream.world.writers.calibration import write_calibration
from keyreid_stream.world.writers.crops import CropWriter
from keyreid_stream.world.writers.interface import ShotWriter
from keyreid_stream.world.writers.mot import MotTruthWriter
from keyreid_stream.world.writers.table import TableWriter
from keyreid_stream.world.writers.yolo_pose import YoloPoseWriter

__all__ = ["CropWriter", "MotTruthWriter", "ShotWriter", "TableWriter", "YoloPoseWriter", "write_calibration"]
