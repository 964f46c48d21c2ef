"""Build the documentation into ``site/``, strictly.

A link or an anchor that leads nowhere, a page that no menu names and anything fetched from elsewhere are
errors.

    python tools/docs/build.py
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from columns import columns_by_command
from commands import commands_page
from links import troubles

ROOT = Path(__file__).resolve().parents[2]
COLORS = re.compile("\x1b\\[[0-9;]*m")  # of a terminal


def build(root: Path) -> list[str]:
    """Build what ``zensical.toml`` in the folder says; returns what is wrong, a line each."""
    (root / "docs" / "reference" / "commands.md").write_text(commands_page(columns_by_command()), "utf-8")
    command = [sys.executable, "-m", "zensical", "build", "--strict", "--clean"]
    finished = subprocess.run(command, cwd=root, capture_output=True, text=True)
    if finished.returncode:
        return [COLORS.sub("", finished.stdout + finished.stderr.partition("Traceback")[0])]
    return [*not_in_the_menu(root), *troubles(root / "site")]


def not_in_the_menu(root: Path) -> list[str]:
    """Pages that nobody would find."""
    settings = tomllib.loads((root / "zensical.toml").read_text("utf-8"))
    named = set(pages_of(settings["project"]["nav"]))
    there = {path.relative_to(root / "docs").as_posix() for path in (root / "docs").rglob("*.md")}
    return [f"docs/{page}: not in the menu (nav in zensical.toml)" for page in sorted(there - named)]


def pages_of(entry: Any) -> Iterator[str]:
    """The pages of a menu, of whatever depth."""
    if isinstance(entry, str):
        yield entry
    else:
        for one in entry.values() if isinstance(entry, dict) else entry:
            yield from pages_of(one)


if __name__ == "__main__":
    wrong = build(ROOT)
    print("\n".join([*wrong, f"{len(wrong)} errors"]) if wrong else f"see {ROOT / 'site' / 'index.html'}")
    sys.exit(bool(wrong))
