"""What a notebook shows of a run: facts, and how its examples are spread over the levels of easiness."""

from __future__ import annotations

import html

from easiness.errors import BadInput
from easiness.report.accuracy_figure import accuracy_curves
from easiness.report.facts import describe_data, run_facts
from easiness.report.levels_figure import draw_levels, easiness_levels
from easiness.show import figure_html
from easiness.store import Run

_LEFT_TO_THE_REPORT = ("precision", "recipe", "seed", "time", "ran on", "PyTorch", "fingerprint")


def run_html(run: Run) -> str:
    """A table and a figure as HTML that loads nothing; every text is escaped.

    A run that has no common epoch yet has the table alone.

    Raises:
        BadInput: a file of the run is damaged.
    """
    if run.observed:
        epoch = run.observed[-1]
        facts = run_facts(run, accuracy_curves(run), epoch)
    else:
        trials = (
            f"{len(run.trials)} finished, observed after no common epoch" if run.trials else "none finished"
        )
        facts = {"network": run.model, "trials": trials, "folder": str(run.path)}
    facts = {"examples": describe_data(run), **facts}
    rows = "".join(
        f'<tr><th scope="row" style="text-align: left">{html.escape(name)}</th>'
        f'<td style="text-align: left">{html.escape(value)}</td></tr>'
        for name, value in facts.items()
        if name not in _LEFT_TO_THE_REPORT
    )
    # names and ids are not to be read as mathematics
    shown = f"<table><tbody>{rows}</tbody></table>{_figure(run)}"
    return f'<div class="tex2jax_ignore mathjax_ignore">{shown}</div>'


def _figure(run: Run) -> str:
    if not run.observed:
        return ""
    try:
        levels = easiness_levels(run.votes(), len(run.classes))
    except BadInput:  # nothing is right in any trial, so there is no easiness yet
        return ""
    which = f"{run.path.absolute()} {len(run.trials)} {run.epochs}"  # several may stand in one notebook
    label = f"Examples by the number of trials, of {len(run.trials)}, that are right."
    return figure_html(draw_levels(levels), of=which, label=label)
