"""Where frames come from: video files and image folders, merged by time.

Every source gives RGB frames with timestamps that start at 0 and increase. Live streams get their own source behind the
same `interfaces.Source`; until then `open_source` refuses their addresses.
"""

from keyreid_stream.sources.config import SourcesConfig
from keyreid_stream.sources.image_folder import ImageFolderSource
from keyreid_stream.sources.live_merge import LiveMerge
from keyreid_stream.sources.merge import merge
from keyreid_stream.sources.open import open_source, open_sources
from keyreid_stream.sources.video_file import VideoFileSource

__all__ = ["ImageFolderSource", "LiveMerge", "SourcesConfig", "VideoFileSource", "merge", "open_source", "open_sources"]
