"""``explain``: which groups of examples are harder than others of their class, and how sure that is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from easiness import show
from easiness.analysis import make_slices, slice_effects
from easiness.data import checked_names
from easiness.engine import Study, heading, refuse_options
from easiness.errors import BadInput, shorten
from easiness.lazy import Array, Floats, Integers, pd
from easiness.runs import data_of, find_data, find_split, positions_in
from easiness.scoring import find_score
from easiness.studies.explain.columns import (
    AUTO,
    clusters,
    columns_of,
    example_ids,
    metadata_columns,
    numbers_to_adjust,
    why_left_out,
)
from easiness.studies.explain.result import NEIGHBOURHOOD, Explanation
from easiness.studies.patterns import DIFFICULTY, ERROR_RATE, P_WRONG, ExplainOptions, patterns
from easiness.studies.suspects import SuspectOptions, suspects


@dataclass(frozen=True, eq=False)
class Hardness:
    """How hard K examples are: ``values`` [N, K] in the trials that judge them, and ``means`` by name [K]."""

    values: Floats
    means: Mapping[str, Floats]
    strata: Integers
    groups: Integers | None


def explain(options: ExplainOptions) -> Explanation:
    """Slices of the examples that are harder, or easier, than others of their class.

    A slice is a value of a column, a part of its numbers by quantiles, or their slope; or a pair of values,
    by what it adds to both. `slice_effects` compares each with other examples of the class, and corrects for
    all that were looked at. With ``features`` frequency and contradiction, see `Neighbourhood`, and clusters
    stand among the columns.
    """
    run, split = options.run, options.split
    if options.score not in (ERROR_RATE, DIFFICULTY, P_WRONG):  # in Python nothing else says so
        problem = f"unknown; choose {ERROR_RATE}, {DIFFICULTY} or {P_WRONG}"
        raise BadInput(f"--score {options.score!r:.80}: {problem}")
    labels = run.examples(split)[1]  # or says that there is none, before anything is read
    row = run.resolve_at(options.at)
    columns, others = _columns(options, {}, AUTO)
    needed = others or options.features is not None
    whole = data_of(run, options.data) if needed else find_data(run, options.data)[0]
    data, why = (None, "") if whole is None else find_split(run, whole, split)
    if data is None and others:
        raise BadInput(f"{run.path}: its held-out examples are needed, and {why}")
    groups, nearest, around = None, dict[str, Integers](), None
    if run.tags is not None:
        groups = example_ids(run, split)[1]
    if data is not None:
        at = positions_in(data, run, split)
        columns = {**columns, **columns_of(others, data, at), **columns}  # what a file says comes first
        groups = groups if data.groups is None else pd.factorize(data.groups[at])[0]
    if options.features is not None:
        around = patterns(replace(options, data=whole))
        names, nearest = clusters(around.around.unit)
        numbers = {"frequency": around.around.frequency, "contradiction": around.around.contradiction}
        columns |= {name: one.astype(np.float64) for name, one in numbers.items()} | {NEIGHBOURHOOD: names}
    return Explanation(
        **_effects(options, columns, _hardness(options, labels, row, groups)),
        data=whole,
        row=run.row(row),
        noun="example" if data is None else data.kind.noun,
        nearest=nearest,
        patterns=around,
    )


def explain_outcomes(options: ExplainOptions) -> Explanation:
    """`explain` of the items of a run of outcomes, by their metadata."""
    problem = "is for runs of `measure`, and these are outcomes; leave it out"
    refuse_options(options, problem, but=("by", "metadata", "adjust"))
    run, items = options.run, options.run.outcomes.items
    metadata = items.drop(columns=["id", "text", "key", "group"], errors="ignore")
    columns, others = _columns(options, {str(name): metadata[name].to_numpy() for name in metadata})
    for name in others:
        if name == AUTO:
            raise BadInput(f"--by {AUTO}: measures examples, and outcomes have none; name columns of items")
        there = f"there are {shorten(map(str, metadata), 9)}" if len(metadata.columns) else "there is none"
        remedy = "give a table of id and columns with --metadata"
        raise BadInput(f"{run.path}: its items have no column {name}; {there}: {remedy}")
    wrong = 1 - run.outcomes.rate
    values = wrong[None]
    if run.trials_are == "models":
        rows = run.outcomes.rows.assign(wrong=lambda rows: 1 - rows["correct"] / rows["count"])
        values = rows.pivot_table("wrong", "trial", "item").reindex(columns=items.index).to_numpy()
    groups = pd.factorize(items["group"])[0] if "group" in items else None
    hard = Hardness(values, {ERROR_RATE: wrong}, np.zeros(len(items), np.int64), groups)
    rest: dict[str, Any] = {"data": None, "row": None, "noun": "item", "nearest": {}, "patterns": None}
    return Explanation(**_effects(options, columns, hard), **rest)


def _columns(
    options: ExplainOptions, own: Mapping[str, Array], *usual: str
) -> tuple[dict[str, Array], list[str]]:
    """The columns asked for that are at hand, the ``own`` and those of a file, and the names of others."""
    by, adjust = (checked_names(f"--{name}", getattr(options, name)) for name in ("by", "adjust"))
    if AUTO in (adjust or ()):
        raise BadInput(f"--adjust {AUTO}: stands for many columns; name those to hold equal, such as words")
    file = {} if options.metadata is None else metadata_columns(options.run, options.metadata, options.split)
    names = [*dict.fromkeys([*(by or file or (*usual, *own)), *(adjust or ())])]
    if file and not {*file} & {*names}:
        remedy = f"name some with --by ({shorten(file, 9)})"
        raise BadInput(f"--metadata: no column of it is asked for; {remedy}")
    beside = {name: one for name, one in {**own, **file}.items() if name in names}
    return beside, [name for name in names if name not in beside]


def _effects(options: ExplainOptions, columns: dict[str, Array], hard: Hardness) -> dict[str, Any]:
    """The slices of columns, by the fields of an `Explanation`."""
    equal = {name: columns[name] for name in checked_names("--adjust", options.adjust) or ()}
    candidates = {name: one for name, one in columns.items() if name not in equal}
    left_out = {name: why for name, one in candidates.items() if (why := why_left_out(one, hard.strata))}
    slices = make_slices({name: one for name, one in candidates.items() if name not in left_out})
    if not slices:
        left_out |= dict.fromkeys(equal, "is held equal")
        usual = "no value has 20 examples" if candidates else "it has no columns"
        reasons = "; ".join(f"{name} {why}" for name, why in left_out.items()) or usual
        raise BadInput(f"{options.run.path}: nothing to explain by ({reasons}); give --by or --metadata")
    adjust = numbers_to_adjust(equal)
    effects = slice_effects(hard.values, slices, hard.strata, groups=hard.groups, adjust=adjust)
    table = pd.DataFrame({name: [getattr(one, name) for one in slices] for name in ("column", "value")})
    for name in ("examples", "effect", "low", "high", "p_adjusted", "is_named", "least"):
        table[name.removeprefix("is_")] = getattr(effects, name)
    for name, mean in hard.means.items():
        table[name] = [pd.Series(mean[one.weights > 0]).mean() for one in slices]
        table.loc[[one.is_slope for one in slices], name] = np.nan
    of, is_judged = example_ids(options.run, options.split)[1], ~np.isnan(hard.values).all(0)
    belongs = [pd.notna(columns[one.column]) if one.is_slope else one.weights != 0 for one in slices]
    table["examples"] = [len(np.unique(of[one & is_judged])) for one in belongs]
    strength = table["effect"].abs() / (table["high"] - table["low"])
    p = table["p_adjusted"].where(~table["named"], 0.0)  # it has a floor, which many reach
    order = table.assign(p=p, strength=-strength).sort_values(["p", "strength"]).index
    units = [] if hard.groups is None else [f"Intervals and tests are over {hard.groups.max() + 1:,} groups."]
    if np.isnan(effects.effect).all():
        units += [f"Nothing is left of these columns beside {show.enumeration(['class', *equal])}."]
    return {
        **{name: getattr(options, name) for name in ("run", "split", "score")},
        "equal": (*equal,),
        "slices": table.iloc[order].reset_index(drop=True),
        "parts": [[slices[part] for part in slices[at].within or (at,)] for at in order],
        "columns": {name: one for name, one in columns.items() if name not in left_out},
        "left_out": left_out,
        "hard": hard.means[options.score],
        "notes": tuple(units),
    }


def _hardness(options: ExplainOptions, labels: Integers, row: int, groups: Integers | None) -> Hardness:
    """How hard examples are in each trial that judges them: where trials left examples out, in these."""
    run, split = options.run, options.split
    pieces = [trial.columns(row, ["prediction", "trained_on"], split) for trial in run.trials]
    left_out = ~np.stack([piece["trained_on"] for piece in pieces])
    values = {ERROR_RATE: np.stack([piece["prediction"] != labels for piece in pieces]).astype(np.float64)}
    values[DIFFICULTY] = np.empty(left_out.shape)
    for at, trial in enumerate(run.trials):
        difficulty = find_score(DIFFICULTY).start(labels)
        for first, block in trial.blocks(len(run.classes), row, split):
            difficulty.add(block, row, first)
        values[DIFFICULTY][at] = difficulty.result().value
    if left_out.any():
        values = {name: np.where(left_out, one, np.nan) for name, one in values.items()}
    means = {name: pd.DataFrame(one).mean().to_numpy() for name, one in values.items()}
    try:
        ranked = suspects(SuspectOptions((run,), split=split, pictures=False, at=options.at)).ranked
        by_id = ranked.set_index("id")["p_wrong"]
        means[P_WRONG] = by_id.reindex(run.examples(split)[0]).to_numpy(np.float64)
        values[P_WRONG] = means[P_WRONG][None]
    except BadInput:
        if options.score == P_WRONG:
            raise
    return Hardness(values[options.score], means, run.strata(split), groups)


EXPLAIN = Study(
    *heading("explain"),
    ExplainOptions,
    explain,
    outcomes=explain_outcomes,
    not_of_tags=lambda options: "" if options.features is None else "explain --features",
    about=(
        "Which groups of examples are harder than others of their class, beyond chance: by columns of their "
        "table, by a file of id and other columns, or by what is measured of them (auto). With --features "
        "also by how many of its class lie near an example (frequency), and the share of other classes among "
        "its neighbours (contradiction). -o FILE.html shows examples."
    ),
)
