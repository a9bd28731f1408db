import json
from pathlib import Path
from typing import Any

import pytest

from keyreid_stream.errors import WeightsError
from keyreid_stream.models.known_weights import (
    check_name,
    imported_names,
    is_loopback,
    known_weights,
    published_origin,
    resolve_weights,
    shipped_names,
    weights_folder,
)

SHA256 = "0" * 64


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("KEYREID_WEIGHTS_MANIFEST", "KEYREID_HOME"):
        monkeypatch.delenv(variable, raising=False)


def file(file_name: str, url: str = "https://example.org/file", **changes: object) -> dict[str, Any]:
    return {"file_name": file_name, "url": url, "size_bytes": 3, "sha256": SHA256} | changes


def published(name: str = "ours", *files: dict[str, Any], **changes: object) -> dict[str, Any]:
    entry = {"name": name, "format": "published", "description": "Ours.", "terms": "ours", "files": list(files)}
    return entry | changes


def pair(name: str = "own-tiny", **changes: object) -> dict[str, Any]:
    return published(name, file(f"{name}.safetensors"), file(f"{name}.json"), format="keyreid") | changes


def write_manifest(folder: Path, *entries: dict[str, Any], version: int = 1) -> Path:
    path = folder / "manifest.json"
    path.write_text(json.dumps({"version": version, "weights": entries}))
    return path


def refusal(manifest: Path) -> str:
    with pytest.raises(WeightsError) as caught:
        known_weights(manifest)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def put_pair(folder: Path, name: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.json").write_text("{}")
    (folder / f"{name}.safetensors").write_bytes(b"abc")
    return folder / f"{name}.safetensors"


def test_the_published_checkpoint_is_known_as_it_was_measured() -> None:
    entry = known_weights()["published-mars"]
    assert entry.format == "published"
    assert entry.size_bytes == 876_788_212
    assert entry.files[0].sha256 == "7a0d89837d748550eff770899622b43672391463d42b0873bdf794e2923b3272"
    assert entry.files[0].url == "https://github.com/JinSeong0115/KeyRe-ID/raw/HEAD/weights/Marsbest.pth"
    assert "No licence is stated" in entry.terms
    assert published_origin(entry.files[0].sha256, known_weights()) == entry
    assert published_origin(SHA256, known_weights()) is None


def test_a_manifest_extends_the_built_in_list(tmp_path: Path) -> None:
    known = known_weights(write_manifest(tmp_path, published("ours", file("ours.pth")), pair("own-tiny")))
    assert list(known) == ["published-mars", "ours", "own-tiny"]
    assert known["own-tiny"].size_bytes == 6


def test_the_environment_names_a_manifest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEYREID_WEIGHTS_MANIFEST", str(write_manifest(tmp_path, pair("own-tiny"))))
    assert "own-tiny" in known_weights()


def test_a_mirror_takes_the_place_of_a_built_in_entry(tmp_path: Path) -> None:
    mirror = published("published-mars", file("Marsbest.pth", "https://mirror.example.org/Marsbest.pth"))
    known = known_weights(write_manifest(tmp_path, mirror))
    assert [entry.files[0].url for entry in known.values()] == ["https://mirror.example.org/Marsbest.pth"]


def test_a_built_in_file_name_is_taken(tmp_path: Path) -> None:
    assert "built-in" in refusal(write_manifest(tmp_path, published("ours", file("marsbest.pth"))))


@pytest.mark.parametrize(
    "name",
    ["../up", "a/b", "a\\b", "..", ".hidden", "", "a\n", "a b", "x" * 65, "a\0", "/etc/passwd", "C:evil", "a.json"],
)
def test_a_name_cannot_leave_the_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(WeightsError, match="cannot be called"):
        check_name(name)
    assert "name" in refusal(write_manifest(tmp_path, published(name, file("ours.pth"))))


@pytest.mark.parametrize(
    "file_name", ["../up.pth", "a/b.pth", "a\\b.pth", ".hidden.pth", "/etc/x.pth", "a\0.pth", ".pth"]
)
def test_a_file_name_cannot_leave_the_folder(tmp_path: Path, file_name: str) -> None:
    assert "file_name" in refusal(write_manifest(tmp_path, published("ours", file(file_name))))


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/file",
        "http://127.0.0.1.example.org/file",
        "http://127.0.0.1@example.org/file",
        "http://127.0.0.1\\@example.org/file",
        "ftp://example.org/file",
        "file:///etc/passwd",
        "https://",
        "https://exa mple.org/file",
        "https://[::1/file",
        "//example.org/file",
        "",
    ],
)
def test_a_url_that_is_not_safe_is_refused(tmp_path: Path, url: str) -> None:
    assert "url" in refusal(write_manifest(tmp_path, published("ours", file("ours.pth", url))))


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8000/a", "http://localhost/a", "http://[::1]:1/a", "https://a.org/b?c=d"]
)
def test_https_and_this_machine_are_allowed(tmp_path: Path, url: str) -> None:
    assert known_weights(write_manifest(tmp_path, published("ours", file("ours.pth", url))))["ours"].files[0].url == url


@pytest.mark.parametrize(
    ("host", "expected"),
    [("127.9.9.9", True), ("::1", True), ("10.0.0.1", False), ("localhost.org", False), (None, False)],
)
def test_loopback(host: str | None, expected: bool) -> None:
    assert is_loopback(host) is expected


@pytest.mark.parametrize(
    ("entries", "fault"),
    [
        ([published("ours", file("ours.pth"), size=1)], "size"),
        ([published("ours", file("ours.pth", size_bytes=0))], "size_bytes"),
        ([published("ours", file("ours.pth", sha256="1"))], "sha256"),
        ([published("ours", file("ours.pth"), terms="")], "terms"),
        ([published("ours")], "must be one .pth file"),
        ([published("ours", file("ours.bin"))], "must be one .pth file"),
        ([pair("ours", files=[file("ours.safetensors")])], "must be ours.safetensors and ours.json"),
        ([pair("ours", files=[file("x.safetensors"), file("x.json")])], "must be ours.safetensors and ours.json"),
        ([pair("ours"), pair("ours")], "each name may appear once"),
        ([published("a", file("x.pth")), published("b", file("X.pth"))], "each file name may appear once"),
    ],
)
def test_an_entry_with_a_fault_is_refused(tmp_path: Path, entries: list[dict[str, Any]], fault: str) -> None:
    assert fault in refusal(write_manifest(tmp_path, *entries))


def test_an_unreadable_manifest_is_refused(tmp_path: Path) -> None:
    assert "manifest.json" in refusal(tmp_path / "manifest.json")
    assert "version" in refusal(write_manifest(tmp_path, version=2))
    assert "cannot read" in refusal(tmp_path)


@pytest.mark.parametrize(
    ("environment", "platform", "expected"),
    [
        ({"KEYREID_HOME": "/data/keyreid", "XDG_CACHE_HOME": "/x"}, "linux", Path("/data/keyreid/weights")),
        ({"XDG_CACHE_HOME": "/x"}, "linux", Path("/x/keyreid/weights")),
        ({"XDG_CACHE_HOME": ""}, "linux", Path.home() / ".cache/keyreid/weights"),
        ({}, "darwin", Path.home() / "Library/Caches/keyreid/weights"),
        ({"LOCALAPPDATA": "/local"}, "win32", Path("/local/keyreid/weights")),
        ({}, "win32", Path.home() / "AppData/Local/keyreid/weights"),
    ],
)
def test_the_folder_follows_the_platform(environment: dict[str, str], platform: str, expected: Path) -> None:
    assert weights_folder(environment, platform) == expected


def test_imported_names_are_pairs_with_plain_names(tmp_path: Path) -> None:
    put_pair(tmp_path, "b-1.2")
    put_pair(tmp_path, "a")
    put_pair(tmp_path, ".hidden")
    put_pair(tmp_path, "[red]")
    (tmp_path / "alone.safetensors").write_bytes(b"")
    assert imported_names(tmp_path) == ["a", "b-1.2"]
    assert imported_names(tmp_path / "nowhere") == []


def test_an_imported_name_is_resolved(tmp_path: Path) -> None:
    path = put_pair(tmp_path, "tiny-world")
    assert resolve_weights("tiny-world", folder=tmp_path) == path


def test_shipped_weights_have_a_name_and_a_users_own_go_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("keyreid_stream.models.known_weights.SHIPPED", tmp_path / "shipped")
    shipped = put_pair(tmp_path / "shipped", "keyreid-tiny")
    assert shipped_names() == ("keyreid-tiny",)
    assert resolve_weights("keyreid-tiny", folder=tmp_path / "own") == shipped
    own = put_pair(tmp_path / "own", "keyreid-tiny")
    assert resolve_weights("keyreid-tiny", folder=tmp_path / "own") == own


def test_the_default_folder_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEYREID_HOME", str(tmp_path))
    path = put_pair(tmp_path / "weights", "tiny-world")
    assert resolve_weights("tiny-world") == path


def test_a_fetched_checkpoint_is_resolved_and_a_converted_one_comes_before_it(tmp_path: Path) -> None:
    manifest = write_manifest(tmp_path, published("ours", file("theirs.pth")))
    (tmp_path / "theirs.pth").write_bytes(b"abc")
    assert resolve_weights("ours", folder=tmp_path, manifest=manifest) == tmp_path / "theirs.pth"
    converted = put_pair(tmp_path, "ours")
    assert resolve_weights("ours", folder=tmp_path, manifest=manifest) == converted


def test_known_weights_that_are_not_here_name_the_command(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="keyreid weights fetch published-mars"):
        resolve_weights("published-mars", folder=tmp_path)
    (tmp_path / "Marsbest.pth").write_bytes(b"cut short")
    with pytest.raises(WeightsError, match="keyreid weights fetch published-mars"):
        resolve_weights("published-mars", folder=tmp_path)


def test_an_unknown_name_lists_what_there_is(tmp_path: Path) -> None:
    put_pair(tmp_path, "tiny-world")
    with pytest.raises(WeightsError, match=r"'tinny'.*tiny-world.*keyreid weights fetch.*published-mars"):
        resolve_weights("tinny", folder=tmp_path)
    with pytest.raises(WeightsError, match="cannot be called"):
        resolve_weights("..", folder=tmp_path)


def test_a_path_is_taken_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = put_pair(tmp_path, "mine")
    assert resolve_weights(path) == path
    assert resolve_weights(str(path)) == path
    monkeypatch.chdir(tmp_path)
    assert resolve_weights("mine.json") == Path("mine.json")
    assert resolve_weights(Path("mine.safetensors")) == Path("mine.safetensors")


def test_a_path_to_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="does not exist"):
        resolve_weights(tmp_path / "published-mars")
    with pytest.raises(WeightsError, match="does not exist"):
        resolve_weights("gone.safetensors")
    with pytest.raises(WeightsError, match="is not a file"):
        resolve_weights(tmp_path)


def test_a_file_in_the_working_directory_does_not_shadow_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put_pair(tmp_path / "cache", "tiny-world")
    monkeypatch.chdir(tmp_path)
    Path("tiny-world").write_bytes(b"something else")
    assert resolve_weights("tiny-world", folder=tmp_path / "cache") == path
