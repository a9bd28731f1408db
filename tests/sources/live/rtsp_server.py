"""An RTSP server for tests; run it with the system's Python, which has GStreamer's bindings.

    /usr/bin/python3 rtsp_server.py '{"port": 8554, "mounts": {"door": {"width": 320, "height": 240, "fps": 10}}}'

A mount plays a moving ball, or the video `"file"` (H.264 in MP4), from its start whenever nobody was watching. `"user"`
and `"password"` beside `"mounts"` are asked for at every one. It prints `ready` once it listens.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import gi  # type: ignore[import-not-found]

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # type: ignore[import-not-found]  # noqa: E402

_PAYLOADER = "rtph264pay name=pay0 pt=96 config-interval=1"


def launch_line(mount: dict[str, Any]) -> str:
    """The GStreamer pipeline of a mount."""
    if "file" in mount:
        return f'( filesrc location="{mount["file"]}" ! qtdemux ! h264parse ! {_PAYLOADER} )'
    width, height, fps = (int(mount.get(name, usual)) for name, usual in (("width", 320), ("height", 240), ("fps", 10)))
    return (
        f"( videotestsrc is-live=true pattern=ball ! video/x-raw,width={width},height={height},framerate={fps}/1 "
        f"! x264enc tune=zerolatency speed-preset=ultrafast key-int-max={fps} ! {_PAYLOADER} )"
    )


def guard(server: Any, user: str, password: str) -> None:
    """Ask for a name and a password."""
    auth = GstRtspServer.RTSPAuth()
    token = GstRtspServer.RTSPToken()
    token.set_string(GstRtspServer.RTSP_TOKEN_MEDIA_FACTORY_ROLE, "viewer")
    auth.add_basic(GstRtspServer.RTSPAuth.make_basic(user, password), token)
    server.set_auth(auth)


def main(settings: dict[str, Any]) -> None:
    """Serve until killed."""
    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(str(settings["port"]))
    if "user" in settings:
        guard(server, settings["user"], settings["password"])
    for name, mount in settings["mounts"].items():
        factory = GstRtspServer.RTSPMediaFactory()
        factory.set_launch(launch_line(mount))
        factory.set_shared(True)
        if "user" in settings:
            permissions = GstRtspServer.RTSPPermissions()
            permissions.add_role("viewer")
            permissions.add_permission_for_role("viewer", "media.factory.access", True)
            permissions.add_permission_for_role("viewer", "media.factory.construct", True)
            factory.set_permissions(permissions)
        server.get_mount_points().add_factory(f"/{name}", factory)
    if not server.attach(None):
        sys.exit(f"port {settings['port']} is taken")
    print("ready", flush=True)  # noqa: T201
    GLib.MainLoop().run()


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
