from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

from keyreid_engines.cache import Contents, EngineCache, engines_folder
from keyreid_engines.errors import EngineError
from keyreid_engines.manifest import EngineFacts, Manifest
from tests.engines.fake_engines import CONTENTS, facts, manifest

ROOT = Path(__file__).parents[2]


class Asked:
    """Uses a cache, and counts builds and what was said."""

    def __init__(self, folder: Path) -> None:
        self.cache = EngineCache(folder)
        self.builds = 0
        self.said: list[str] = []

    def obtain(self, wanted: EngineFacts) -> Contents:
        def build() -> tuple[Manifest, Contents]:
            self.builds += 1
            return manifest(wanted), CONTENTS

        return self.cache.obtain(wanted, build, self.said.append).contents


@pytest.fixture
def asked(tmp_path: Path) -> Asked:
    return Asked(tmp_path / "engines")


def test_an_engine_is_built_once_and_read_afterwards(asked: Asked) -> None:
    assert asked.obtain(facts()) == CONTENTS
    assert asked.builds == 1
    assert len(asked.said) == 1
    assert asked.obtain(facts()) == CONTENTS
    assert asked.builds == 1
    assert len(asked.said) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"weights_sha256": "d" * 64},
        {"backend_version": "2026.5"},
        {"precision": "bfloat16"},
        {"device": "CPU (another)"},
        {"export_format": 2},
        {"exporters": {"torch": "2.16"}},
        {"backend": "onnxruntime"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_whatever_differs_makes_another_engine(asked: Asked, change: dict[str, object]) -> None:
    asked.obtain(facts())
    asked.obtain(facts(**change))
    assert asked.builds == 2
    assert len(asked.cache.entries()) == 2


def test_a_new_version_is_said(asked: Asked) -> None:
    asked.obtain(facts())
    asked.obtain(facts(backend_version="2026.5"))
    assert "backend_version: 2026.4, now 2026.5" in asked.said[-1]


def _cut_short(folder: Path) -> None:
    path = folder / "frame_encoder.onnx"
    path.write_bytes(path.read_bytes()[:-1])


def _flip_a_bit(folder: Path) -> None:
    path = folder / "clip_head.bin"
    content = bytearray(path.read_bytes())
    content[7] ^= 1
    path.write_bytes(content)


def _lose_a_file(folder: Path) -> None:
    (folder / "clip_head.xml").unlink()


def _lose_the_manifest(folder: Path) -> None:
    (folder / "manifest.json").unlink()


def _garble_the_manifest(folder: Path) -> None:
    (folder / "manifest.json").write_bytes(b"\xff{" * 9)


def _inflate_the_manifest(folder: Path) -> None:
    (folder / "manifest.json").write_bytes(b" " * (2**20 + 1))


def _take_anothers_manifest(folder: Path) -> None:
    other = manifest(facts(weights_sha256="e" * 64))
    (folder / "manifest.json").write_text(other.model_dump_json(), encoding="utf-8")


DAMAGES = [
    _cut_short,
    _flip_a_bit,
    _lose_a_file,
    _lose_the_manifest,
    _garble_the_manifest,
    _inflate_the_manifest,
    _take_anothers_manifest,
]


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_said_and_built_again(asked: Asked, damage: Callable[[Path], None]) -> None:
    asked.obtain(facts())
    folder = asked.cache.folder / facts().name
    damage(folder)
    assert asked.obtain(facts()) == CONTENTS
    assert asked.builds == 2
    assert "is not used: " in asked.said[-1]
    assert asked.said[-1].endswith("building it again")
    assert asked.obtain(facts()) == CONTENTS
    assert asked.builds == 2
    assert not list(asked.cache.folder.glob(".*.draft"))


@pytest.mark.parametrize("damage", DAMAGES)
def test_reading_by_name_refuses_damage(asked: Asked, damage: Callable[[Path], None]) -> None:
    asked.obtain(facts())
    damage(asked.cache.folder / facts().name)
    with pytest.raises(EngineError, match=r"cannot be used: .*; remove it with: keyreid engine clean"):
        asked.cache.read(facts().name)


def test_a_failed_build_leaves_nothing_and_can_be_repeated(asked: Asked) -> None:
    def fail() -> tuple[Manifest, Contents]:
        raise EngineError("no")

    with pytest.raises(EngineError, match="no"):
        asked.cache.obtain(facts(), fail, asked.said.append)
    assert asked.cache.entries() == []
    assert asked.obtain(facts()) == CONTENTS


def test_a_failed_write_leaves_the_old_state(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(EngineError, match=r"No space left on device.*set KEYREID_HOME"):
            asked.obtain(facts())
    assert asked.cache.entries() == []
    assert not list(asked.cache.folder.glob(".*.draft"))
    assert asked.obtain(facts()) == CONTENTS


def test_a_folder_that_is_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "engines").write_text("a file")
    with pytest.raises(EngineError, match="set KEYREID_HOME"):
        Asked(tmp_path / "engines").obtain(facts())


PROCESS = """
import sys, time
from pathlib import Path
from keyreid_engines.cache import EngineCache
from tests.engines.fake_engines import CONTENTS, facts, manifest

def build():
    with open(sys.argv[2], "a") as log:
        log.write("built\\n")
    time.sleep(1.0)
    return manifest(facts()), CONTENTS

while not Path(sys.argv[3]).exists():
    time.sleep(0.01)
stored = EngineCache(Path(sys.argv[1])).obtain(facts(), build, lambda line: None)
assert stored.contents == CONTENTS
"""


def test_two_processes_build_once(tmp_path: Path) -> None:
    start, log = tmp_path / "start", tmp_path / "log"
    command = [sys.executable, "-c", PROCESS, str(tmp_path / "engines"), str(log), str(start)]
    processes = [subprocess.Popen(command, cwd=ROOT) for _ in range(2)]
    start.touch()
    assert [process.wait(timeout=120) for process in processes] == [0, 0]
    assert log.read_text() == "built\n"


def test_waiting_for_another_process_ends(tmp_path: Path) -> None:
    cache = EngineCache(tmp_path, lock_wait_s=0.05)
    with (
        FileLock(tmp_path / f".{facts().name}.lock"),
        pytest.raises(EngineError, match="another process has been building"),
    ):
        cache.obtain(facts(), lambda: (manifest(facts()), CONTENTS), print)


def test_the_list_tells_what_is_there_and_what_is_wrong(asked: Asked) -> None:
    asked.obtain(facts())
    asked.obtain(facts(precision="bfloat16"))
    _lose_a_file(asked.cache.folder / facts(precision="bfloat16").name)
    listed = {entry.name: entry for entry in asked.cache.entries()}
    whole = listed[facts().name]
    assert whole.fault is None
    assert whole.manifest is not None
    assert whole.manifest.facts == facts()
    assert whole.size_bytes > sum(len(content) for files in CONTENTS.values() for content in files.values())
    assert listed[facts(precision="bfloat16").name].fault == "clip_head.xml is missing or of another size"


def test_removing(asked: Asked) -> None:
    asked.obtain(facts())
    size = asked.cache.entries()[0].size_bytes
    assert asked.cache.remove(facts().name) == size
    assert asked.cache.entries() == []
    with pytest.raises(EngineError, match=r"no engine .*; there: none"):
        asked.cache.remove(facts().name)


@pytest.mark.parametrize("name", ["..", "../engines", "/etc", "", ".hidden", "a/b"])
def test_names_lead_nowhere_else(asked: Asked, name: str) -> None:
    for use in (asked.cache.remove, asked.cache.read):
        with pytest.raises(EngineError, match="no engine"):
            use(name)


def test_drafts_of_dead_builds_are_removed_and_live_ones_kept(asked: Asked) -> None:
    asked.obtain(facts())
    for owner in ("dead", "live"):
        draft = asked.cache.folder / f".{owner}.0123.draft"
        draft.mkdir()
        (draft / "frame_encoder.onnx").write_bytes(bytes(100))
    with FileLock(asked.cache.folder / ".live.lock"):
        assert asked.cache.remove_drafts() == 100
    assert [path.name for path in asked.cache.folder.glob(".*.draft")] == [".live.0123.draft"]
    assert len(asked.cache.entries()) == 1


def test_the_folder_lies_beside_the_weights(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KEYREID_HOME", str(tmp_path))
    assert engines_folder() == tmp_path / "engines"
