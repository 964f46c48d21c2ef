"""Plans and matches from flat options, for tests that vary one of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from easiness.analysis import Rule
from easiness.runs.plan import Drawn, Plan, make_plan
from easiness.spec import Draw, Loading, Recording, Training, from_arguments
from easiness.studies.perturbation import study


def match_levels(votes: Any, levels: Any, neutral: int, **options: Any) -> Any:
    rules = [
        Rule(side, options["fraction"], ties, options["seed"])
        for ties in options["ties"]
        for side in options["sides"]
    ]
    return study.match_levels(votes, levels, neutral, rules, options["num_replicates"])


def planned(source: Any, *, trials: int, **options: Any) -> Plan:
    """``draw``, ``ranking`` and ``same_steps`` say what is drawn; without a draw nothing is."""
    drawn = None
    if "draw" in options or "same_steps" in options:
        draw = options.get("draw", Draw(effect="relabel", rate=0.0, beta=(1.0, 1.0), ranking=""))
        drawn = Drawn(draw, options.get("ranking", np.zeros(0)), options.get("same_steps", False))
    return make_plan(
        source,
        from_arguments(Training, options),
        trials,
        loading=from_arguments(Loading, options),
        recording=from_arguments(Recording, options),
        drawn=drawn,
    )
