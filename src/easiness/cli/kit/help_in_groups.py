"""Commands whose help is in groups, those most needed first, as plain text; an empty value is refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias, get_args

from typer.core import TyperCommand, TyperGroup

from easiness.errors import BadInput
from easiness.spec import OptionGroup

WIDEST = 110
"""Columns of a terminal that help fills at most."""
_NAMES = 30  # columns of the names, beyond which their help begins on the next line

Sections: TypeAlias = dict[str, list[tuple[str, str]]]
"""Of each group what is typed, and its help."""


class CommandsInGroups(TyperGroup):
    """``easiness --help``, where each command is registered with its group as its panel."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write a section for each group, in the order of registration."""
        room = formatter.width - 6 - max(map(len, self.list_commands(ctx)))
        sections: Sections = {}
        for name, command in self.commands.items():
            group = getattr(command, "rich_help_panel", None) or "Commands"
            sections.setdefault(group, []).append((name, command.get_short_help_str(room)))
        _write(formatter, sections)


class OptionsInGroups(TyperCommand):
    """A command. Its help has options of no group first, then a section for each group."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the arguments, none of which may be empty: of a shell's variable that is not set.

        A path of no letters would be the current folder.
        """
        given, *_ = self.make_parser(ctx).parse_args(args=list(args))
        for one in self.get_params(ctx):
            value = given.get(one.name)
            if value == "" or (isinstance(value, list | tuple) and "" in value):
                rest = "" if one.required else ", or leave it out"
                named = one.opts[0] if one.param_type_name == "option" else one.name.upper()
                raise BadInput(f"{named} '': is empty; give a value{rest}")
        read: list[str] = super().parse_args(ctx, args)
        return read

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the sections."""
        _write(formatter, sections_of(self, ctx))


def sections_of(command: Any, ctx: Any) -> Sections:
    """What a command takes, in the order of its help; in each section what is required comes first."""
    sections: Sections = {group: [] for group in ("Arguments", "Options", *get_args(OptionGroup))}
    for one in sorted(command.get_params(ctx), key=lambda one: not one.required):
        told = one.get_help_record(ctx)
        # the library's own --help has no panel
        group = getattr(one, "rich_help_panel", None) or f"{one.param_type_name.capitalize()}s"
        if told is not None:
            sections[group].append(told)
    return {group: told for group, told in sections.items() if told}


def _write(formatter: Any, sections: Mapping[str, list[tuple[str, str]]]) -> None:
    """Write sections whose second columns stand under each other."""
    width = min(max(len(name) for told in sections.values() for name, _ in told), _NAMES)
    for group, told in sections.items():
        with formatter.section(group):
            formatter.write_dl([(name.ljust(width), about) for name, about in told])
