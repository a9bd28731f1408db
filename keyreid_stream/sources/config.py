"""Settings of the cameras of a deployment."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from keyreid_stream.decoder.clock import ClockName

_ANALYSE_US = 500_000
"""FFmpeg looks five seconds at a stream by default before it gives the first frame."""

_PROTOCOLS = "rtp,rtcp,rtsp,rtsps,srtp,udp,tcp,tls,http,https,hls,crypto,httpproxy"
"""No file: what a server sends must not make this machine read its own."""


class LiveConfig(BaseModel):
    """How live cameras are reached.

    Attributes:
        transport: of RTSP; `tcp` loses nothing, `udp` is for cameras that have only that.
        fps: their nominal rate, for trackers and videos: many streams do not tell theirs, or tell it wrong.
        stall_s: a camera that gives nothing for so long is reached anew; also how long opening may take.
        first_retry_s, longest_retry_s: the wait before the second attempt to reach one, and the longest later on.
        max_attempts: give a camera up after so many attempts in a row; None: never.
        clock: `auto` takes a camera's own wall clock (RTCP) where it can be right; `arrival` never does.
        offset_s: added to all times of all live cameras.
        keyframes_only: decode key frames alone: a frame every second or two for a tenth of the cost.
        credentials: a TOML file with a table `user = …, password = …` per host; the address may also name them as
            `rtsp://${USER_VARIABLE}:${PASSWORD_VARIABLE}@host/…`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    transport: Literal["tcp", "udp"] = "tcp"
    fps: float = Field(default=25.0, gt=0, le=240)
    stall_s: float = Field(default=10.0, ge=1, le=600)
    first_retry_s: float = Field(default=0.5, gt=0)
    longest_retry_s: float = Field(default=3.0, gt=0)
    max_attempts: int | None = Field(default=None, ge=1)
    clock: ClockName = "auto"
    offset_s: float = 0.0
    keyframes_only: bool = False
    credentials: str | None = Field(default=None, min_length=1)

    def ffmpeg_options(self, scheme: str) -> dict[str, str]:
        """What FFmpeg is told when it opens an address of this scheme."""
        if scheme in ("file", "webcam"):
            return {"protocol_whitelist": "file"}
        options = {"analyzeduration": str(_ANALYSE_US), "fflags": "nobuffer", "protocol_whitelist": _PROTOCOLS}
        if scheme in ("rtsp", "rtsps"):
            options["rtsp_transport"] = self.transport
        return options


class SourcesConfig(BaseModel):
    """Which cameras, and how their frames come together.

    Attributes:
        cameras: video files or image folders, each `path` or `name=path`.
        max_fps: take at most this many frames a second of each camera.
        calibration: a folder with a calibration per camera, or one file, for where people stand on the floor; a camera
            without one is known by appearance alone.
        merge_window_s: frames of different cameras this close in time are one tick; at most the shortest frame
            interval, by default half of it. Of live cameras: how long a tick waits for the others.
        live: how live cameras are reached.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    cameras: tuple[str, ...] = ()
    max_fps: float | None = Field(default=None, gt=0)
    calibration: str | None = Field(default=None, min_length=1)
    merge_window_s: float | None = Field(default=None, gt=0)
    live: LiveConfig = Field(default_factory=LiveConfig)
