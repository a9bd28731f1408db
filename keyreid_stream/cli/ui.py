"""`keyreid ui`: the page in a browser."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from keyreid_stream.cli import INTERRUPTED
from keyreid_stream.cli.stop import STOP_SIGNALS
from keyreid_stream.config import deployment, read_settings
from keyreid_stream.errors import ConfigError, InputError, MissingExtraError
from keyreid_stream.monitor.config import LOOPBACK
from keyreid_stream.pose.shipped import WORLD_POSE_FILE
from keyreid_stream.run_folder import RunFolder

MAX_PASSWORD_BYTES = 64 * 1024
_SHIPPED = "of drawn people (shipped)"


def ui(
    run: Annotated[Path | None, typer.Option("--run", help="A run's folder to look at and work with.")] = None,
    live: Annotated[
        Path | None, typer.Option(help="A deployment's TOML file to run, and to watch, while the page is open.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for the results of --live; new or empty.")] = Path("runs/live"),
    pose: Annotated[
        list[str] | None, typer.Option("--pose", help="YOLO-pose weights that visitors may choose; may be repeated.")
    ] = None,
    weights: Annotated[
        list[str] | None, typer.Option("--weights", help="KeyRe-ID weights that visitors may choose; may be repeated.")
    ] = None,
    host: Annotated[str, typer.Option(help="Where to listen; 127.0.0.1 is for this machine alone.")] = "127.0.0.1",
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Port; by default the first free one from 7860 on.")
    ] = None,
    password_file: Annotated[
        Path | None, typer.Option(help="A file of `name:password` lines: who may come in.")
    ] = None,
    share: Annotated[
        bool, typer.Option("--share", help="Make a public address, through a server of Hugging Face.")
    ] = False,
    open_browser: Annotated[bool, typer.Option("--open/--no-open", help="Open a browser.")] = True,
) -> None:
    """Open the page: runs, the people in them, search, and what the model looks at, in a browser."""
    if find_spec("gradio") is None:
        raise MissingExtraError("gradio", "ui")
    users = () if password_file is None else _users(password_file)
    if not users and (share or host not in LOOPBACK):
        raise ConfigError(
            f"{'--share' if share else f'--host {host}'} lets others in, who would see people and change who they are; "
            "say who may with --password-file FILE, a line `name:password` for each"
        )
    if run is not None and live is not None:
        raise ConfigError("--run shows a run that has ended, --live one that goes on; give one of them")
    settings = None if live is None else read_settings(live)
    if settings is not None:
        deployment(settings)  # told here and now, not on the page
        RunFolder(out).check()
    detectors = {Path(one).name: one for one in pose or []} | {_SHIPPED: str(WORLD_POSE_FILE)}
    models: dict[str, str | None] = {Path(one).name: one for one in weights or []} | {"shipped": None}
    with _private_folder() as root:
        from keyreid_demos.app import PageConfig, served
        from keyreid_demos.networks import Networks
        from keyreid_demos.run_job import Request, RunJob
        from keyreid_demos.tab_track import Choices

        choices = Choices(detectors, models)
        networks = Networks(next(iter(models.values())), next(iter(detectors.values())))
        config = PageConfig(host, port, users, share)
        job = None if settings is None else RunJob(Request(settings), out.absolute())
        try:
            with served(config, choices, networks, root / "visits", run, job) as address:
                typer.echo(f"{address} (Ctrl-C ends it, and deletes what visitors brought)")
                if open_browser:
                    typer.launch(address)
                _wait_for_a_signal()
        except OSError as error:
            raise InputError(
                f"the page cannot listen on {host}:{port or 7860} ({error}); give another --port"
            ) from None
        finally:
            if job is not None:
                job.stop()
    raise typer.Exit(INTERRUPTED)


def _wait_for_a_signal() -> None:
    stop = threading.Event()
    previous = {number: signal.signal(number, lambda *_: stop.set()) for number in STOP_SIGNALS}
    try:
        stop.wait()
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


@contextmanager
def _private_folder() -> Iterator[Path]:
    """Where uploads and visitors' runs lie; Gradio reads where from the environment, when it is first imported."""
    root = Path(tempfile.mkdtemp(prefix="keyreid-ui-"))
    os.environ["GRADIO_TEMP_DIR"] = str(root / "uploads")
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["HF_HUB_OFFLINE"] = "1"
    try:
        yield root
    finally:
        shutil.rmtree(root, ignore_errors=True)


def _users(path: Path) -> tuple[tuple[str, str], ...]:
    try:
        if path.stat().st_size > MAX_PASSWORD_BYTES:
            raise InputError(f"--password-file {path} is larger than {MAX_PASSWORD_BYTES} bytes; give a short list")
        lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"--password-file {path} cannot be read ({error}); give a file of name:password lines"
        ) from None
    pairs = [line.partition(":") for line in lines if line and not line.startswith("#")]
    # Never the line itself in a message: it holds a password.
    if not pairs or not all(name and password for name, _, password in pairs):
        raise InputError(f"--password-file {path} must have a line `name:password` for everyone who may come in")
    return tuple((name, password) for name, _, password in pairs)
