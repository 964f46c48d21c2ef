from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import pytest
import typer
from typer.testing import CliRunner

from easiness.cli.kit.spread import Fields, spread
from easiness.spec import Option


def number(text: str) -> int:
    if not text.isdigit():
        raise ValueError(f"{text} is no number")
    return int(text)


@dataclass(frozen=True)
class Cooking:
    dish: Annotated[str, Option("--dish", "What to cook.")] = "soup"
    hours: Annotated[int | None, Option("--hours", "How long.", metavar="H", read=number)] = None
    salted: Annotated[bool, Option("--salt/--no-salt", "With salt.", also=(" /--bland",))] = True
    lid: Annotated[bool, Option("--lid", "On or off.", words={"on": True, "off": False})] = False
    cook: str = "nobody"


class Kitchen:
    """A command with one value of options, and what it was called with."""

    def __init__(self, *fields: Fields) -> None:
        self.seen: list[tuple[str, Cooking]] = []
        kind: Any = Annotated[Cooking, fields[0]] if fields else Cooking

        def cook(name: Annotated[str, typer.Argument()], cooking: kind) -> None:
            self.seen.append((name, cooking))

        cook.__annotations__ = {"name": Annotated[str, typer.Argument()], "cooking": kind, "return": None}
        self.app = typer.Typer(add_completion=False)
        self.app.command()(spread(cook))

    def __call__(self, *arguments: str) -> Any:
        return CliRunner().invoke(self.app, [*arguments])


def test_a_value_is_spread_into_options_and_put_together_again():
    kitchen = Kitchen()
    assert kitchen("ann").exit_code == 0
    assert kitchen("bob", "--dish", "rice", "--hours", "3", "--no-salt", "--lid", "on").exit_code == 0
    assert kitchen.seen == [("ann", Cooking()), ("bob", Cooking("rice", 3, salted=False, lid=True))]


def test_what_cannot_be_read_names_the_option():
    finished = Kitchen()("ann", "--hours", "many")
    assert finished.exit_code == 2
    assert "Invalid value for '--hours': many is no number" in finished.output


def test_a_command_may_take_some_fields_with_words_of_its_own():
    kitchen = Kitchen(
        Fields(("dish", "lid"), required=("dish",), help={"lid": "Shut it."}, defaults={"lid": True})
    )
    text = kitchen("--help").output
    assert "Shut it." in text
    assert "--hours" not in text
    assert kitchen("ann").exit_code == 2
    assert kitchen("ann", "--dish", "rice").exit_code == 0
    assert kitchen.seen == [("ann", Cooking("rice", lid=True))]


@pytest.mark.parametrize(
    ("flags", "salted"), [([], True), (["--salt"], True), (["--no-salt"], False), (["--bland"], False)]
)
def test_a_flag_is_given_either_way_and_by_other_spellings(flags, salted):
    kitchen = Kitchen()
    assert kitchen("ann", *flags).exit_code == 0
    assert kitchen.seen == [("ann", Cooking(salted=salted))]


@pytest.mark.parametrize("wrong", ["--pepper", "--cook"])
def test_other_options_are_unknown(wrong):
    assert Kitchen()("ann", wrong, "x").exit_code == 2
