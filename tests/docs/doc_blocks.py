"""The fenced blocks of README.md and the pages under docs, and what a shell line in them asks for."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

ROOT = Path(__file__).parents[2]
SAVED = re.compile(r"Save (it|this)\s+as\s+`([^`]+)`")
ASSIGNMENT = re.compile(r"[A-Z_]+=\S*")


@dataclass(frozen=True)
class Block:
    """A fenced block of a page; ``saved`` is the name under which a reader is told to save it."""

    page: str
    line: int
    language: str
    text: str
    saved: str | None = None

    @property
    def place(self) -> str:
        """Where it begins."""
        return f"{self.page}:{self.line}"


def pages() -> list[str]:
    """All pages, by their paths in the project; that of the command line is written when they are built."""
    found = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return [path.relative_to(ROOT).as_posix() for path in found if path.name != "commands.md"]


def blocks_of(page: str) -> list[Block]:
    """The fenced blocks of a page in order."""
    return blocks_in(page, (ROOT / page).read_text("utf-8"))


def blocks_in(page: str, text: str) -> list[Block]:
    """The fenced blocks in the text of a page.

    "Save this as" stands before the block that it means, "Save it as" behind it.
    """
    found: list[Block] = []
    name = None  # of the block that comes next
    for token in MarkdownIt().enable("table").parse(text):
        if token.type == "inline" and (said := SAVED.search(token.content)):
            if said[1] == "it":
                last = found.pop()
                found.append(Block(last.page, last.line, last.language, last.text, said[2]))
            else:
                name = said[2]
        elif token.type == "fence":
            assert token.map is not None
            found.append(Block(page, token.map[0] + 1, token.info.strip(), token.content, name))
            name = None
    return found


def commands_in(text: str) -> list[list[str]]:
    """The words of each line of a shell block, without comments and the variables set before a command."""
    joined = text.replace("\\\n", " ")
    lines = [shlex.split(line, comments=True) for line in joined.splitlines()]
    return [strip_assignments(words) for words in lines if words]


def strip_assignments(words: list[str]) -> list[str]:
    """The command itself."""
    return strip_assignments(words[1:]) if ASSIGNMENT.fullmatch(words[0]) else words
