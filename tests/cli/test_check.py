"""`keyreid check` as a user runs it."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from keyreid_stream.cli.main import main
from tests.sources.live.ts_server import TsServer, transport_stream


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")


def deployment_file(folder: Path, cameras: list[str], more: str = "") -> str:
    path = folder / "site.toml"
    path.write_text(f"[sources]\ncameras = {json.dumps(cameras)}\n{more}", encoding="utf-8")
    return str(path)


def row(printed: str, name: str) -> list[str]:
    (line,) = (line for line in printed.splitlines() if line.startswith(f"  {name} "))
    return line.split()


def test_good_cameras_are_a_table_and_nothing_else(small_video: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["check", f"yard={small_video}"]) == 0
    printed = capfd.readouterr().out
    assert row(printed, "yard") == [
        "yard",
        str(small_video),
        "h264",
        "64x48",
        "-",
        row(printed, "yard")[5],
        "s",
        "file",
        "ok",
    ]
    assert len(printed.strip().splitlines()) == 3


def test_one_bad_camera_spoils_no_other(small_video: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    damaged = tmp_path / "damaged.mp4"
    damaged.write_bytes(b"no video at all")
    assert main(["check", str(small_video), f"yard={damaged}", f"gone={tmp_path / 'gone.mp4'}"]) == 1
    printed = capfd.readouterr().out
    assert [row(printed, name)[-1] for name in ("lobby", "yard", "gone")] == ["ok", "failed", "failed"]
    yard, gone = printed.strip().splitlines()[-2:]
    assert yard.startswith("yard: ")
    assert "cannot be read as a video" in yard
    assert gone.startswith("gone: ")
    assert "does not exist" in gone


def test_live_cameras_without_any_secret_or_line_of_the_log(
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with TsServer(transport_stream(200)) as server, TsServer([b""]) as gone:
        gone.close()
        login = f"tcp://ann:secretpw@127.0.0.1:{gone.port}?token=secretpw"
        assert main(["check", f"door={server.address}", f"yard={login}", "--seconds", "1.5"]) == 1
    shown = capfd.readouterr()
    assert row(shown.out, "door")[2:4] == ["h264", "64x48"]
    assert row(shown.out, "yard")[-1] == "failed"
    assert "yard: connection refused; nothing listens there" in shown.out
    assert "door: it gives 20" in shown.out or row(shown.out, "door")[-1] == "ok"
    assert "secretpw" not in f"{shown}{caplog.text}"
    assert "connection refused" not in shown.err


def test_cameras_that_cannot_share_a_run_are_told(small_video: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with TsServer(transport_stream(200)) as server:
        assert main(["check", f"door={server.address}", f"Door={small_video}", "--seconds", "1"]) == 1
    printed = capfd.readouterr().out
    assert "differ only in case" in printed
    assert "'door' is live, 'Door' is not; run them apart" in printed


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "Missing argument"),
        (["none.toml"], "no configuration file at none.toml"),
        (["site.toml", "a.mp4"], "give it alone"),
        (["a.mp4", "--seconds", "0"], "--seconds"),
    ],
)
def test_wrong_input_is_one_line(arguments: list[str], said: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["check", *arguments]) == 2
    (line,) = capfd.readouterr().err.strip().splitlines()
    assert said in line


def test_a_deployment_without_cameras_is_told(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["check", deployment_file(tmp_path, [])]) == 2
    assert "no camera was given" in capfd.readouterr().err


def calibration(camera_id: str, **changes: object) -> str:
    looks_down = {"R": [[1, 0, 0], [0, -1, 0], [0, 0, -1]], "t": [0, 0, 3]}
    return json.dumps(
        {
            "camera_id": camera_id,
            "width": 64,
            "height": 48,
            "K": [[60, 0, 32], [0, 60, 24], [0, 0, 1]],
            "distortion": [0] * 4,
        }
        | looks_down
        | changes
    )


@pytest.mark.parametrize(
    ("files", "code", "said"),
    [
        ({"lobby": {}}, 0, None),
        ({"lobby": {"width": 128, "height": 96}}, 1, "gives frames of 64x48 and was calibrated at 128x96"),
        ({"yard": {}}, 1, "lobby"),
        ({}, 1, "holds no .json file"),
    ],
)
def test_calibrations_are_held_against_the_pictures(
    files: Mapping[str, Mapping[str, int]],
    code: int,
    said: str | None,
    small_video: Path,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    folder = tmp_path / "calibration"
    folder.mkdir()
    for name, changes in files.items():
        (folder / f"{name}.json").write_text(calibration(name, **changes))
    site = deployment_file(tmp_path, [str(small_video)], f"calibration = {json.dumps(str(folder))}\n")
    assert main(["check", site]) == code
    printed = capfd.readouterr().out
    findings = [line for line in printed.splitlines() if line.strip() and not line.startswith(" ")]
    assert len(findings) == (said is not None)
    assert said is None or said in findings[0]


class Receiver(BaseHTTPRequestHandler):
    """Keeps what it is asked."""

    asked: list[str]

    def do_HEAD(self) -> None:
        self.asked.append(self.command)
        self.send_response(405)
        self.end_headers()

    def do_POST(self) -> None:
        self.do_HEAD()

    def log_message(self, *_: object) -> None: ...


def test_outputs_are_reached_without_a_message(
    small_video: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    Receiver.asked = []
    with HTTPServer(("127.0.0.1", 0), Receiver) as receiver, TsServer([b""]) as gone:
        gone.close()
        thread = Thread(target=receiver.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        outputs = "".join(
            f'[[output.publish]]\nkind = "webhook"\nname = "{name}"\nurl = "http://127.0.0.1:{port}/hook"\n{more}'
            for name, port, more in [
                ("there", receiver.server_port, ""),
                ("away", gone.port, ""),
                ("locked", gone.port, 'token_env = "KEYREID_NO_SUCH"\n'),
            ]
        )
        assert main(["check", deployment_file(tmp_path, [str(small_video)], outputs)]) == 1
        receiver.shutdown()
        thread.join()
    printed = capfd.readouterr().out
    assert [row(printed, name)[-1] for name in ("there", "away", "locked")] == ["ok", "failed", "failed"]
    assert "output away: http://127.0.0.1" in printed
    assert "output locked: token_env names KEYREID_NO_SUCH" in printed
    assert Receiver.asked == ["HEAD"]
    assert sorted(one.name for one in tmp_path.iterdir()) == ["lobby.mp4", "site.toml"]
