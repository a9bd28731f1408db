from __future__ import annotations

from pathlib import Path

import pytest

from keyreid_stream.camera_names import checked_camera_id
from keyreid_stream.errors import ConfigError, SourceError
from keyreid_stream.sources.addresses import Credentials, LiveAddress, read_credentials, without_secrets


def test_an_address_is_shown_without_what_is_secret_and_kept_for_the_decoder() -> None:
    address = LiveAddress.parse("rtsp://bobby:p%40ss@10.0.0.7:554/Streaming/Channels/101?transport=tcp&key=k3y")
    assert address.scheme == "rtsp"
    assert address.shown == "rtsp://10.0.0.7:554/Streaming/Channels/101"
    assert address.secret == "rtsp://bobby:p%40ss@10.0.0.7:554/Streaming/Channels/101?transport=tcp&key=k3y"
    assert address.camera_id == "10.0.0.7-554-Streaming-Channels-101"
    for secret in ("bobby", "p%40ss", "k3y"):
        assert secret not in repr(address)


def test_variables_of_the_environment_are_filled_in_and_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAM_USER", "ann")
    monkeypatch.setenv("CAM_PASSWORD", "a/b:c@d")
    monkeypatch.setenv("CAM_KEY", "k&y")
    address = LiveAddress.parse("rtsp://${CAM_USER}:${CAM_PASSWORD}@host/1?key=${CAM_KEY}")
    assert address.secret == "rtsp://ann:a%2Fb%3Ac%40d@host/1?key=k%26y"
    assert address.shown == "rtsp://host/1"


def test_a_variable_that_is_not_set_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CAM_PASSWORD", raising=False)
    with pytest.raises(SourceError, match=r"rtsp://host/1: the environment has no variable CAM_PASSWORD; set it"):
        LiveAddress.parse("rtsp://ann:${CAM_PASSWORD}@host/1")


def test_credentials_fill_addresses_that_name_nobody() -> None:
    known = {"host": Credentials("ann", "s3cret")}
    assert LiveAddress.parse("rtsp://host:554/1", known).secret == "rtsp://ann:s3cret@host:554/1"
    assert LiveAddress.parse("rtsp://bob:own@host/1", known).secret == "rtsp://bob:own@host/1"
    assert LiveAddress.parse("rtsp://other/1", known).secret == "rtsp://other/1"


@pytest.mark.parametrize(
    "text", ["rtsp://host", "udp://host:1234", "rtsp://host/" + "x" * 500, "https://h/a b/ü?x=1", "rtsp://[::1]:8554/a"]
)
def test_the_name_made_of_an_address_can_be_a_files(text: str) -> None:
    checked_camera_id(LiveAddress.parse(text).camera_id)


def test_an_address_without_a_host_is_refused() -> None:
    with pytest.raises(SourceError, match="udp:// names no host"):
        LiveAddress.parse("udp://@:1234")


def test_credentials_are_read_from_a_file_that_only_its_owner_reads(tmp_path: Path) -> None:
    path = tmp_path / "credentials.toml"
    path.write_text('["10.0.0.7"]\nuser = "ann"\npassword = "s3cret"\n')
    path.chmod(0o600)
    known = read_credentials(path)
    assert known == {"10.0.0.7": Credentials("ann", "s3cret")}
    assert "s3cret" not in repr(known)
    path.chmod(0o644)
    with pytest.raises(ConfigError, match="can be read by others; run: chmod 600"):
        read_credentials(path)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("password = s3cret", "not valid TOML"),
        ('[host]\nuser = "ann"\n', "table 'host' must hold user"),
        ('[host]\nuser = "ann"\npassword = "s3cret"\nport = 1\n', "table 'host' must hold user"),
        ('[host]\nuser = "ann"\npassword = 3\n', "table 'host' must hold user"),
        ('password = "s3cret"\n', "table 'password' must hold user"),
    ],
)
def test_bad_credentials_are_refused_without_a_word_of_them(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "credentials.toml"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(ConfigError, match=reason) as caught:
        read_credentials(path)
    assert "s3cret" not in str(caught.value)


def test_credentials_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        read_credentials(tmp_path / "gone.toml")


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("rtsp://ann:s3cret@host/1?key=k", "rtsp://host/1"),
        ("door=rtsp://ann:s3cret@host/1", "door=rtsp://host/1"),
        ("door=RTSP:/ann:s3@cret@host/1", "door=RTSP:/host/1"),
        ("rtsp://host/1", "rtsp://host/1"),
        ("world://plaza?seed=3", "world://plaza?seed=3"),
        ("a@b.mp4", "a@b.mp4"),
        ("what?.mp4", "what?.mp4"),
        ("door=rstp://ann:pw@host/1?key=2", "door=rstp://host/1"),
        ("ftp:/ann:pw@host/1", "ftp:/host/1"),
        ("rtsp://ann:p?w@host/1?key=2", "rtsp://host/1"),
        ("world://plaza?cameras=2", "world://plaza?cameras=2"),
    ],
)
def test_cameras_are_shown_in_reports_without_secrets(given: str, shown: str) -> None:
    assert without_secrets(given) == shown


def test_a_camera_of_this_machine() -> None:
    address = LiveAddress.parse("webcam://3")
    assert (address.scheme, address.shown, address.camera_id) == ("webcam", "webcam://3", "webcam3")
    assert address.secret in ("/dev/video3", "3")


@pytest.mark.parametrize("text", ["webcam://", "webcam://front", "webcam:///etc/passwd", "webcam://-1"])
def test_what_is_no_camera_of_this_machine_is_refused(text: str) -> None:
    with pytest.raises(SourceError, match=r"webcam://0|malformed"):
        LiveAddress.parse(text)
