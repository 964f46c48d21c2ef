"""``easiness report``: a page about a run, about several compared, or about a study."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from easiness import pages, store
from easiness.engine import Verb, say, say_written
from easiness.paper import reproduction
from easiness.runs import passes_shown


def report(asked: pages.Reported) -> Path:
    pages.write_report(asked)
    return asked.output


def _carry(asked: pages.Reported) -> None:
    if len(asked.runs) > 1 or not reproduction.is_study(asked.runs[0]):
        asked = replace(asked, runs=[store.open_run(one) for one in asked.runs])
    with passes_shown(True):
        note = pages.write_report(asked)
    if note:
        say(f"note: {note}", err=True)
    say_written(asked.output)
    say(str(asked.output))


REPORT = Verb(
    "report",
    "Look",
    "Write a page that shows what was measured.",
    pages.Reported,
    report,
    _carry,
    about=(
        "It has accuracy, galleries and matching tables, the labels to look at, and from two trials on what "
        "can be left out. It is one file that needs no network. The last line printed is its path."
    ),
)
