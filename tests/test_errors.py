import pytest

from keyreid_stream.errors import ConfigError, InputError, KeyReIDError, MissingExtraError, SourceError


@pytest.mark.parametrize(
    "given",
    [
        "rtsp://user:secret@host/1",
        " rtsp://user:secret@host:554/1?x=1",
        "'rtsp://user:secret@host'",
        "door= rtsp://user:secret@host",
        "rtsp:user:secret@host",
        "rtsp//user:secret@host",
        "https://u:secret@h/x.safetensors",
    ],
)
@pytest.mark.parametrize("kind", [SourceError, ConfigError, KeyReIDError])
def test_no_message_repeats_a_password(kind: type[KeyReIDError], given: str) -> None:
    message = str(kind(f"camera {given} cannot be opened; give a file"))
    assert "secret" not in message
    assert message.endswith("cannot be opened; give a file")
    assert "***@" in message


@pytest.mark.parametrize(
    "message", ["C:/videos/lobby.mp4 is missing", "write NAME=PATH", "at 12:30, me@home.example was told", "a: b @ c"]
)
def test_other_messages_stay_as_they_are(message: str) -> None:
    assert str(InputError(message)) == message


def test_a_missing_extra_says_the_command() -> None:
    error = MissingExtraError("openvino", "openvino")
    assert str(error).endswith('run: pip install "keyreid-stream[openvino]"')
    assert isinstance(error, ImportError)
