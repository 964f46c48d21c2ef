"""``explain``: which groups of examples are harder than others of their class, and how sure that is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

import numpy as np

from easiness.analysis import make_slices, slice_effects
from easiness.data import checked_names
from easiness.engine import At, Data, Device, HeldOutToo, OneRun, Study, refuse_options
from easiness.errors import BadInput, shorten
from easiness.lazy import Array, Floats, Integers, pd
from easiness.records import Observations
from easiness.runs import find_data, find_split, positions_in
from easiness.scoring import correct_after, find_score, over_trials
from easiness.spec import read_names, setting
from easiness.store import Run
from easiness.studies.explain.columns import (
    ColumnSources,
    clusters,
    metadata_columns,
    numbers_to_adjust,
    why_left_out,
)
from easiness.studies.explain.result import NEIGHBOURHOOD, Explanation, Hardness, exhibits, slices_table
from easiness.studies.patterns import PatternOptions, patterns
from easiness.studies.suspects import SuspectOptions, suspects

Hard: TypeAlias = Literal["error_rate", "difficulty", "p_wrong"]
ERROR_RATE, DIFFICULTY, P_WRONG = get_args(Hard)


@dataclass(frozen=True)
class ExplainOptions:
    """Options of `explain`."""

    run: OneRun
    by: Sequence[str] | None = setting(
        "--by",
        "Columns of the table that the data came from, or of --metadata; auto: what can be measured of the "
        "examples, as brightness, words or duration. Default: auto, or all of --metadata.",
        metavar="auto|A,B,...",
        read=read_names,
    )
    metadata: Path | None = setting(
        "--metadata", "A CSV, Parquet or JSON of id and other columns, to explain by.", metavar="FILE"
    )
    adjust: Sequence[str] | None = setting(
        "--adjust",
        "Columns that are held equal, as the class always is.",
        metavar="A,B,...",
        read=read_names,
    )
    features: Any = setting(
        "--features",
        "Explain by frequency, contradiction and neighbourhoods in these vectors, too, named as for "
        "`measure`: auto, hashed, logmel, run:RUN and others. They must not be trained on these labels, and "
        "are kept beside the run.",
        metavar="NAME",
        typed=str | None,
    )
    score: Hard = setting(
        "--score",
        "What is hard: wrong in many trials, difficult, or likely wrongly labelled.",
        default=ERROR_RATE,
    )
    split: HeldOutToo = "train"
    at: At = None
    nearest: int | None = setting(
        "--nearest",
        "With --features: how many neighbours count for contradiction, and give distances their unit. "
        "Default: 50, or half of a class if that is less.",
    )
    data: Data = None
    download: bool = setting(
        "--download", "Fetch weights of the features that are not on disk.", default=False
    )
    device: Device = "auto"


def explain(options: ExplainOptions) -> Explanation:
    """Slices of the examples that are harder, or easier, than others of their class.

    A slice is a value of a column, a part of its numbers by quantiles, or their slope; or a pair of values,
    by what it adds to both. `slice_effects` compares each with other examples of the class, and corrects for
    all that were looked at. With ``features`` frequency and contradiction, see `Neighbourhood`, and clusters
    stand among the columns.
    """
    run, split = options.run, options.split
    if options.score not in get_args(Hard):  # in Python nothing else says so
        raise BadInput(f"--score {options.score!r:.80}: unknown; choose {', '.join(get_args(Hard))}")
    labels = run.examples(split)[1]  # or says that there is none, before anything is read
    row = run.resolve_at(options.at)
    whole, why = find_data(run, options.data)
    data, why = (None, why) if whole is None else find_split(run, whole, split)
    others: dict[str, Array] = {}
    around: dict[str, Integers] = {}
    found = None
    if options.features is not None:
        asked = options.features, split, DIFFICULTY if options.score == DIFFICULTY else None, options.at
        more = options.nearest, options.data if whole is None else whole, options.download, options.device
        found = patterns(PatternOptions(run, *asked, *more))
        names, around = clusters(found.around.unit)
        numbers = {"frequency": found.around.frequency, "contradiction": found.around.contradiction}
        others = {**{name: one.astype(np.float64) for name, one in numbers.items()}, NEIGHBOURHOOD: names}
    groups = None
    if data is not None and data.groups is not None:
        groups = pd.factorize(data.groups[positions_in(data, run, split)])[0]
    return _explained(
        options,
        _hardness(run, options, row),
        ColumnSources(run, split, data, why),
        others,
        labels,
        groups,
        data=whole,
        row=run.row(row),
        noun="example" if data is None else data.kind.noun,
        patterns=found,
        nearest=around,
    )


def explain_outcomes(options: ExplainOptions) -> Explanation:
    """`explain` of the items of a run of outcomes: by their metadata, and the length of their texts."""
    refuse_options(
        options,
        "is for runs of `measure`, and these are outcomes; leave it out",
        but=("by", "metadata", "adjust"),
    )
    run, items = options.run, options.run.outcomes.items
    texts = items["text"].dropna() if "text" in items else pd.Series(dtype=object)
    lengths = {"words": texts.map(lambda text: len(text.split())), "characters": texts.map(len)}
    measures = pd.DataFrame(lengths, items.index)
    metadata = items.drop(columns=["id", "text", "key", "group"], errors="ignore")
    beside = {str(name): column.to_numpy() for name, column in metadata.items()}
    beside |= {str(name): column.to_numpy(np.float64) for name, column in measures.items()}
    wrong = 1 - run.outcomes.rate
    values = wrong[None]
    if run.trials_are == "models":
        rows = run.outcomes.rows.assign(wrong=lambda rows: 1 - rows["correct"] / rows["count"])
        values = rows.pivot_table("wrong", "trial", "item").reindex(columns=items.index).to_numpy()
    return _explained(
        options,
        Hardness(values, {ERROR_RATE: wrong}),
        ColumnSources(run, "train", None, "", beside),
        {},
        np.zeros(len(items), np.int64),
        pd.factorize(items["group"])[0] if "group" in items else None,
        data=None,
        row=None,
        noun="item",
        patterns=None,
        nearest={},
    )


def _explained(
    options: ExplainOptions,
    hard: Hardness,
    sources: ColumnSources,
    others: Mapping[str, Array],
    strata: Integers,
    groups: Integers | None,
    **more: Any,
) -> Explanation:
    """The effects of all slices of the columns asked for, and of ``others``."""
    by, adjust = (checked_names(f"--{name}", getattr(options, name)) for name in ("by", "adjust"))
    if options.metadata is not None:
        beside = metadata_columns(options.run, options.metadata, options.split)
        if by is not None and not {*beside} & {*by, *(adjust or ())}:
            remedy = (
                f"name some with --by ({shorten(beside, 9)})" if beside else "give one with others than id"
            )
            raise BadInput(f"{options.metadata}: no column of it is asked for; {remedy}")
        sources = replace(sources, beside={**sources.beside, **beside})
        by = by or (*beside,)
    columns = {**sources.columns(by or sources.usual), **others}
    held = {
        name: columns.pop(name) if name in columns else sources.columns([name])[name] for name in adjust or ()
    }
    left_out = {name: why for name, values in columns.items() if (why := why_left_out(values, strata))}
    slices = make_slices({name: values for name, values in columns.items() if name not in left_out})
    if not slices:
        tried = "; ".join(f"{name} {why}" for name, why in left_out.items()) or sources.why_none
        raise BadInput(
            f"{options.run.path}: nothing to explain by ({tried}); name columns with --by or --metadata"
        )
    effects = slice_effects(hard.values, slices, strata, groups=groups, adjust=numbers_to_adjust(held))
    table, order = slices_table(slices, effects, hard)
    parts = [[slices[part] for part in slices[at].within or (at,)] for at in order.tolist()]
    mean, columns = hard.means[options.score], {**columns, **held}
    return Explanation(
        run=options.run,
        split=options.split,
        score=options.score,
        adjusted=(*held,),
        slices=table,
        parts=[[(one.column, one.value) for one in several] for several in parts],
        columns=columns,
        left_out=left_out,
        exhibits=exhibits(table, parts, columns, mean, more["nearest"]),
        hard=mean,
        notes=tuple(_notes(groups)),
        **more,
    )


def _notes(groups: Integers | None) -> Iterator[str]:
    if groups is not None:
        yield f"Intervals and tests take {groups.max() + 1:,} groups as units, not examples."


def _hardness(run: Run, options: ExplainOptions, row: int) -> Hardness:
    """How hard the examples are in each trial that judges them.

    Where trials left examples out, only these judge them.
    """
    split, (ids, labels) = options.split, run.examples(options.split)
    starts = {ERROR_RATE: over_trials(_is_wrong), DIFFICULTY: find_score(DIFFICULTY).start}
    values = {name: np.empty((len(run.trials), len(labels))) for name in starts}
    heard = np.empty((len(run.trials), len(labels)), np.bool_)
    for at, trial in enumerate(run.trials):
        sums = {name: start(labels) for name, start in starts.items()}
        for first, block in trial.blocks(len(run.classes), row, split):
            heard[at, first : first + len(block.labels)] = ~block.trained_on_at(row)
            for one in sums.values():
                one.add(block, row, first)
        for name, one in sums.items():
            values[name][at] = one.result().value
    if heard.any():
        values = {name: np.where(heard, one, np.nan) for name, one in values.items()}
    means = {name: _means(one) for name, one in values.items()}
    try:
        ranked = suspects(SuspectOptions((run,), split=split, pictures=False, at=options.at)).ranked
        means[P_WRONG] = ranked.set_index("id")["p_wrong"].reindex(ids).to_numpy()
    except BadInput:
        if options.score == P_WRONG:
            raise
    return Hardness(means[P_WRONG][None] if options.score == P_WRONG else values[options.score], means)


def _is_wrong(observations: Observations, epoch: int) -> Floats:
    return (~correct_after(observations, epoch)).astype(np.float64)


def _means(values: Floats) -> Floats:
    """Means over trials [K] of values [N, K]; NaN where no trial judges the example."""
    known = np.isfinite(values)
    num = known.sum(axis=0)
    total: Floats = np.where(known, values, 0).sum(axis=0)
    return np.asarray(np.divide(total, num, out=np.full(len(num), np.nan), where=num > 0))


EXPLAIN = Study(
    "explain",
    "Look",
    "Say what hardness goes along with.",
    ExplainOptions,
    explain,
    outcomes=explain_outcomes,
    about=(
        "Groups of examples by columns of their table, by a file of id and other columns, or by what is "
        "measured of them (auto): how much harder they are than others of their class, and which differ "
        "beyond chance, with all that was looked at taken into account. With --features also how far "
        "frequency and contradiction go: how many of its class lie near an example, and the share of other "
        "classes among its neighbours. -o FILE.html shows the examples."
    ),
)
