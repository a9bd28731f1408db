"""Videos of walking people, long enough for a soak: a world's minute, copied end to end."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
from av.packet import Packet
from av.video.stream import VideoStream

from keyreid_stream.interfaces import Source
from keyreid_stream.sinks.mp4 import Mp4File
from keyreid_stream.world.address import open_world

FPS = 10


def people_videos(folder: Path, cameras: int, *, seconds: int, width: int, height: int) -> list[Path]:
    """Draw a world and repeat it until each camera's video is so long.

    Args:
        folder: where the videos go.
        cameras: how many; a world's cameras are used several times if need be.
        seconds: the least length of each.
        width, height: of the pictures.
    """
    address = f"world://plaza?seconds=30&cameras={min(cameras, 4)}&fps={FPS}&width={width}&height={height}&seed=42"
    long = [_repeated(_drawn(camera, folder), seconds) for camera in open_world(address)]
    return [long[number % len(long)] for number in range(cameras)]


def _drawn(camera: Source, folder: Path) -> Path:
    path = folder / f"{camera.camera_id}.mp4"
    file = Mp4File(path, FPS)
    for frame in camera.frames():
        file.write(frame.image, frame.timestamp_s)
    file.close()
    return path


def _repeated(path: Path, seconds: int) -> Path:
    """The same packets again and again, later each time."""
    long = path.with_stem(f"{path.stem}-long")
    with av.open(str(long), "w") as out:
        stream: VideoStream | None = None
        offset, end = 0, 0
        while end * (stream.time_base or Fraction(1)) < seconds if stream else True:
            with av.open(str(path)) as source:
                template = source.streams.video[0]
                if stream is None:
                    stream = out.add_stream_from_template(template)
                    stream.time_base = template.time_base
                for packet in source.demux(template):
                    end = _copy(packet, stream, out, offset) or end
            offset = end
    return long


def _copy(
    packet: Packet[VideoStream], stream: VideoStream, out: av.container.OutputContainer, offset: int
) -> int | None:
    """Append a packet, shifted; the time at which it ends."""
    if packet.dts is None or packet.pts is None or packet.time_base is None:
        return None
    duration = packet.duration or round(1 / FPS / packet.time_base)
    packet.stream, packet.pts, packet.dts = stream, packet.pts + offset, packet.dts + offset
    ends = packet.pts + duration
    out.mux(packet)
    return ends
