"""A comparison as text, as Markdown, as rows and as the value of its JSON."""

from __future__ import annotations

import dataclasses
import textwrap
from typing import Any

from easiness.analysis import SIDES
from easiness.show import defined, markdown_text, sections_markdown, sections_text
from easiness.studies.matching.answers import answers, headline
from easiness.studies.matching.found import Cell, Compared
from easiness.studies.matching.outlook import Outlook
from easiness.studies.matching.sections import comparison_sections


def as_text(comparison: Compared, *, details: bool = False) -> str:
    """For a terminal: the answers and one table, and every table with ``details``."""
    sections = [headline(comparison), *(comparison_sections(comparison) if details else [])]
    wrapped = textwrap.TextWrapper(100, subsequent_indent="  ", break_long_words=False)
    said = "\n".join(wrapped.fill(text) for text in answers(comparison))
    return f"{said}\n\n{sections_text(sections)}"


def as_markdown(comparison: Compared) -> str:
    """Note, answers and all tables as Markdown."""
    note = "" if comparison.note is None else f"Note: {markdown_text(comparison.note)}.\n\n"
    said = "\n".join(f"- {markdown_text(text)}" for text in answers(comparison))
    sections = [headline(comparison), *comparison_sections(comparison)]
    return f"{note}{said}\n\n{sections_markdown(sections)}"


def cell_values(comparison: Compared, cell: Cell) -> dict[str, Any]:
    """One matching rate with everything beside it, as a flat row; ``None`` where there is no value."""
    groups, every = cell.groups, cell.all_trials
    row: dict[str, Any] = {
        "side": cell.side,
        "ties": cell.ties,
        "a": comparison.names[cell.a],
        "b": comparison.names[cell.b],
        "ceiling": cell.a == cell.b,
        "epoch": comparison.epoch,
        "fraction": comparison.fraction,
        "rate": groups and groups.rate,
        "low": groups and groups.interval[0],
        "high": groups and groups.interval[1],
        "bias": groups and groups.bias,
        "decided": groups and groups.decided,
        "group_size": groups and groups.group_size,
        "num_splits": groups and groups.num_splits,
        "num_empty": groups and groups.num_empty,
        "chance": groups and groups.chance,
        "class_chance": groups and groups.class_chance,
        "agreement": cell.agreement,
        "agreement_low": cell.agreement_low,
        "agreement_high": cell.agreement_high,
        "agreement_reason": cell.agreed and cell.agreed.reason,
        "tie_mass_a": groups and groups.tie_mass[0],
        "tie_mass_b": groups and groups.tie_mass[1],
        "size_a": groups and groups.sizes[0],
        "size_b": groups and groups.sizes[1],
        "all_trials_rate": every and every.rate,
        "all_trials_chance": every and every.chance,
        "all_trials_class_chance": every and every.class_chance,
        "all_trials_tie_mass_a": every and every.tie_mass[0],
        "all_trials_tie_mass_b": every and every.tie_mass[1],
    }
    return {name: defined(value) for name, value in row.items()}


def outlook_values(outlook: Outlook) -> dict[str, Any]:
    """What the sets of a run hold, by side: a share of the true set, and the trials that 90 % of it needs."""
    return {
        one.side: {
            **dict(zip(("share", "low", "high"), one.share(), strict=True)),
            "trials": one.num_trials,
            "trials_for_90_percent": one.trials_for(0.9),
        }
        for one in outlook.forecasts
    }


def document(comparison: Compared) -> dict[str, Any]:
    """What a comparison's JSON holds; its keys are relied on."""
    runs = [
        {
            "name": name,
            "resolution": dataclasses.asdict(resolution),
            "best_epoch": {side: reliability.best_epoch(side) for side in SIDES},
            "reliability_by_epoch": [dataclasses.asdict(half) for half in reliability.by_epoch],
            "reliability_by_trials": [dataclasses.asdict(half) for half in reliability.by_trials],
            "drift_by_epoch": reliability.drift,
            "outlook": outlook_values(reliability.outlook),
        }
        for name, resolution, reliability in zip(
            comparison.names, comparison.resolution, comparison.reliability, strict=True
        )
    ]
    return {
        "epoch": comparison.epoch,
        "fraction": comparison.fraction,
        "num_examples": comparison.num_examples,
        "note": comparison.note,
        "answers": answers(comparison),
        "runs": defined(runs),
        "matching": [cell_values(comparison, cell) for cell in comparison.cells],
    }
