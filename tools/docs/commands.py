"""The page of the command line: every command with its options, as the program itself says them."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import typer

from easiness.cli.main import app, sections_of
from easiness.commands import COMMANDS, PAPER

HEAD = """# Command line

What `easiness COMMAND --help` says, taken from the program when these pages are built. `--debug` goes with
every command and shows the traceback of an error. Exit codes: 0 done, 1 ran and failed, 2 bad input or usage,
130 interrupted.
"""
DEFAULT = re.compile(r"\s*\[default: (.*)\]$", re.DOTALL)
NAMES = re.compile(r"(?<!\S)--?[a-z][a-z-]*")
REQUIRED = re.compile(r"\s*\[required\]$")


def commands_page(columns: Mapping[str, str] = MappingProxyType({})) -> str:
    """Markdown, a section for each command in the order of ``easiness --help``.

    ``columns`` documents those of the tables of a command, by its name.
    """
    listed: dict[str, list[str]] = {}
    for one in (*COMMANDS, *PAPER):
        listed.setdefault(one.group, []).append(
            f"- [`{one.name}`](#{anchor(one.name)}): {plain(one.summary)}"
        )
    groups = [f"**{group}**\n\n" + "\n".join(lines) for group, lines in listed.items()]
    sections = [
        "\n\n".join(filter(None, (section(one.name), columns.get(one.name)))) for one in (*COMMANDS, *PAPER)
    ]
    return "\n\n".join([HEAD.strip(), *groups, *sections]) + "\n"


def loaded(name: str) -> tuple[Any, Any]:
    """A command of the front door, or below ``paper``, with its context."""
    command: Any = typer.main.get_command(app)
    context = command.make_context("easiness", [], resilient_parsing=True)
    for word in name.split():
        command = command.get_command(context, word)
        context = command.make_context(word, [], resilient_parsing=True, parent=context)
    return command, context


def anchor(name: str) -> str:
    """Where the section of a command is in the page."""
    return name.replace(" ", "-")


def section(name: str) -> str:
    """One command: what it does, how it is called, and its options, a table for each group."""
    command, context = loaded(name)
    told = sections_of(command, context)
    arguments = [one.split(" <")[0].strip("{}[]").upper() for one, _ in told.get("Arguments", [])]
    called = " ".join(["easiness", name, *arguments])
    text = "\n\n".join(plain(part) for part in (command.help or "").split("\n\n"))
    tables = [
        f"**{group}**\n\n| option | meaning | default |\n| --- | --- | --- |\n"
        + "\n".join(row(*record) for record in records if record[0] != "--help")
        for group, records in told.items()
    ]
    return "\n\n".join([f"## `{name}` {{ #{anchor(name)} }}", text, f"`{called} [OPTIONS]`", *tables])


def row(names: str, text: str) -> str:
    """An option: its names, its help, and what it is unless given."""
    default = DEFAULT.search(text)
    standing = f"`{default[1]}`" if default else "required" if REQUIRED.search(text) else ""
    meaning = plain(REQUIRED.sub("", DEFAULT.sub("", text)))
    *called, last = NAMES.findall(names) or [names.split()[0]]
    values = names.partition(last)[2].strip().strip("<>").replace("|", " | ")
    values = re.sub(r"^list\[(\w+)\]$", lambda found: found[1].lower(), values)
    name = f"<code>{html.escape(', '.join([*called, last]))}</code>"
    taken = f"<br><small>{cell(plain(values))}</small>" if values else ""
    return f"| {name}{taken} | {cell(meaning)} | {cell(standing)} |"


def plain(text: str) -> str:
    """On one line, and nothing in it is markup."""
    return re.sub(r"([\\`*_\[\]<>#])", r"\\\1", " ".join(text.split()))


def cell(text: str) -> str:
    """In a table a bar would end the cell."""
    return text.replace("|", "&#124;") if not text.startswith("`") else text.replace("|", "\\|")
