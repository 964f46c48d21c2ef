"""The page of outcomes: which items are hard for a model, for each of several, or for models like these."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib import resources
from typing import Any, TypeAlias, TypeVar

import numpy as np

from easiness import show
from easiness.analysis import usual_fraction
from easiness.errors import BadInput
from easiness.lazy import Integers, pd
from easiness.pages.data_map import Document, in_turns, quantize
from easiness.pages.examples import FoundExamples
from easiness.pages.template import inert, inline_script, render_page
from easiness.regular_file import in_words
from easiness.scoring import jeffreys
from easiness.store import Run
from easiness.studies import matching
from easiness.studies.outcomes import OutcomeScores, compare_outcomes, meaning

_MOST_ITEMS, _MOST_MODELS, _MOST_CELLS = 3_000, 300, 300_000  # in a page, and pairs of both
_IN_GALLERY = 8  # items on each side
_FIGURES = 6
_MOST_COMPARED = 8  # models, pair by pair
_ANSWERS = 6  # of an item
_FILTERS, _FEW = 6, 30  # columns to filter by, and values of each
_TEXT_LETTERS, _MOST_LETTERS, _SHORT = 3_000_000, 4_000, 200  # of all texts, of one, of an answer
_VALUES = ("trials", "rate", "rate_low", "rate_high", "p_hard", "p_easy", "spread")
_SCRIPTS = ("codes", "elements", "colors", "outcomes")

T = TypeVar("T")
_Model: TypeAlias = "tuple[str, pd.DataFrame]"
"""Its name, and scores of the items by their positions on the page."""


def outcomes_page(runs: Sequence[Run], studies: Sequence[Document] = ()) -> str:
    """The page of one model, or of several side by side, or of one run whose trials are models.

    Behind what was found stand parts of ``studies``, as in pages of measured runs.
    """
    kinds = {run.trials_are: run.path for run in runs}
    if len(kinds) > 1:
        of = f"trials of {kinds['rollouts']} are rollouts, and of {kinds['models']} models"
        raise BadInput(f"outcomes: {of}, which say different things; give runs of one kind")
    every = pd.concat([run.outcomes.items for run in runs], ignore_index=True)
    codes, _ = pd.factorize(every["id"])
    items = every.groupby(codes).first()
    places = np.split(codes, np.cumsum([len(run.outcomes.items) for run in runs])[:-1])
    scores = [run.scores().set_index(place) for run, place in zip(runs, places, strict=True)]
    if len(runs) > 1 and len(codes) == len(items):
        raise BadInput("outcomes: no item is in two of these runs; write a page of each")
    whole = scores[0] if len(runs) == 1 else _over_models(scores)
    models = _models(runs, scores)
    columns = _spread_out(models, _MOST_MODELS)
    orders = _orders(whole)
    most = min(_MOST_ITEMS, _MOST_CELLS // len(columns))
    evenly = _spread_out(whole["rate"].sort_values(kind="stable").index.tolist(), most)
    first = in_turns([*(order[:most].tolist() for order in orders.values()), evenly])[:most]
    examples = items.loc[orders["p_hard"][orders["p_hard"].isin(first)]].convert_dtypes()
    answers = _answers(runs, places, examples)
    document = _document(examples, whole, columns if len(models) > 1 else [], answers)
    folder = resources.files("easiness.pages")
    return render_page(
        "outcomes.html",
        meaning=meaning(runs[0]) if len(runs) == 1 else "",
        noun=runs[0].trials_are[:-1],
        num_trials=int(whole["trials"].sum()),
        num_items=len(items),
        num_models=len(models),
        num_lacking=sum(len(table) < len(items) for _, table in models),
        single=all(np.median(run.outcomes.trials) == 1 for run in runs),
        scored=any(run.outcomes.dispersion < 1 for run in runs),
        models=list(_facts(columns)),
        fraction=usual_fraction(len(items)),
        galleries={
            name: examples.index.get_indexer(order[:_IN_GALLERY]).tolist() for name, order in orders.items()
        },
        values=whole.loc[examples.index].to_dict("records"),
        figures=_figures(runs, scores),
        agreement=_agreement(runs, usual_fraction(len(items))) if 1 < len(runs) <= _MOST_COMPARED else None,
        registered=studies,
        examples=FoundExamples(),
        folders=[in_words(run.path) for run in runs],
        styles="".join((folder / f"{name}.css").read_text("utf-8") for name in ("data_map", "outcomes")),
        script=inline_script(_SCRIPTS),
        document=document,
        document_text=inert(document),
    )


def _models(runs: Sequence[Run], scores: Sequence[pd.DataFrame]) -> list[_Model]:
    """The models of the runs, or those that are the trials of the only one; the best first."""
    models = list(zip(matching.run_names(runs), scores, strict=True))
    if len(runs) == 1 and runs[0].trials_are == "models":
        rows = runs[0].outcomes.rows.assign(rate=lambda rows: rows["correct"] / rows["count"])
        trials = rows.rename(columns={"count": "trials"}).set_index("item").groupby("trial")
        models = [(str(name), table) for name, table in trials[["rate", "trials"]]]
    return sorted(models, key=lambda one: -float(one[1]["rate"].mean()))


def _orders(whole: pd.DataFrame) -> dict[str, pd.Index]:
    """Positions of all items: the hardest first, the easiest, those that models are most divided about."""
    upward = {"p_hard": True, "p_easy": False, "spread": True}
    return {
        name: whole.sort_values([name, "rate"], ascending=[False, of_rate], kind="stable").index
        for name, of_rate in upward.items()
        if name in whole
    }


def _over_models(scores: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Means over models, the trials of all, and the ``spread``: the deviation of rates less that of trials.

    The interval is that of as many trials of one rate: models of unlike rates vary less together.
    """
    items = pd.concat(scores).assign(few=lambda table: 1 / table["trials"]).groupby(level=0)
    whole = items[["rate", "p_hard", "p_easy"]].mean().assign(trials=items["trials"].sum())
    low, high = jeffreys(whole["rate"] * whole["trials"], whole["trials"])
    of_trials = whole["rate"] * (1 - whole["rate"]) * items["few"].mean()
    spread = np.sqrt((items["rate"].var() - of_trials).clip(lower=0))
    return whole.assign(rate_low=low, rate_high=high, spread=spread)


def _spread_out(ones: Sequence[T], most: int) -> list[T]:
    """At most so many, evenly over their order."""
    places = np.unique(np.linspace(0, len(ones) - 1, min(len(ones), most)).round().astype(int))
    return [ones[at] for at in places.tolist()]


def _facts(models: Sequence[_Model]) -> Iterator[dict[str, Any]]:
    """A row for each model; the difference to the best is paired over the items that both have."""
    best = models[0][1]["rate"]
    for at, (name, table) in enumerate(models):
        rate: Any = table["rate"]
        gap, trials = (rate - best).dropna(), table["trials"].astype(int)
        yield {
            "name": name,
            "items": len(table),
            "trials": int(trials.sum()),
            "each": " to ".join(f"{one:,}" for one in sorted({trials.min(), trials.max()})),
            "share": rate.mean(),
            "rate": show.plus_minus(rate.mean(), rate.sem()),
            "gap": f"{gap.mean():+.3f} ± {gap.sem():.3f}" if at and len(gap) > 1 else "",
        }


def _answers(
    runs: Sequence[Run], places: Sequence[Integers], items: pd.DataFrame
) -> list[list[tuple[str, int, int, bool]]]:
    """The answers to each of some ``items``, the most frequent first: text, count, models, is it right."""
    parts = []
    for at, (run, place) in enumerate(zip(runs, places, strict=True)):
        rows = run.outcomes.rows.dropna(subset=["answer"])
        item = items.index.get_indexer(pd.Index(place[rows["item"]]))
        parts.append(rows.assign(item=item, model=at)[item >= 0])
    groups = pd.concat(parts).groupby(["item", "answer"], sort=False, as_index=False)
    table = groups.agg(count=("count", "sum"), correct=("correct", "sum"), models=("model", "nunique"))
    keys = items["key"].tolist() if "key" in items else [None] * len(items)
    answers: list[list[tuple[str, int, int, bool]]] = [[] for _ in keys]
    table = table.sort_values("count", ascending=False, kind="stable").groupby("item").head(_ANSWERS)
    for item, answer, count, correct, num_models in table.itertuples(index=False):
        is_right = correct == count if pd.isna(keys[item]) else answer == str(keys[item])
        answers[item].append((_cut(answer, _SHORT), count, num_models, is_right))
    return answers


def _cut(value: Any, most: int) -> str:
    """The beginning of a text, in which controls are seen; none of what is not there."""
    text = "" if value is None or value is pd.NA or value != value else str(value)
    return show.ShownExample.of(None, text[:most] + " …" * (len(text) > most), None).text


def _document(
    items: pd.DataFrame, whole: pd.DataFrame, models: Sequence[_Model], answers: Sequence[Any]
) -> Document:
    """Everything that the script reads of some ``items``."""
    most = min(_MOST_LETTERS, _TEXT_LETTERS // len(items))
    texts = {name: [_cut(one, most) for one in items[name]] for name in ("text", "key") if name in items}
    columns: list[Document] = []
    for name in items.columns.difference(["id", "text", "key"], sort=False):
        values = [_cut(one, _SHORT) for one in items[name]]
        few = len({*values}) in range(2, _FEW + 1) and sum(one["few"] for one in columns) < _FILTERS
        columns.append({"name": name, "values": values, "few": few})
    series = [
        {"name": name, **{one: quantize(table[one].to_numpy(), 16) for one in _VALUES if one in table}}
        for name, every in [("all (mean)" if models else "", whole), *models]
        for table in [every.reindex(items.index)]
    ]
    ids = [_cut(one, _SHORT) for one in items["id"]]
    return {"ids": ids, **texts, "columns": columns, "answers": answers, "series": series}


def _figures(runs: Sequence[Run], scores: Sequence[pd.DataFrame]) -> list[tuple[str, str]]:
    """The distributions of some of the runs, from the highest rate on, by their models."""
    order = np.argsort([-float(table["rate"].mean()) for table in scores], kind="stable")
    label = "Items by their rate as observed, and the distribution of true rates behind it"
    figures = []
    for at in _spread_out(order.tolist(), _FIGURES):
        result = OutcomeScores(runs[at], usual_fraction(len(scores[at])), None, scores[at])
        figures.append((show.to_svg(result.figure(), key=f"rates{at}", label=label), runs[at].model))
    return figures


def _agreement(runs: Sequence[Run], fraction: float) -> dict[str, Any]:
    """How far models agree, as `compare` says it."""
    try:
        result = compare_outcomes(matching.CompareOptions(tuple(runs), fraction=fraction))
    except BadInput as error:
        return {"answers": (), "notices": [str(error)], "sections": ()}
    return {
        "answers": [text for text in result.headline.split("\n") if text != result.meaning],
        "notices": result.notices,
        "sections": result.sections()[1:],  # the first has rates, as the page has
    }
