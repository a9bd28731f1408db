"""A video file as one camera, decoded with PyAV."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import numpy as np
from av.container import InputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from keyreid_stream.errors import SourceError
from keyreid_stream.sources.timing import PresentationClock, RateLimit, checked_fps, with_following
from keyreid_stream.structures import Frame, ImageArray

_FALLBACK_FPS = 25.0
"""For the rare container that names no rate."""

_NOT_VIDEO_FORMATS = frozenset({"tty", "bin", "xbin", "adf", "idf", "ansi", "image2"})
"""What FFmpeg would gladly decode although nobody means it: text drawn as a terminal, and single pictures."""

_READ_FAILURES_IN_A_ROW = 16
"""A file that cannot be read on after this many attempts has ended."""


class VideoFileSource:
    """The frames of a video file, with the times at which they are to be shown.

    Damaged frames are counted in `corrupt_frames` and left out; decoding goes on after them. Missing and wrong times
    are repaired and counted in `repaired_timestamps` (see `PresentationClock`). A rotation noted in the file (phones)
    is applied. `frame_index` is the frame's place in the file, so damaged and thinned-out frames take a number too.

    Args:
        path: the file.
        camera_id: the camera's name; by default the file's stem.
        max_fps: give at most so many frames a second; None for all.

    Raises:
        SourceError: the file is missing, no video, or not one of its frames can be decoded.
        InputError: max_fps is not above 0.
    """

    def __init__(self, path: str | Path, *, camera_id: str | None = None, max_fps: float | None = None) -> None:
        self.corrupt_frames = 0
        self.repaired_timestamps = 0
        self._path = Path(path)
        self._camera_id = self._path.stem if camera_id is None else camera_id
        self._max_fps = None if max_fps is None else checked_fps(max_fps)
        self._file_fps, self._codec = self._probe()

    @property
    def camera_id(self) -> str:
        """The camera's name."""
        return self._camera_id

    @property
    def codec(self) -> str:
        """What the file is decoded with, by FFmpeg's name."""
        return self._codec

    @property
    def fps(self) -> float:
        """Nominal frames per second, after thinning."""
        return self._file_fps if self._max_fps is None else min(self._file_fps, self._max_fps)

    def frames(self) -> Iterator[Frame]:
        """Decode the file from its start; closing the iterator closes the file.

        Raises:
            SourceError: the file can no longer be opened.
        """
        self.corrupt_frames = self.repaired_timestamps = 0
        limit = RateLimit(self._max_fps)
        with _open(self._path) as container:
            stream = _video_stream(container, self._path)
            clock = PresentationClock(stream.time_base or Fraction(1, av.time_base), 1 / self._file_fps)
            for (index, decoded), following in with_following(self._sound_frames(container, stream)):
                timestamp_s = clock.read(decoded.pts, None if following is None else following[1].pts)
                self.repaired_timestamps = clock.repaired
                if limit.admits(timestamp_s):
                    yield Frame(self._camera_id, index, timestamp_s, _upright_rgb(decoded))

    def _sound_frames(self, container: InputContainer, stream: VideoStream) -> Iterator[tuple[int, VideoFrame]]:
        """Undamaged frames with their places in the file; the clock must not see a damaged frame's time stamp."""
        for index, decoded in enumerate(_decode(container, stream)):
            if decoded is None or decoded.is_corrupt:
                self.corrupt_frames += 1
            else:
                yield index, decoded

    def _probe(self) -> tuple[float, str]:
        """The file's nominal rate and its codec, once it has proved that a frame can be decoded."""
        with _open(self._path) as container:
            stream = _video_stream(container, self._path)
            if not any(frame is not None and not frame.is_corrupt for frame in _decode(container, stream)):
                raise SourceError(f"{self._path} holds no frame that can be decoded; give another video file")
            return float(stream.average_rate or stream.guessed_rate or _FALLBACK_FPS), stream.codec_context.name


def _open(path: Path) -> InputContainer:
    """Open a file that calls itself a video, and nothing else: no device, no network, no picture, no text."""
    try:
        if path.is_dir():
            raise SourceError(f"{path} is a directory; give a video file")
        if not path.is_file():
            raise SourceError(f"{path} does not exist or is not a file; check the path and give a video file")
        if path.stat().st_size == 0:
            raise SourceError(f"{path} is empty (0 bytes); give a video file")
        # A playlist inside the file may name addresses: only local files may follow from a local file.
        container = av.open(f"file:{path}", options={"protocol_whitelist": "file"}, metadata_errors="replace")
    except (FFmpegError, OSError) as error:
        raise SourceError(f"{path} cannot be read as a video ({_reason(error)}); give a video file") from error
    if container.format.name in _NOT_VIDEO_FORMATS or container.format.name.endswith("_pipe"):
        container.close()
        raise SourceError(f"{path} is text or a single picture, not a video; give a video file or a folder of images")
    return container


def _video_stream(container: InputContainer, path: Path) -> VideoStream:
    """The first moving picture (cover art is a still), set up to decode the same way every time."""
    for stream in container.streams.video:
        if not stream.disposition & Disposition.attached_pic:
            # One thread. Frame threads make of a damaged frame's neighbours what timing has them make; slice threads
            # do not notice damage. And many cameras keep all cores busy anyway.
            stream.thread_type = "NONE"
            return stream
    raise SourceError(f"{path} holds no video stream; give a video file")


def _decode(container: InputContainer, stream: VideoStream) -> Iterator[VideoFrame | None]:
    """Every frame in order of presentation; None where a packet gave none because it is damaged."""
    for packet in _packets(container, stream):
        if packet is None:
            yield None
            continue
        try:
            decoded = packet.decode()
        except FFmpegError:
            yield None
        else:
            yield from decoded


def _packets(container: InputContainer, stream: VideoStream) -> Iterator[Packet[VideoStream] | None]:
    """Every packet, None for a read that failed; gives up after too many failures in a row."""
    failures = 0
    while failures < _READ_FAILURES_IN_A_ROW:
        try:
            for packet in container.demux(stream):
                failures = 0
                yield packet
            return
        except FFmpegError:
            failures += 1
            yield None


def _upright_rgb(frame: VideoFrame) -> ImageArray:
    image = cast("ImageArray", frame.to_ndarray(format="rgb24"))
    quarter_turns = round(frame.rotation / 90) % 4  # counter-clockwise, as np.rot90 counts
    return np.ascontiguousarray(np.rot90(image, quarter_turns)) if quarter_turns else image


def _reason(error: OSError | FFmpegError) -> str:
    return (error.strerror or type(error).__name__).lower()
