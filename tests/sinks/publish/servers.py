"""Real receivers on free ports of loopback, for tests: started, killed and started again."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

import pytest


class Server:
    """A server process that listens on one port.

    Args:
        program: skips the test if it is not installed.
        package: of Debian, that holds it.
        port: where it listens.
        arguments: of the program.
        log: what it says goes here.
    """

    def __init__(self, program: str, package: str, port: int, arguments: list[str], log: Path) -> None:
        # Debian puts servers where the path of usual users does not lead.
        found = shutil.which(program) or shutil.which(program, path="/usr/sbin:/usr/local/sbin")
        if found is None:
            pytest.skip(f"{program} is not installed: apt-get install {package}")
        self.port = port
        self._command = [found, *arguments]
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        until = time.monotonic() + 20
        while time.monotonic() < until:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            if self._process.poll() is not None:
                break
            time.sleep(0.05)
        raise AssertionError(f"{self._command[0]} did not start: {self._log.read_text()}")

    def stop(self) -> None:
        """In good order."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)
            self._process = None

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None


def mosquitto(folder: Path, port: int, *settings: str, password: str | None = None) -> Server:
    """Its sessions survive `stop`, not `kill`; with a password, the account `keyreid` is asked for."""
    lines = [f"listener {port} 127.0.0.1", "persistence true", f"persistence_location {folder}/", *settings]
    if os.geteuid() == 0:
        lines.append("user root")  # else it becomes another, who cannot read this folder
    server = Server("mosquitto", "mosquitto", port, ["-c", str(folder / "mosquitto.conf")], folder / "mosquitto.log")
    if password is None:
        lines.append("allow_anonymous true")
    else:
        accounts = folder / "accounts"
        subprocess.run(["mosquitto_passwd", "-b", "-c", str(accounts), "keyreid", password], check=True)
        lines += ["allow_anonymous false", f"password_file {accounts}"]
    (folder / "mosquitto.conf").write_text("\n".join(lines) + "\n")
    return server


def redis_server(folder: Path, port: int, *settings: str) -> Server:
    """With everything it holds written to disk at once, so that it survives a kill."""
    arguments = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "yes"]
    arguments += ["--appendfsync", "always", "--dir", str(folder), *settings]
    return Server("redis-server", "redis-server", port, arguments, folder / "redis.log")
