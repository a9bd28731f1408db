"""One H.264 MP4, picture by picture, with the pictures' own times."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import cv2
from av.container import OutputContainer
from av.video.reformatter import ColorRange, Colorspace
from av.video.stream import VideoStream

from keyreid_stream.sinks.letterbox import letterboxed
from keyreid_stream.structures import ImageArray

_TIME_BASE = Fraction(1, 90_000)
"""Divides all common frame rates."""

_LARGEST_DENOMINATOR = 1001
"""Of a frame rate: NTSC's 30000/1001 is exact, and the slowest rate is one picture in 1001 s."""

_X264 = {"preset": "veryfast", "crf": "23", "bf": "0", "threads": "1"}
"""No B-frames: every reader then sees the times that were written, not shifted ones. One thread, here and for colours:
the bytes would otherwise depend on the number of cores."""

_KEY_FRAME_EVERY_S = 2
_BT709 = 1
"""The number of BT.709 in H.264 for primaries, transfer and matrix; untagged colours are guessed, by size."""


class Mp4File:
    """An MP4 that takes its size from the first picture; later pictures of other sizes are letterboxed into it.

    Times start at 0 with the first picture and may be irregular. The file appears under its name once it is complete;
    until `close` it is `<name>.part`.

    Args:
        path: the file to write.
        fps: nominal frames per second: a hint for players and the length of the last picture.
    """

    def __init__(self, path: Path, fps: float) -> None:
        self._path = path
        self._part = path.with_name(path.name + ".part")
        self._fps = max(Fraction(fps).limit_denominator(_LARGEST_DENOMINATOR), Fraction(1, _LARGEST_DENOMINATOR))
        self._opened: tuple[OutputContainer, VideoStream] | None = None
        self._size = (0, 0)
        self._start_s = 0.0
        self._last_pts = -1

    def write(self, image: ImageArray, timestamp_s: float) -> None:
        """Append an (H, W, 3) RGB picture."""
        if self._opened is None:
            self._size = image.shape[0], image.shape[1]
            self._start_s = timestamp_s
            self._opened = self._open()
        container, stream = self._opened
        frame = av.VideoFrame.from_ndarray(_even(letterboxed(image, *self._size)), format="rgb24").reformat(
            format="yuv420p", dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG, threads=1
        )
        pts = max(round((timestamp_s - self._start_s) / _TIME_BASE), self._last_pts + 1)
        frame.pts, frame.time_base = pts, _TIME_BASE
        container.mux(stream.encode(frame))
        self._last_pts = pts

    def close(self) -> None:
        """Write what the encoder still holds and the trailer, and give the file its name. Nothing written, no file."""
        if self._opened is None:
            return
        container, stream = self._opened
        self._opened = None
        try:
            container.mux(stream.encode(None))
        finally:
            container.close()
        self._part.replace(self._path)

    def _open(self) -> tuple[OutputContainer, VideoStream]:
        # `faststart` moves the index to the front: a browser plays the file while it loads.
        # `file:` keeps FFmpeg from reading a path with a colon in it (`2026-11-05T10:30/…`) as a protocol.
        container = av.open(f"file:{self._part}", "w", format="mp4", options={"movflags": "faststart"})
        stream = container.add_stream("libx264", rate=self._fps, options=_X264)
        stream.height, stream.width = (length + length % 2 for length in self._size)
        stream.pix_fmt = "yuv420p"
        codec = stream.codec_context
        codec.time_base = _TIME_BASE
        codec.gop_size = max(1, round(_KEY_FRAME_EVERY_S * self._fps))
        codec.color_primaries = codec.color_trc = codec.colorspace = _BT709
        codec.color_range = ColorRange.MPEG
        return container, stream


def _even(image: ImageArray) -> ImageArray:
    """With one more row or column where their number is odd: the pixel format stores colours for 2 × 2 pixels."""
    odd_rows, odd_columns = image.shape[0] % 2, image.shape[1] % 2
    if not (odd_rows or odd_columns):
        return image
    padded: ImageArray = cv2.copyMakeBorder(image, 0, odd_rows, 0, odd_columns, cv2.BORDER_REPLICATE)
    return padded
