"""A camera for tests on any machine: MPEG-TS over TCP or HTTP on loopback, from memory, at its own pace."""

from __future__ import annotations

import io
import socket
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from fractions import Fraction
from typing import Self

import av
import numpy as np

HTTP_HEADER = b"HTTP/1.0 200 OK\r\nContent-Type: video/mp2t\r\n\r\n"


def transport_stream(
    frames: int = 100, *, fps: int = 20, width: int = 64, height: int = 48, first_s: float = 0.0
) -> list[bytes]:
    """H.264 in MPEG-TS, a piece for every frame; a frame's brightness is its number, modulo 200."""
    buffer = io.BytesIO()
    pieces = []
    with av.open(buffer, "w", format="mpegts", options={"flush_packets": "1"}) as container:
        stream = container.add_stream("libx264", rate=fps, options={"tune": "zerolatency", "preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.codec_context.gop_size = fps // 4
        stream.codec_context.time_base = Fraction(1, fps)
        sent = 0
        for number in range(frames):
            image = np.full((height, width, 3), number % 200, np.uint8)
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts, frame.time_base = number + round(first_s * fps), Fraction(1, fps)
            container.mux(stream.encode(frame))
            everything = buffer.getvalue()
            pieces.append(everything[sent:])
            sent = len(everything)
    return pieces


class TsServer:
    """Sends a stream to whoever connects, from its first piece, and can be closed, frozen and opened again.

    Args:
        pieces: of the stream, one per frame.
        fps: pieces a second.
        http: answer a request first.
        repeat: begin again at the end, as if time had jumped back, instead of closing.
    """

    def __init__(self, pieces: Sequence[bytes], *, fps: int = 20, http: bool = False, repeat: bool = False) -> None:
        self.pieces = list(pieces)
        self.connections = 0
        self.frozen = threading.Event()
        self._interval_s = 1 / fps
        self._http = http
        self._repeat = repeat
        self._listener = self._listen(0)
        self.port = int(self._listener.getsockname()[1])
        self._clients: list[socket.socket] = []
        self._serve()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def address(self) -> str:
        """Where it is."""
        return f"{'http' if self._http else 'tcp'}://127.0.0.1:{self.port}{'/door.ts' if self._http else ''}"

    def close(self) -> None:
        """Hang up and listen no more."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # `accept` would otherwise take one more
        self._listener.close()
        self.hang_up()

    def open_again(self) -> None:
        """Listen on the same port as before."""
        self._listener = self._listen(self.port)
        self._serve()

    def hang_up(self) -> None:
        """Close the connections there are; new ones are welcome."""
        for client in self._clients:
            with suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)
            client.close()
        self._clients.clear()

    def _serve(self) -> None:
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            self.connections += 1
            self._clients.append(client)
            threading.Thread(target=self._send, args=(client,), daemon=True).start()

    def _send(self, client: socket.socket) -> None:
        try:
            if self._http:
                client.recv(4096)
                client.sendall(HTTP_HEADER)
            while True:
                due = time.monotonic()
                for piece in self.pieces:
                    while self.frozen.is_set():
                        time.sleep(0.01)
                    client.sendall(piece)
                    due += self._interval_s
                    time.sleep(max(0.0, due - time.monotonic()))
                if not self._repeat:
                    break
            client.close()
        except OSError:
            return

    @staticmethod
    def _listen(port: int) -> socket.socket:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen()
        return listener
