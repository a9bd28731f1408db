"""`keyreid ui`: who may come in, and what is refused before anything is opened."""

from __future__ import annotations

from pathlib import Path

import pytest

from keyreid_stream.cli import ui
from keyreid_stream.cli.main import main


def refused(capfd: pytest.CaptureFixture[str], *options: str) -> str:
    code = main(["ui", "--no-open", *options])
    said = capfd.readouterr().err.strip()
    assert code in (1, 2)
    assert said.count("\n") == 0
    return said


@pytest.mark.parametrize("option", [["--host", "0.0.0.0"], ["--share"]])
def test_nobody_else_is_let_in_without_a_password(capfd: pytest.CaptureFixture[str], option: list[str]) -> None:
    said = refused(capfd, *option)
    assert "lets others in" in said
    assert "--password-file" in said


@pytest.mark.parametrize(
    "content", ["", "# nobody\n", "only-a-name\n", "name:\n", ":s3cret\n", "ada:s3cret\nbroken-s3cret\n"]
)
def test_a_bad_password_file_is_refused_without_telling_what_is_in_it(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], content: str
) -> None:
    file = tmp_path / "users"
    file.write_text(content)
    said = refused(capfd, "--host", "0.0.0.0", "--password-file", str(file))
    assert "name:password" in said
    assert "s3cret" not in said


def test_a_password_file_is_read_line_by_line(tmp_path: Path) -> None:
    file = tmp_path / "users"
    file.write_text("# who may come in\nada:one:two\n\n grace:three \n")
    assert ui._users(file) == (("ada", "one:two"), ("grace", "three"))


def test_a_missing_password_file_is_refused(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert "cannot be read" in refused(capfd, "--password-file", str(tmp_path / "none"))


def test_a_run_and_a_live_deployment_are_not_shown_at_once(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert "give one of them" in refused(capfd, "--run", str(tmp_path), "--live", str(tmp_path / "site.toml"))


def test_what_is_no_run_is_refused(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert "there is no run in" in refused(capfd, "--run", str(tmp_path))


@pytest.mark.parametrize("content", [None, "no = toml =", "[nothing]\nx = 1\n"])
def test_a_bad_deployment_is_told_before_the_page_opens(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], content: str | None
) -> None:
    file = tmp_path / "site.toml"
    if content is not None:
        file.write_text(content)
    said = refused(capfd, "--live", str(file), "--out", str(tmp_path / "out"))
    assert "site.toml" in said or "nothing" in said


def test_a_folder_that_is_in_use_is_refused_before_the_page_opens(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "site.toml"
    file.write_text('[sources]\ncameras = ["rtsp://127.0.0.1:9/x"]\n')
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "notes.txt").write_text("mine")
    assert "is not empty" in refused(capfd, "--live", str(file), "--out", str(tmp_path / "out"))


def test_the_way_to_gradio_is_named_where_it_is_missing(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(ui, "find_spec", lambda _name: None)
    assert 'pip install "keyreid-stream[ui]"' in refused(capfd)
