"""What the `keyreid train` commands share: where data sets are, and how far a long look through one has come."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from keyreid_stream.errors import ConfigError

DataOption: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--data", help="Folder with the data sets by name, or NAME=FOLDER for one; may be repeated."),
]


def data_folders(given: list[str] | None) -> tuple[Path | None, dict[str, Path]]:
    """What `--data` says: a root for all data sets, and folders of single ones.

    Raises:
        ConfigError: there are two roots.
    """
    root: Path | None = None
    folders: dict[str, Path] = {}
    for text in given or []:
        name, separator, folder = text.partition("=")
        if separator:
            folders[name] = Path(folder)
        elif root is None:
            root = Path(text)
        else:
            raise ConfigError(f"--data {text}: there is a root already ({root}); give further folders as NAME=FOLDER")
    return root, folders


def every_thousand() -> Callable[[int, int], None]:
    """Prints a line on standard error each time another thousand is done, and at the end."""
    told = 0

    def tell(done: int, total: int) -> None:
        nonlocal told
        if done // 1000 > told or done == total:
            told = done // 1000
            typer.echo(f"{done}/{total}", err=True)

    return tell
