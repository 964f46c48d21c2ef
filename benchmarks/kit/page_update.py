"""Puts what some of the benchmarks found into the page that there is, and leaves the rest of it as it was."""

from __future__ import annotations

from kit.results import VERDICTS

TABLE = "|---|---|---|---|\n"
MISSED = "### Missed, and why\n\n"


def updated(page, reports, reasons):
    """The page with sections and goals of `reports` in place of their own of before, or behind the others.

    A goal is known by its words, a section by its title; each section says when it was measured.
    """
    head, *sections = page.split("\n## ")
    titles = {text.split("\n", 1)[0]: text for text in sections}
    goals = titles.pop("Goals")
    for report in reports.values():
        told = ["", "```console", f"$ {report['command']}", report["measured"], "```", "", *report["lines"]]
        titles[report["title"]] = "\n".join([report["title"], *told]).rstrip() + "\n"
        for goal in report["goals"]:
            goals = with_goal(goals, goal, reasons)
    return "\n## ".join([head, goals, *titles.values()]).replace("\n\n\n", "\n\n").rstrip() + "\n"


def with_goal(goals, goal, reasons):
    """The section of goals with this one."""
    before, rest = goals.split(TABLE)
    table, _, why = rest.partition("\n\n")
    rows = replaced(
        table.split("\n"),
        f"| {goal['what']} |",
        f"| {goal['what']} | {goal['goal']} | {goal['measured']} | {VERDICTS[goal['met']]} |",
    )
    bullets = [line for line in why.removeprefix(MISSED).split("\n") if line.startswith("- ")]
    start = f"- **{goal['what']}**:"
    bullets = [line for line in bullets if not line.startswith(start)]
    if goal["met"] is False:
        bullets.append(f"{start} {reasons[goal['key']]}")
    text = MISSED + "\n".join(bullets) if bullets else "No goal that could be measured was missed."
    return f"{before}{TABLE}" + "\n".join(rows) + f"\n\n{text}\n"


def replaced(lines, start, line):
    """The lines with `line` in place of the one that has this start, or at their end."""
    at = next((at for at, old in enumerate(lines) if old.startswith(start)), len(lines))
    return [*lines[:at], line, *lines[at + 1 :]]
