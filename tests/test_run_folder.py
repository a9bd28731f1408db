from __future__ import annotations

import json
from pathlib import Path

import pytest

from keyreid_stream.errors import InputError
from keyreid_stream.run_folder import SCHEMA, RunFolder


def earlier_run(folder: Path) -> Path:
    (folder / "tracks").mkdir(parents=True)
    (folder / "tracks" / "a.txt").write_text("1,1,0,0,5,5,1,-1,-1,-1\n", encoding="utf-8")
    (folder / "run.json").write_text(json.dumps({"schema": SCHEMA}), encoding="utf-8")
    return folder


def test_new_and_empty_folders_are_fine_and_checking_makes_nothing(tmp_path: Path) -> None:
    RunFolder(tmp_path / "new" / "deeper").check()
    RunFolder(tmp_path).check()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["file", "file/below", "x" * 300])
def test_what_cannot_be_a_folder_is_refused_in_one_line(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    with pytest.raises(InputError) as raised:
        RunFolder(tmp_path / name).check()
    assert "\n" not in str(raised.value)
    assert (tmp_path / "file").read_text(encoding="utf-8") == "mine"


def test_an_earlier_run_is_replaced_only_when_asked_and_nothing_beside_it(tmp_path: Path) -> None:
    folder = earlier_run(tmp_path / "run")
    (folder / "notes.md").write_text("mine", encoding="utf-8")
    with pytest.raises(InputError, match="--overwrite"):
        RunFolder(folder).check()
    RunFolder(folder, overwrite=True).check()
    RunFolder(folder, overwrite=True).clear()
    assert [path.name for path in folder.iterdir()] == ["notes.md"]


@pytest.mark.parametrize("content", ["{}", "[]", "not json", '{"schema": "another/1"}'])
def test_a_foreign_run_json_makes_no_run(tmp_path: Path, content: str) -> None:
    (tmp_path / "run.json").write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match="no earlier run"):
        RunFolder(tmp_path, overwrite=True).check()


def test_a_link_among_the_outputs_is_removed_and_what_it_leads_to_is_not(tmp_path: Path) -> None:
    folder = earlier_run(tmp_path / "run")
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "data").touch()
    (folder / "videos").symlink_to(precious, target_is_directory=True)
    RunFolder(folder, overwrite=True).clear()
    assert not (folder / "videos").exists()
    assert (precious / "data").exists()


@pytest.mark.parametrize("form", ["{}", "lobby={}"])
def test_a_run_never_overwrites_what_it_is_to_read(tmp_path: Path, form: str) -> None:
    folder = earlier_run(tmp_path / "run")
    camera = folder / "tracks" / "a.txt"
    with pytest.raises(InputError, match="choose another --out"):
        RunFolder(folder, overwrite=True).check_inputs([form.format(camera)])
    RunFolder(folder, overwrite=True).check_inputs([str(tmp_path / "elsewhere.mp4"), "tiny", ""])


def test_a_report_is_whole_or_the_one_before(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.write_report({"status": "running"})
    with pytest.raises(ValueError, match="JSON"):
        folder.write_report({"status": float("inf")})
    assert json.loads((tmp_path / "run.json").read_text(encoding="utf-8")) == {"schema": SCHEMA, "status": "running"}
