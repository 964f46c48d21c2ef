"""``compare`` of outcomes: what models have in common on the same items, and which items one has alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

from easiness import analysis, show
from easiness.analysis import SIDES, Agreement, PairedCounts, Side
from easiness.errors import BadInput
from easiness.inputs import tell
from easiness.lazy import Array, Figure, Floats, pd
from easiness.show import number, with_interval
from easiness.store import Run
from easiness.studies.matching import CompareOptions, run_names, tail_text
from easiness.studies.outcomes.rollouts import RolloutsAhead, rollouts_ahead
from easiness.studies.outcomes.scores import refuse_others

_MEANINGS = {
    "rollouts": "trials are rollouts of each model: how hard items are for it, and for no other",
    "models": "trials are models: how hard items are for models like these",
}
_RATE = 0.05  # false discovery rate
_MOST_FITTED = 16  # models of which each pair is fitted
_MOST_TOLD = 3  # pairs that have sentences each; more have theirs together
_MOST_ROWS, _MOST_ITEMS = 30, 10  # of tables to read
_MOST_TESTS = 10_000_000  # items times pairs


class CommonItems(NamedTuple):
    """The K items that several runs have, and ``counts`` [R, 2, K]: of each run the trials, and right ones.

    ``effective`` ones tell as much and are right or wrong. ``groups`` [K] are known or None, and ``note``
    says how many items others have.
    """

    ids: Array
    counts: Floats
    effective: Floats
    groups: Array | None
    note: list[str]


def common_items(runs: Sequence[Run]) -> CommonItems:
    """The items that all runs have, by their ids; trials are rollouts in all of them, or models."""
    kinds = {run.trials_are: run.path for run in runs}
    if len(kinds) > 1:
        raise BadInput(
            f"{kinds['models']}: its trials are models, and those of {kinds['rollouts']} rollouts of one; "
            "give runs of one kind"
        )
    frames = [run.outcomes.items for run in runs]
    ids = frames[0]["id"]
    for frame in frames[1:]:
        ids = ids[ids.isin(frame["id"])]
    if ids.empty:
        raise BadInput(f"{runs[0].path} and {runs[1].path}: have no common item; give runs on the same items")
    num = max(map(len, frames))
    known = frames[0].reindex(ids.index).reindex(columns=["group"])["group"]
    places = [pd.Index(frame["id"]).get_indexer(ids) for frame in frames]
    every = [run.outcomes for run in runs]
    counts = np.array([(one.trials[at], one.right[at]) for one, at in zip(every, places, strict=True)])
    effective = counts / np.array([one.dispersion for one in every])[:, None, None]
    note = [f"on the {len(ids):,} items that all have, of up to {num:,}"] if len(ids) < num else []
    # the task of a benchmark is the one group of its items
    groups = known.to_numpy() if known.notna().all() and known.nunique() > 1 else None
    return CommonItems(ids.to_numpy(), counts, effective, groups, note)


def _with_ends(name: str, interval: Sequence[float]) -> dict[str, float]:
    return dict(zip((name, f"{name}_low", f"{name}_high"), interval, strict=True))


def _number(name: str, **options: Any) -> show.Column:
    return show.numbers(2, low=f"{name}_low", high=f"{name}_high", **options)


@dataclass(frozen=True, eq=False)
class OutcomeComparison(show.Result):
    """Models side by side over ``num_items`` items.

    ``rates`` have a row for each by ``name``, their means; ``pairs`` a row for each pair ``a`` and ``b``: b's
    rate less a's, how often both answers are right or wrong, and how many items a has and b has not, and the
    other way round. ``matching`` are cells by pair and side, as counted and without noise. ``items`` are the
    rows that `table` describes; ``notices`` are what has to be known of all.
    """

    meaning: str
    fraction: float
    num_items: int
    rates: pd.DataFrame = field(repr=False)
    pairs: pd.DataFrame = field(repr=False)
    matching: pd.DataFrame = field(repr=False)
    items: pd.DataFrame = field(repr=False)
    notices: Sequence[str] = ()
    leads = True

    def table(self) -> pd.DataFrame:
        """A row for each item and pair of models with p up to 0.05, surest first.

        Columns: ``id``, models ``a`` and ``b``, ``rate_a`` and ``rate_b``, ``difference`` (b less a), ``p``
        (Fisher's exact test, two-sided) and ``p_adjusted`` for all items and pairs.
        """
        return self.items

    @property
    def headline(self) -> str:
        return "\n".join(self.answers())

    def remarks(self) -> list[str]:
        return [*self.notices, *self.answers()]

    def answers(self) -> list[str]:
        """Sentences on pairs, or on the range of many, then what a rate speaks of."""
        if len(self.pairs) > _MOST_TOLD:
            return [*self._of_many(), self.meaning]
        return [*(text for pair in self.pairs.itertuples() for text in self._of_pair(pair)), self.meaning]

    def _of_many(self) -> Iterator[str]:
        def span(what: str, values: pd.Series, names: pd.Series) -> str:
            ranks = sorted(zip(values[values.notna()], names[values.notna()], strict=True))
            ends = [f"{number(value)} ({name})" for value, name in ranks]
            return what.format(len(ends)) + (f": {ends[0]} to {ends[-1]}" if ends else "")

        yield span("{} models are right on average", self.rates["rate"], self.rates["name"])
        pairs = self.pairs["a"] + " and " + self.pairs["b"]
        kappa = "kappa of answers, how far they agree beyond accuracies, of {} pairs"
        yield span(kappa, self.pairs["kappa"], pairs)
        for side in SIDES:
            cells = self.matching[self.matching["side"] == side]
            what = (
                f"agreement on the {tail_text(side, self.fraction)} without noise can be told of {{}} pairs"
            )
            yield span(what, cells["agreement"], cells["a"] + " and " + cells["b"])
        some = (self.pairs[["only_a", "only_b"]] > 0).any(axis=1).sum()
        yield f"in {some} of {len(self.pairs)} pairs one model has items that the other has not"

    def _of_pair(self, pair: Any) -> Iterator[str]:
        a, b, names = pair.a, pair.b, f"{pair.a} and {pair.b}"
        rates = self.rates.set_index("name")["rate"]
        change = with_interval(pair.difference, pair.difference_low, pair.difference_high, with_sign=True)
        yield (
            f"{a} is right in {number(rates[a])} on average and {b} in {number(rates[b])}, a difference of "
            f"{change}"
        )
        cells: Any = self.matching[(self.matching["a"] == a) & (self.matching["b"] == b)]
        for cell in cells.itertuples():
            tail, share = tail_text(cell.side, self.fraction), number(cell.rate)
            chance = f"as counted {share} match, and {number(self.fraction)} would be chance"
            if cell.agreement_reason is None:
                share = with_interval(cell.agreement, cell.agreement_low, cell.agreement_high)
                yield f"{names} agree on {share} of the {tail} without noise; {chance}"
            else:
                why = cell.agreement_reason
                yield f"how far {names} agree on the {tail} cannot be told ({why}); {chance}"
        kappa = with_interval(pair.kappa, pair.kappa_low, pair.kappa_high)
        beyond = "" if np.isnan(pair.kappa) else f" (kappa {kappa})"
        same, chance = with_interval(pair.same, pair.same_low, pair.same_high), number(pair.same_by_chance)
        yield f"answers of {names} are both right or both wrong in {same}; accuracies make {chance}{beyond}"
        yield (
            f"{a} has {show.quantity(pair.only_a, 'item')} that {b} has not, and {b} {pair.only_b:,} that "
            f"{a} has not (false discovery rate {show.chosen_percent(_RATE)})"
        )

    def figure(self) -> Figure:
        """The share of trials that are right, of each model, with its interval over items."""
        rates = self.rates.set_index("name")
        label = "share right, mean of items"
        return show.dots_with_intervals(
            rates.index.tolist(), {"": (rates.to_numpy().tolist(), show.INK)}, label
        )

    def frames(self) -> list[show.Frame]:
        hard = self.matching.loc[self.matching["side"] == "hard", "agreement"]
        pairs = self.pairs.assign(agreement=hard.to_numpy()).head(_MOST_ROWS)
        more = f" The first {_MOST_ROWS} of {len(self.pairs):,}." if len(self.pairs) > _MOST_ROWS else ""
        columns = {
            "a": show.names(),
            "b": show.names(),
            "difference": _number("difference", with_sign=True),
            "same": _number("same"),
            "same_by_chance": show.numbers(2, "What accuracies alone make of it.", "by chance"),
            "kappa": _number("kappa"),
            "agreement": show.numbers(2, title="agreement, hard"),
            "only_a": show.counts("Items that a has and b has not.", "a alone"),
            "only_b": show.counts("Items that b has and a has not.", "b alone"),
        }
        of_items = {name: show.names() for name in ("id", "a", "b")}
        of_items |= {"rate_a": show.numbers(2), "rate_b": show.numbers(2), "p_adjusted": show.numbers(6)}
        return [
            show.Frame(
                f"{len(self.rates)} models on {self.num_items:,} items",
                f"{show.sentence_case(self.meaning)}. Means over items; 95 % intervals are over items and "
                "their trials.",
                self.rates,
                {"name": show.names(title="model"), "rate": _number("rate")},
            ),
            show.Frame(
                "Pairs",
                "b's rate less a's; how often both answers are right or wrong, and kappa; the share of "
                f"the {tail_text('hard', self.fraction)} both have without noise, blank if untold.{more}",
                pairs,
                columns,
            ),
            show.Frame(
                "Items that one model has and the other has not",
                f"The surest, at a false discovery rate of {show.chosen_percent(_RATE)} over all.",
                self.items[self.items["p_adjusted"] <= _RATE].head(_MOST_ITEMS),
                of_items,
            ),
        ]

    def document(self) -> Any:
        """Answers, rates, pairs, matching rates and items."""
        document = {
            "fraction": self.fraction,
            "num_items": self.num_items,
            "notices": [*self.notices],
            "answers": self.answers(),
        }
        tables = {"runs": self.rates, "pairs": self.pairs, "matching": self.matching, "items": self.items}
        return show.without_nan(document | {name: one.to_dict("records") for name, one in tables.items()})


def compare_outcomes(options: CompareOptions) -> OutcomeComparison | RolloutsAhead:
    """Say what models have in common; of one run alone, how far its trials are enough."""
    runs, fraction = options.runs, options.fraction
    ties = ("ties",) if tuple(options.ties) == ("expected",) else ()
    refuse_others(options, ("runs", "fraction", "details", "seed", *ties), "leave it out")
    paths = [run.path.resolve() for run in runs]
    if len(set(paths)) < len(paths):
        twice = next(path for at, path in enumerate(paths) if path in paths[:at])
        raise BadInput(f"{twice}: given twice, and a model agrees with itself; give it once")
    items, names = common_items(runs), run_names(runs)
    if fraction == CompareOptions.fraction:  # of a handful of items a tenth is none
        fraction = analysis.usual_fraction(len(items.ids))
    if len(runs) == 1:
        return rollouts_ahead(runs[0], fraction)
    places, notes = list(combinations(range(len(runs)), 2)), [*items.note]
    fits = [analysis.fit_rates(*one) for one in items.effective] if len(runs) <= _MOST_FITTED else []
    untold = dict.fromkeys(SIDES, Agreement(reason=f"left out of more than {_MOST_FITTED} models"))
    if not fits:
        notes.append(f"agreement without noise takes long, and is {untold['hard'].reason}; give fewer")
    if (num := len(items.ids) * len(places)) > _MOST_TESTS:
        raise BadInput(f"compare: {num:,} items of pairs are more than {_MOST_TESTS:,}; give fewer models")
    table = _tests(items, names, places)
    surest = table[table["p_adjusted"] <= _RATE]
    only = surest.groupby(["a", "b", surest["difference"] > 0]).size().to_dict()
    pairs, cells = [], []
    for count, (i, j) in enumerate(places, 1):
        pair, both = (PairedCounts(*one[i], *one[j]) for one in (items.counts, items.effective))
        agreements = untold
        if fits:
            agreements = analysis.rate_agreements(both, fraction, options.seed, fits=(fits[i], fits[j]))
        a, b = names[i], names[j]
        cells += [_cell(pair, side, fraction, one) | {"a": a, "b": b} for side, one in agreements.items()]
        answers = analysis.answer_agreement(pair, items.groups)
        values = _with_ends("difference", analysis.rate_difference(pair, items.groups))
        values |= _with_ends("same", answers.agreement)
        values |= _with_ends("kappa", answers.kappa or (np.nan,) * 3)
        only_a, only_b = (only.get((a, b, is_b), 0) for is_b in (False, True))
        counts = {"same_by_chance": answers.chance, "only_a": only_a, "only_b": only_b}
        pairs.append({"a": a, "b": b, **values, **counts})
        tell("comparing pairs of models", count, len(places))
    means = (analysis.mean_over_items(right / trials, items.groups, 0.0) for trials, right in items.counts)
    rates = [{"name": name} | _with_ends("rate", mean) for name, mean in zip(names, means, strict=True)]
    tables = (
        pd.DataFrame(rates),
        pd.DataFrame(pairs),
        pd.DataFrame(cells).astype({"agreement_reason": object}),
    )
    return OutcomeComparison(_MEANINGS[runs[0].trials_are], fraction, len(items.ids), *tables, table, notes)


def _cell(pair: PairedCounts, side: Side, fraction: float, agreement: Agreement) -> dict[str, Any]:
    """A row of ``matching``, but for the names of the pair."""
    rate = analysis.match_rates(pair, side, fraction)._asdict()
    ends = {f"agreement_{name}": value for name, value in vars(agreement).items() if name != "rate"}
    chance = {"chance": fraction, "class_chance": None, "agreement": agreement.rate}
    return {"side": side, "ties": "expected", "rate": rate.pop("value")} | rate | chance | ends


def _tests(items: CommonItems, names: Sequence[str], places: Sequence[tuple[int, int]]) -> pd.DataFrame:
    """The rows of `OutcomeComparison.table`, adjusted for all items of all pairs at once."""
    sides = [np.concatenate(items.counts[list(at)], axis=1) for at in zip(*places, strict=True)]
    pair = PairedCounts(*sides[0], *sides[1])
    p, p_adjusted = analysis.rate_changes(pair)
    a, b = (np.repeat([names[place[side]] for place in places], len(items.ids)) for side in (0, 1))
    rate_a, rate_b = pair.rates
    columns = {"id": np.tile(items.ids, len(places)), "a": a, "b": b, "rate_a": rate_a, "rate_b": rate_b}
    table = pd.DataFrame({**columns, "difference": rate_b - rate_a, "p": p, "p_adjusted": p_adjusted})
    return table[p <= _RATE].sort_values(["p_adjusted", "p"], kind="stable", ignore_index=True)
