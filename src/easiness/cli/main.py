"""The ``easiness`` command: its subcommands, and one place where errors become a line and an exit code."""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
import re
import shlex
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Annotated, Any, NoReturn, TypeAlias, get_args

import typer
from typer.core import TyperCommand, TyperGroup

from easiness import engine, spec
from easiness.commands import COMMANDS, OLD_NAMES, OLD_OPTIONS, PAPER, CommandEntry, Group
from easiness.errors import (
    BadInput,
    EasinessError,
    end_by,
    forget_end,
    is_out_of_memory,
    printable,
    raise_end,
)
from easiness.named_import import needing_torch
from easiness.own_process import wait_passively
from easiness.regular_file import at_home
from easiness.standard_error import escaped_stdout, lenient_stderr

WIDEST = 110
"""Columns of a terminal that help fills at most."""
_GROUP_NAMES = 30  # columns of the names, beyond which their help begins on the next line
_PAPER = "Reproduce the paper: all of it, or one experiment."

Sections: TypeAlias = dict[str, list[tuple[str, str]]]
"""Words to type and their help, by group."""


class CommandsInGroups(TyperGroup):
    """``easiness --help``; a command is loaded when it is asked for."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002
        return [one.name.removeprefix(self.prefix) for one in self._entries()]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002
        """The command of a name; one of before is refused with the name that it has now."""
        if not self.prefix and cmd_name in OLD_NAMES:
            raise BadInput(f"{cmd_name}: is `easiness {OLD_NAMES[cmd_name]}` now; type that")
        command = _command(f"{self.prefix}{cmd_name}")
        if command is None and self.prefix and not cmd_name.startswith("-"):
            raise BadInput(
                f"paper: {cmd_name!r} is none of its experiments; `easiness paper all {cmd_name}` reproduces "
                "all on such data"
            )
        return command

    prefix = ""

    def _entries(self) -> Sequence[CommandEntry]:
        return [*COMMANDS, CommandEntry("paper", "Paper", "", _PAPER), *engine.registered_commands()]

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002
        sections: Sections = {group: [] for group in get_args(Group)}
        for one in self._entries():
            sections[one.group].append((one.name.removeprefix(self.prefix), one.summary))
        _write(formatter, {group: records for group, records in sections.items() if records})


class CommandsOfPaper(CommandsInGroups):
    """``easiness paper --help``."""

    prefix = "paper "

    def _entries(self) -> Sequence[CommandEntry]:
        return PAPER


class OptionsInGroups(TyperCommand):
    """A command. Its help has options of no group first, then a section for each group."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Refuse empty arguments, of variables that are not set: an empty path is the current folder."""
        values, *_ = self.make_parser(ctx).parse_args(args=list(args))
        for one in self.get_params(ctx):
            value = values.get(one.name)
            if value == "" or (isinstance(value, list | tuple) and "" in value):
                rest = "" if one.required else ", or leave it out"
                place = one.opts[0] if one.param_type_name == "option" else one.name.upper()
                raise BadInput(f"{place} '': is empty; give a value{rest}")
        read: list[str] = super().parse_args(ctx, args)
        return read

    def format_options(self, ctx: Any, formatter: Any) -> None:
        _write(formatter, sections_of(self, ctx))


def sections_of(command: Any, ctx: Any) -> Sections:
    """List what a command takes in the order of its help; required things come first in each section."""
    sections: Sections = {group: [] for group in ("Arguments", "Options", *get_args(spec.OptionGroup))}
    for one in sorted(command.get_params(ctx), key=lambda one: not one.required):
        record = one.get_help_record(ctx)
        # the library's own --help has no panel
        group = getattr(one, "rich_help_panel", None) or f"{one.param_type_name.capitalize()}s"
        if record is not None:
            sections[group].append(record)
    return {group: record for group, record in sections.items() if record}


def _write(formatter: Any, sections: Mapping[str, list[tuple[str, str]]]) -> None:
    width = min(max(len(name) for records in sections.values() for name, _ in records), _GROUP_NAMES)
    for group, records in sections.items():
        with formatter.section(group):
            formatter.write_dl([(name.ljust(width), about) for name, about in records])


class ProcessEnd(BaseException):
    """Request of a signal that this process ends; no `Exception`, as a `KeyboardInterrupt` is none."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.name = signal.Signals(number).name
        self.exit_code = 128 + number


@contextmanager
def raised_when_ended(line: Callable[[str], str]) -> Iterator[None]:
    """In the block SIGTERM and SIGHUP raise `ProcessEnd`, SIGINT `KeyboardInterrupt`; a second ends at once.

    The first lets workers, semaphores and files be tidied. The second says ``line`` of what has happened, and
    costs no more than a crash: stored files are whole at any moment. Afterwards signals have their old
    effects, but Ctrl-C does nothing while the interpreter ends. For a main thread alone.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    signals: list[int] = []

    def end(number: int, _frame: FrameType | None) -> NoReturn:
        signals.append(number)
        if len(signals) > 1:
            with suppress(OSError):  # not by print, in the middle of which this may be
                os.write(2, f"{line('ended at once')}\n".encode(errors="surrogateescape"))
            os._exit(128 + number)
        end_by(KeyboardInterrupt() if number == signal.SIGINT else ProcessEnd(number))

    # ignored where put into the background, and by nohup
    others = [one for one in (signal.SIGINT, signal.SIGHUP) if signal.getsignal(one) is not signal.SIG_IGN]
    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, *others)}
    try:
        yield
    finally:
        forget_end()
        atexit.register(signal.signal, signal.SIGINT, signal.SIG_IGN)
        for number, handler in before.items():
            signal.signal(number, handler)


_SETTINGS: dict[str, Any] = {
    "context_settings": {"max_content_width": WIDEST},
    "add_completion": False,
    "rich_markup_mode": None,
    "pretty_exceptions_enable": False,
}
app = typer.Typer(
    name="easiness",
    cls=CommandsInGroups,
    help="Measure which training examples a neural network finds easy and which hard.",
    **_SETTINGS,
)


@functools.cache
def _command(name: str) -> Any:
    """The command of a name as the command line has it; none of an unknown name."""
    program = typer.Typer(name=name, **_SETTINGS)
    if name == "paper":
        program = typer.Typer(name=name, cls=CommandsOfPaper, help=_PAPER, **_SETTINGS)
        program.callback()(lambda: None)
        return typer.main.get_command(program)
    one = engine.find_command(name)
    if one is None:
        return None
    program.command(cls=OptionsInGroups)(engine.command_of(engine.find_study(one)))
    command = typer.main.get_command(program)
    command.name = name.rpartition(" ")[2]
    return command


_MOST_SAID = 1200  # characters of a line, of which a path may take hundreds
_PATH = re.compile(r"\A(|--?\w[\w-]*=|-o)(~.*)", re.DOTALL)  # which a shell leaves as it is in `--out=~/run`
_NUMBERS = {"int_parsing": "give a whole number", "float_parsing": "give a number"}
_NAMES = {word for one in (*COMMANDS, *PAPER) for word in one.name.split()}
_parser = functools.cache(typer.main.get_command)  # once in a process, however many commands it runs


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


def _fail(message: str, code: int, debug: bool) -> NoReturn:
    if debug:
        print(traceback.format_exc(), end="", file=sys.stderr)  # without colours, which would be escaped
    print(f"easiness: {_one_line(message)}", file=sys.stderr)
    sys.exit(code)


def _one_line(message: str) -> str:
    """The message, whatever it quotes: a cell of a file may hold a novel, or what moves a cursor."""
    words = " ".join(message.split())
    if len(words) > _MOST_SAID:
        half = _MOST_SAID // 2
        words = f"{words[:half]} ... {words[-half:]}"
    return printable(words)


def _usage(error: Any) -> str:
    """The refusal of the command line, with the value that cannot be read, which newer versions leave out."""
    old = getattr(error, "option_name", None) or ""
    now = OLD_OPTIONS.get(old, "")
    options = {name for one in error.ctx.command.params for name in one.opts} if now and error.ctx else ()
    if now.startswith("`") or now.partition(" ")[0] in options:
        return f"{old}: is {now} now"
    message = str(error.format_message()).removesuffix(".")
    reasons = getattr(error.__cause__, "errors", None)
    if reasons is not None:
        first = reasons()[0]
        message = message.replace(
            first["msg"], f"{first['input']!r}: {_NUMBERS.get(first['type'], first['msg'])}"
        )
    return message.replace("Value error, ", "").partition("; use sys.")[0]  # advice for programmers


def _to_go_on() -> str:
    return f"everything finished so far is kept. To go on: {shlex.join(['easiness', *sys.argv[1:]])}"


def run() -> NoReturn:
    """Entry point: exit codes 0 done, 1 ran and failed, 2 bad input or usage, 130 interrupted, 143 ended."""
    wait_passively()  # before anything loads torch
    ending = raised_when_ended(lambda what: f"easiness: {_one_line(f'{what}; {_to_go_on()}')}")
    streams = contextlib.redirect_stdout(escaped_stdout()), contextlib.redirect_stderr(lenient_stderr())
    with streams[0], streams[1], ending:
        _run()
    sys.exit(0)


def _at_home(match: re.Match[str]) -> str:
    return f"{match[1]}{at_home(match[2])}"


def _run() -> None:
    """Run the command; what ends it otherwise than well ends the process, with a line where there is one."""
    arguments = [_PATH.sub(_at_home, argument) for argument in sys.argv[1:] if argument != "--debug"]
    debug = len(arguments) < len(sys.argv[1:])
    command = _parser(app)
    try:
        # not app(...), which ends some errors itself: an interrupt without a word, a closed pipe with 1
        words = arguments or ["--help"]
        with needing_torch(words[0]), command.make_context("easiness", words) as context:
            try:
                command.invoke(context)
            except Exception:
                raise_end()  # of which this may come
                raise
    except typer.Exit as ended:
        sys.exit(ended.exit_code)
    except EasinessError as error:
        _fail(f"error: {error}", error.exit_code, debug)
    except (KeyboardInterrupt, typer.Abort):
        _fail(f"interrupted; {_to_go_on()}", 130, debug)
    except ProcessEnd as ended:
        _fail(f"ended by {ended.name}; {_to_go_on()}", ended.exit_code, debug)
    except BrokenPipeError:
        # whoever read our output has gone: not an error, and nothing to tell
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except OSError as error:
        _fail(f"error: {error.filename or 'input or output'}: {error.strerror or error}", 1, debug)
    except Exception as error:
        if is_out_of_memory(error):
            full = "out of memory; everything finished so far is kept; free some and run it again"
            _fail(f"error: {full}", 1, debug)
        # usage errors of the command-line library, which prints them with a box or over several lines
        if not hasattr(error, "format_message"):
            raise
        message = _usage(error)
        # not by the error's context, which what the parser refuses by itself lacks
        typed = arguments[: 2 if arguments[:1] == ["paper"] else 1]
        about = " ".join(["easiness", *(one for one in typed if one in _NAMES or engine.find_command(one))])
        _fail(f"error: {message}; see `{about} --help`", 2, debug)
