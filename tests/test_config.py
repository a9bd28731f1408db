from pathlib import Path

import pytest

from keyreid_stream.config import DeploymentConfig, deployment, merged, read_settings
from keyreid_stream.errors import ConfigError


def test_no_settings_are_the_defaults() -> None:
    assert deployment({}) == DeploymentConfig()


def test_tables_reach_their_components() -> None:
    config = deployment({"tracking": {"tracker": "deepocsort"}, "association": {"threshold": 0.7}})
    assert config.tracking.tracker == "deepocsort"
    assert config.association.threshold == 0.7
    assert config.pose == DeploymentConfig().pose


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"asociation": {}}, ["unknown setting 'asociation'", "association", "tracking"]),
        ({"association": {"treshold": 0.5}}, ["unknown setting 'association.treshold'", "threshold"]),
        ({"association": {"threshold": 7}}, ["association.threshold", "7", "less than or equal to 1"]),
        ({"sources": {"max_fps": -1}}, ["sources.max_fps", "-1", "greater than 0"]),
        ({"tracking": {"tracker": "wizard"}}, ["wizard", "botsort", "deepocsort"]),
        ({"model": {"precision": "float8"}}, ["model.precision", "float8", "bfloat16"]),
        ({"pose": 3}, ["pose", "3"]),
        ({"model": {"seed": 10**22}}, ["model.seed"]),
        ({"model": {"name": "base", "weights": "mine.safetensors"}}, ["model", "name", "weights"]),
        ({"association": {"retention_s": float("inf")}}, ["association.retention_s", "finite"]),
    ],
)
def test_a_bad_setting_is_named_in_one_line_with_what_is_allowed(settings: dict[str, object], words: list[str]) -> None:
    with pytest.raises(ConfigError) as raised:
        deployment(settings)
    message = str(raised.value)
    assert "\n" not in message
    assert all(word in message for word in words), message


def test_merging_goes_table_by_table_and_leaves_its_arguments_alone() -> None:
    below = {"a": {"x": 1, "y": 2}, "b": 3}
    assert merged(below, {"a": {"y": 5}, "c": 6}) == {"a": {"x": 1, "y": 5}, "b": 3, "c": 6}
    assert below == {"a": {"x": 1, "y": 2}, "b": 3}


def test_a_toml_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "deployment.toml"
    path.write_text('[sources]\ncameras = ["lobby=a.mp4"]\n', encoding="utf-8")
    assert deployment(read_settings(path)).sources.cameras == ("lobby=a.mp4",)


def test_a_byte_order_mark_as_some_editors_write_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "deployment.toml"
    path.write_bytes(b'\xef\xbb\xbf[model]\nname = "base"\n')
    assert deployment(read_settings(path)).model.name == "base"


def test_cameras_in_one_string_are_refused_without_repeating_a_password() -> None:
    with pytest.raises(ConfigError, match=r"sources\.cameras") as raised:
        deployment({"sources": {"cameras": "rtsp://user:secret@host/1"}})
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize("content", [b"[sources\n", b"\xff\xfe\x00", b"a = " + b"[" * 5000])
def test_a_broken_file_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"broken\.toml is not valid TOML"):
        read_settings(path)


def test_a_missing_and_a_huge_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no configuration file"):
        read_settings(tmp_path / "missing.toml")
    with pytest.raises(ConfigError, match="cannot be read"):
        read_settings(tmp_path / ("x" * 300))
    huge = tmp_path / "huge.toml"
    huge.write_bytes(b"#" * 1_000_001)
    with pytest.raises(ConfigError, match="larger than"):
        read_settings(huge)
