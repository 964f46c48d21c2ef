"""The ``easiness`` command: its subcommands, and one place where errors become a line and an exit code."""

from __future__ import annotations

import os
import shlex
import sys
from typing import Annotated, NoReturn

import typer

from easiness.cli.compare import compare
from easiness.cli.measure import measure
from easiness.cli.report import report
from easiness.cli.scores import scores
from easiness.cli.status import status
from easiness.errors import EasinessError

app = typer.Typer(
    name="easiness",
    help="Measure which training examples a neural network finds easy and which hard.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.command()(measure)
app.command()(status)
app.command()(scores)
app.command()(compare)
app.command()(report)


def _show_version(value: bool) -> None:
    if value:
        from importlib.metadata import version

        typer.echo(version("easiness"))
        raise typer.Exit


# --debug is taken out of the arguments before parsing, so that it works anywhere; it is here for the help
@app.callback()
def _common(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    pass


def _fail(message: str, code: int) -> NoReturn:
    print(f"easiness: {' '.join(message.split())}", file=sys.stderr)
    sys.exit(code)


def run() -> NoReturn:
    """Entry point: exit codes 0 done, 1 ran and failed, 2 bad input or usage, 130 interrupted."""
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"]
    debug = len(arguments) < len(sys.argv[1:])
    try:
        code = app(args=arguments, prog_name="easiness", standalone_mode=False)
    except EasinessError as error:
        if debug:
            raise
        _fail(f"error: {error}", error.exit_code)
    except (KeyboardInterrupt, typer.Abort):
        _fail(
            "interrupted; everything finished so far is kept. To go on: "
            + shlex.join(["easiness", *sys.argv[1:]]),
            130,
        )
    except BrokenPipeError:
        # whoever read our output has gone: not an error, and nothing to tell
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except OSError as error:
        if debug:
            raise
        _fail(f"error: {error.filename or 'input or output'}: {error.strerror or error}", 1)
    except Exception as error:
        # usage errors of the command-line library, which prints them with a box or over several lines
        if debug or not hasattr(error, "format_message"):
            raise
        _fail(f"error: {error.format_message()}; see `easiness --help`", 2)
    sys.exit(code if isinstance(code, int) else 0)
