"""The `keyreid` command: parse, compose, exit codes.

Exit codes: 0 done; 1 something failed; 2 bad input, told in one line; 130 interrupted (what was written is complete).
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import version
from typing import Annotated, Any, NamedTuple

import typer
from typer.exceptions import TyperException

from keyreid_stream.errors import InputError, KeyReIDError

FAILED = 1
BAD_INPUT = 2


class Command(NamedTuple):
    """A command or a group of them: where it is, and what the list of commands says of it."""

    module: str
    name: str
    help: str

    def load(self) -> Any:
        """The function, or the group's Typer."""
        return getattr(import_module(self.module), self.name)


COMMANDS = {
    "demo": Command(
        "keyreid_stream.cli.demo",
        "demo",
        "Draw a world, follow its people across its cameras, score that against the truth, and write a report.",
    ),
    "track": Command(
        "keyreid_stream.cli.track",
        "track",
        "Find, track and identify people across cameras; leave events, tracks, videos and a report in a folder.",
    ),
    "check": Command(
        "keyreid_stream.cli.check",
        "check",
        "Try every camera and every output of a deployment for some seconds, without models.",
    ),
    "doctor": Command(
        "keyreid_stream.cli.doctor",
        "doctor",
        "Show the machine, the versions, and which backends run here and why the others do not.",
    ),
    "engine": Command(
        "keyreid_stream.cli.engine",
        "engine_app",
        "Build, list, inspect, validate, measure, export and clean compiled models.",
    ),
    "eval": Command("keyreid_stream.cli.evaluate", "eval_app", "Scores against truth."),
    "gallery": Command(
        "keyreid_stream.cli.gallery", "gallery_app", "People who are known, and why they are who they are."
    ),
    "show": Command("keyreid_stream.cli.show", "show_app", "Pictures of what the model looks at."),
    "train": Command("keyreid_stream.cli.train", "train_app", "Train a model: keyreid train RECIPE --data ROOT."),
    "ui": Command(
        "keyreid_stream.cli.ui",
        "ui",
        "Open the page: runs, the people in them, search, and what the model looks at, in a browser.",
    ),
    "weights": Command("keyreid_stream.cli.weights", "weights_app", "List, fetch, import and show weights."),
    "world": Command("keyreid_stream.cli.world", "world_app", "Synthetic worlds with perfect truth."),
}
"""Every command by name, in the order of the help."""


def app_for(arguments: Sequence[str]) -> typer.Typer:
    """The application for a command line: of its commands, only the one that is called is loaded.

    Loading them all takes seconds, which `keyreid --help` and a mistyped name should not cost.
    """
    called = next((word for word in arguments if not word.startswith("-")), None)
    app = typer.Typer(name="keyreid", add_completion=False, pretty_exceptions_enable=False)
    app.callback(invoke_without_command=True)(keyreid)
    for name, command in COMMANDS.items():
        if name != called:
            app.command(name, help=command.help)(_not_called)
        elif isinstance(loaded := command.load(), typer.Typer):
            app.add_typer(loaded, name=name)
        else:
            app.command(name)(loaded)
    return app


def keyreid(
    context: typer.Context,
    show_version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    """Many cameras in, one list of people out."""
    if show_version:
        typer.echo(f"keyreid-stream {version('keyreid-stream')}")
    elif context.invoked_subcommand is None:
        typer.echo(context.get_help())


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code; `arguments` default to the process's."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    try:
        code = app_for(words)(args=words, prog_name="keyreid", standalone_mode=False)
    except TyperException as error:
        message = error.format_message().rstrip(".")
        # A group that was called without a command has shown its help; nothing is left to be said.
        return _refuse(f"{message}; see: keyreid --help", BAD_INPUT) if message else BAD_INPUT
    except InputError as error:
        return _refuse(str(error), BAD_INPUT)
    except KeyReIDError as error:
        return _refuse(str(error), FAILED)
    return code if isinstance(code, int) else 0


def _not_called() -> None:
    """Stands in the list of commands for one that is not loaded."""


def _refuse(message: str, code: int) -> int:
    typer.echo(f"keyreid: {' '.join(message.split())}", err=True)
    return code
