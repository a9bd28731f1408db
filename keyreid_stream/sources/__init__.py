"""Where frames come from: video files and image folders, merged by time, and live cameras, asked for their newest.

Every source gives RGB frames with timestamps that increase: from 0 for files, unix seconds for live cameras.
"""

from keyreid_stream.sources.config import SourcesConfig
from keyreid_stream.sources.image_folder import ImageFolderSource
from keyreid_stream.sources.live_merge import LiveMerge
from keyreid_stream.sources.merge import merge
from keyreid_stream.sources.open import open_source, open_sources
from keyreid_stream.sources.video_file import VideoFileSource

__all__ = ["ImageFolderSource", "LiveMerge", "SourcesConfig", "VideoFileSource", "merge", "open_source", "open_sources"]
