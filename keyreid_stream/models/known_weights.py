"""The weights that can be asked for by name: what they are, where they lie, and where they are kept on this machine.

The built-in list is data, `known_weights.json`; a file of the same form extends it, so that a company or a test can
point to a server of its own.
"""

from __future__ import annotations

import ipaddress
import os
import re
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self, TypeAlias
from urllib.parse import urlsplit, urlunsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

from keyreid_stream.errors import WeightsError
from keyreid_stream.models.config import NAME_PATTERN
from keyreid_stream.models.weights import MAX_WEIGHTS_BYTES, PlainText, Sha256, read_json

SHIPPED = Path(__file__).parent / "shipped"
"""Weights that come with the package."""

MANIFEST_VARIABLE = "KEYREID_WEIGHTS_MANIFEST"
HOME_VARIABLE = "KEYREID_HOME"
PATH_ENDINGS = (".safetensors", ".json", ".pth")
"""What ends like this is the path of a file; what does not, and has no separator, is a name."""

_BUILT_IN = Path(__file__).with_name("known_weights.json")


def check_name(name: str) -> str:
    """The name itself, if weights may be called so.

    Raises:
        WeightsError: they may not.
    """
    if not _is_name(name):
        raise WeightsError(
            f"weights cannot be called {name!r}; use up to 64 letters, digits, dots, hyphens and underscores, "
            f"the first a letter or digit, without an ending like {', '.join(PATH_ENDINGS)}"
        )
    return name


def is_loopback(host: str | None) -> bool:
    """Whether a URL's host is this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False


def _is_name(name: str) -> bool:
    return len(name) <= 64 and re.fullmatch(NAME_PATTERN, name) is not None and not name.endswith(PATH_ENDINGS)


# Both become paths in the folder of weights: no separators, no leading dot, and so no way out of it.
WeightsName: TypeAlias = Annotated[str, AfterValidator(check_name)]
FileName: TypeAlias = Annotated[str, StringConstraints(max_length=80, pattern=NAME_PATTERN)]


class RemoteFile(BaseModel):
    """One file on a server.

    Attributes:
        file_name: its name in the folder of weights.
        url: https, or http on this machine.
        size_bytes: its exact size.
        sha256: of its content.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    file_name: FileName
    url: Annotated[str, StringConstraints(max_length=2000, pattern=r"^[!-\[\]-~]+$")]
    size_bytes: int = Field(ge=1, le=MAX_WEIGHTS_BYTES)
    sha256: Sha256

    @field_validator("url")
    @classmethod
    def _is_safe(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.hostname and (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname))):
            return url
        raise ValueError("must start with https:// (plain http only for this machine)")

    @property
    def shown_url(self) -> str:
        """The URL without what may be secret in it, user, password and query: this is what people are shown."""
        parts = urlsplit(self.url)
        return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


class KnownWeights(BaseModel):
    """Weights that can be fetched by name.

    Attributes:
        name: what users call them.
        format: `published`, one checkpoint file in the published layout; `keyreid`, our pair of files.
        description: what they are, in a sentence.
        data_sets: what they were trained on.
        terms: licence or terms of use; says so where none is stated.
        files: the file that holds the parameters first.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: WeightsName
    format: Literal["published", "keyreid"]
    description: PlainText
    data_sets: tuple[PlainText, ...] = ()
    terms: PlainText = Field(min_length=1)
    files: tuple[RemoteFile, ...]

    @model_validator(mode="after")
    def _files_fit_the_format(self) -> Self:
        given = [file.file_name for file in self.files]
        if self.format == "keyreid" and given != [f"{self.name}.safetensors", f"{self.name}.json"]:
            raise ValueError(f"files of {self.name} must be {self.name}.safetensors and {self.name}.json, got {given}")
        if self.format == "published" and (len(given) != 1 or not given[0].endswith(".pth")):
            raise ValueError(f"files of {self.name} must be one .pth file, got {given}")
        return self

    @property
    def size_bytes(self) -> int:
        """All files together."""
        return sum(file.size_bytes for file in self.files)

    def path_in(self, folder: Path) -> Path:
        """Where the parameters lie in a folder of weights, once fetched."""
        return folder / self.files[0].file_name

    def is_in(self, folder: Path) -> bool:
        """Whether all files are there in the right size (content is checked when they are fetched and loaded)."""
        places = [(folder / file.file_name, file.size_bytes) for file in self.files]
        return all(path.is_file() and path.stat().st_size == size for path, size in places)


class WeightsManifest(BaseModel):
    """A list of known weights, as a JSON file holds it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1]
    weights: tuple[KnownWeights, ...]

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        _check_unique("name", [entry.name for entry in self.weights])
        # Some file systems do not tell upper case from lower case.
        _check_unique("file name", [file.file_name.lower() for entry in self.weights for file in entry.files])
        return self


def known_weights(manifest: Path | None = None) -> dict[str, KnownWeights]:
    """The known weights by name: the built-in ones, extended by a JSON file.

    Args:
        manifest: the file; by default what the environment variable KEYREID_WEIGHTS_MANIFEST names, if anything. An
            entry with a built-in name takes its place.

    Raises:
        WeightsError: the file cannot be read or holds something that is not allowed.
    """
    entries = {entry.name: entry for entry in read_json(_BUILT_IN, WeightsManifest).weights}
    manifest = manifest or _path_from_environment(MANIFEST_VARIABLE)
    if manifest is not None:
        entries |= {entry.name: entry for entry in read_json(manifest, WeightsManifest).weights}
        try:
            WeightsManifest(version=1, weights=tuple(entries.values()))
        except ValueError:
            raise WeightsError(f"{str(manifest)!r} gives a file the name of a built-in one; choose another") from None
    return entries


def published_origin(sha256: str, known: Mapping[str, KnownWeights]) -> KnownWeights | None:
    """The known weights with this SHA-256, if any."""
    return next((entry for entry in known.values() if entry.files[0].sha256 == sha256), None)


def weights_folder(environment: Mapping[str, str] = os.environ, platform: str = sys.platform) -> Path:
    """Where fetched and imported weights are kept: `$KEYREID_HOME/weights`, else in the user's cache folder."""
    if home := environment.get(HOME_VARIABLE):
        return Path(home) / "weights"
    if platform == "win32":
        cache = environment.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    elif platform == "darwin":
        cache = Path.home() / "Library" / "Caches"
    else:
        cache = environment.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "keyreid" / "weights"


def imported_names(folder: Path) -> list[str]:
    """Names of the pairs in a folder of weights, sorted; files that the user called otherwise are passed over."""
    pairs = (path.stem for path in folder.glob("*.safetensors") if path.with_suffix(".json").is_file())
    return sorted(name for name in pairs if _is_name(name))


def shipped_names() -> tuple[str, ...]:
    """Names of the weights that come with the package."""
    return tuple(sorted(path.stem for path in SHIPPED.glob("*.safetensors")))


def resolve_weights(name_or_path: Path | str, *, folder: Path | None = None, manifest: Path | None = None) -> Path:
    """The file that a user means; nothing is fetched.

    Args:
        name_or_path: a path (it has a separator or ends in .safetensors, .json or .pth), or the name of imported,
            shipped or fetched weights; a user's own go first.
        folder: of weights; by default `weights_folder()`.
        manifest: see `known_weights`.

    Returns:
        An existing file: one of our pair, or a checkpoint in the published layout (`.pth`). A pair comes before a
        checkpoint of the same name.

    Raises:
        WeightsError: there is no such file or name; lists the names that can be used.
    """
    if _is_path(name_or_path):
        return _existing_file(Path(name_or_path))
    name = check_name(str(name_or_path))
    folder = folder or weights_folder()
    known = known_weights(manifest)
    imported = imported_names(folder)
    if name in imported:
        return folder / f"{name}.safetensors"
    if name in shipped_names():
        return SHIPPED / f"{name}.safetensors"
    if name in known and known[name].is_in(folder):
        return known[name].path_in(folder)
    if name in known:
        raise WeightsError(f"weights {name!r} are not on this machine; run: keyreid weights fetch {name}")
    raise WeightsError(
        f"unknown weights {name!r}; shipped: {', '.join(shipped_names()) or 'none'}; "
        f"imported: {', '.join(imported) or 'none'}; "
        f"can be fetched with keyreid weights fetch NAME: {', '.join(sorted(known))}; or give a path"
    )


def _is_path(given: Path | str) -> bool:
    text = str(given)
    return isinstance(given, Path) or "/" in text or os.sep in text or text.endswith(PATH_ENDINGS)


def _existing_file(path: Path) -> Path:
    if path.is_file():
        return path
    fault = "is not a file" if path.exists() else "does not exist"
    raise WeightsError(f"{str(path)!r} {fault}; give a .safetensors or .pth file, or a name of: keyreid weights list")


def _path_from_environment(variable: str) -> Path | None:
    value = os.environ.get(variable)
    return Path(value) if value else None


def _check_unique(what: str, values: list[str]) -> None:
    twice = [value for value, count in Counter(values).items() if count > 1]
    if twice:
        raise ValueError(f"each {what} may appear once, got {twice[0]!r} twice")
