"""The `keyreid` command: parse, compose, exit codes.

Exit codes: 0 done; 1 something failed; 2 bad input, told in one line; 130 interrupted (what was written is complete).
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from typing import Annotated

import typer
from typer.exceptions import TyperException

from keyreid_stream.cli.demo import demo
from keyreid_stream.cli.evaluate import eval_app
from keyreid_stream.cli.track import track
from keyreid_stream.cli.train import train_app
from keyreid_stream.cli.weights import weights_app
from keyreid_stream.cli.world import world_app
from keyreid_stream.errors import InputError, KeyReIDError

FAILED = 1
BAD_INPUT = 2

app = typer.Typer(name="keyreid", add_completion=False, pretty_exceptions_enable=False)
app.command()(demo)
app.command()(track)
app.add_typer(eval_app, name="eval")
app.add_typer(train_app, name="train")
app.add_typer(weights_app, name="weights")
app.add_typer(world_app, name="world")


@app.callback(invoke_without_command=True)
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
    try:
        code = app(args=arguments, prog_name="keyreid", standalone_mode=False)
    except TyperException as error:
        message = error.format_message().rstrip(".")
        # A group that was called without a command has shown its help; nothing is left to be said.
        return _refuse(f"{message}; see: keyreid --help", BAD_INPUT) if message else BAD_INPUT
    except InputError as error:
        return _refuse(str(error), BAD_INPUT)
    except KeyReIDError as error:
        return _refuse(str(error), FAILED)
    return code if isinstance(code, int) else 0


def _refuse(message: str, code: int) -> int:
    typer.echo(f"keyreid: {' '.join(message.split())}", err=True)
    return code
