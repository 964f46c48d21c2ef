"""``compare`` of outcomes: what models have in common on the same items, and which items one has alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from easiness import analysis, show
from easiness.analysis import SIDES, Agreement, AnswerAgreement, Interval, PairedCounts, Side
from easiness.errors import BadInput
from easiness.inputs import tell
from easiness.lazy import Figure, Floats, pd
from easiness.show import number, with_interval
from easiness.store import Run
from easiness.studies.matching import CompareOptions, run_names, tail_text
from easiness.studies.outcomes.ahead import RolloutsAhead, rollouts_ahead
from easiness.studies.outcomes.rollouts import refuse_others

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
    """The K items that several runs have, and of each run the trials [K] and the right ones [K].

    ``effective`` are those that tell as much and are right or wrong. ``groups`` [K] are known or None, and
    ``note`` says how many items others have.
    """

    ids: npt.NDArray[Any]
    counts: list[tuple[Floats, Floats]]
    effective: list[tuple[Floats, Floats]]
    groups: npt.NDArray[Any] | None
    note: list[str]

    def pair(self, a: int, b: int, *, effective: bool = False) -> PairedCounts:
        """The counts of two of the runs."""
        counts = self.effective if effective else self.counts
        return PairedCounts(*counts[a], *counts[b])


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
    counts, effective = [], []
    for run, frame in zip(runs, frames, strict=True):
        at, (trials, right) = pd.Index(frame["id"]).get_indexer(ids), run.outcomes.effective
        counts.append((run.outcomes.trials[at], run.outcomes.right[at]))
        effective.append((trials[at], right[at]))
    note = [f"on the {len(ids):,} items that all have, of up to {num:,}"] if len(ids) < num else []
    # the task of a benchmark is the one group of its items
    groups = known.to_numpy() if known.notna().all() and known.nunique() > 1 else None
    return CommonItems(ids.to_numpy(), counts, effective, groups, note)


@dataclass(frozen=True)
class ModelPair:
    """Models ``a`` and ``b`` by name: b's rate less a's, and what they have in common.

    ``matches`` and ``agreements`` are by side, as counted and without noise. ``only`` says how many items a
    has and b has not, and the other way round.
    """

    a: str
    b: str
    difference: Interval
    answers: AnswerAgreement
    matches: dict[Side, Interval]
    agreements: dict[Side, Agreement]
    only: tuple[int, int]

    def row(self) -> dict[str, Any]:
        values = _with_ends("difference", self.difference) | _with_ends("same", self.answers.agreement)
        values |= _with_ends("kappa", self.answers.kappa or (None,) * 3)
        only = {"only_a": self.only[0], "only_b": self.only[1]}
        return {"a": self.a, "b": self.b, **values, "same_by_chance": self.answers.chance, **only}

    def cells(self, fraction: float) -> Iterator[dict[str, Any]]:
        for side, agreement in self.agreements.items():
            of = {"side": side, "ties": "expected", "a": self.a, "b": self.b}
            rate = dict(zip(("rate", "low", "high"), self.matches[side], strict=True))
            free = {f"agreement_{name}": value for name, value in vars(agreement).items() if name != "rate"}
            chance = {"chance": fraction, "class_chance": None, "agreement": agreement.rate}
            yield of | rate | chance | free


def _with_ends(name: str, interval: Sequence[float | None]) -> dict[str, float | None]:
    return dict(zip((name, f"{name}_low", f"{name}_high"), interval, strict=True))


def _number(name: str, **options: Any) -> show.Column:
    return show.numbers(2, low=f"{name}_low", high=f"{name}_high", **options)


@dataclass(frozen=True, eq=False)
class OutcomeComparison(show.Result):
    """Models side by side; ``rates`` are their means over ``num_items`` items, in the order of ``names``.

    ``items`` are the rows that `table` describes; ``notes`` are what has to be known of all.
    """

    names: list[str]
    meaning: str
    fraction: float
    num_items: int
    rates: list[Interval]
    pairs: list[ModelPair]
    items: pd.DataFrame
    notes: tuple[str, ...]
    leads = True

    @property
    def notices(self) -> list[str]:
        return [*self.notes]

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
        if len(self.pairs) <= _MOST_TOLD:
            return [*(text for pair in self.pairs for text in self._of_pair(pair)), self.meaning]
        ranks = {
            "{} models are right on average": [*zip(self.rates, self.names, strict=True)],
            "kappa of answers, how far they agree beyond accuracies, of {} pairs": [
                (one.answers.kappa, f"{one.a} and {one.b}") for one in self.pairs if one.answers.kappa
            ],
        }
        ranks |= {
            f"agreement on the {tail_text(side, self.fraction)} without noise can be told of {{}} pairs": [
                (Interval(agreement.rate, agreement.low, agreement.high), f"{one.a} and {one.b}")
                for one in self.pairs
                if (agreement := one.agreements[side]).reason is None
            ]
            for side in SIDES
        }
        texts = []
        for what, values in ranks.items():
            ends = [f"{number(one.value)} ({name})" for one, name in sorted(values)]
            span = f": {ends[0]} to {ends[-1]}" if ends else ""
            texts.append(f"{what.format(len(values))}{span}")
        some = sum(any(pair.only) for pair in self.pairs)
        texts.append(f"in {some} of {len(self.pairs)} pairs one model has items that the other has not")
        return [*texts, self.meaning]

    def _of_pair(self, pair: ModelPair) -> Iterator[str]:
        names = f"{pair.a} and {pair.b}"
        ours, theirs = (number(self.rates[self.names.index(name)].value) for name in (pair.a, pair.b))
        change = with_interval(*pair.difference, with_sign=True)
        yield f"{pair.a} is right in {ours} on average and {pair.b} in {theirs}, a difference of {change}"
        for side, agreement in pair.agreements.items():
            tail, share = tail_text(side, self.fraction), number(pair.matches[side].value)
            chance = f"as counted {share} match, and {number(self.fraction)} would be chance"
            if agreement.reason is None:
                share = with_interval(agreement.rate, agreement.low, agreement.high)
                yield f"{names} agree on {share} of the {tail} without noise; {chance}"
            else:
                yield f"how far {names} agree on the {tail} cannot be told ({agreement.reason}); {chance}"
        same, kappa = with_interval(*pair.answers.agreement), pair.answers.kappa
        beyond = f" (kappa {with_interval(*kappa)})" if kappa else ""
        chance = number(pair.answers.chance)
        yield f"answers of {names} are both right or both wrong in {same}; accuracies make {chance}{beyond}"
        yield (
            f"{pair.a} has {show.quantity(pair.only[0], 'item')} that {pair.b} has not, and {pair.b} "
            f"{pair.only[1]:,} that {pair.a} has not (false discovery rate {show.chosen_percent(_RATE)})"
        )

    def figure(self) -> Figure:
        """The share of trials that are right, of each model, with its interval over items."""
        return show.dots_with_intervals(
            self.names, {"": (self.rates, show.INK)}, "share right, mean of items"
        )

    def frames(self) -> list[show.Frame]:
        how = "Means over items; 95 % intervals are over items and their trials."
        rates = pd.DataFrame([{"model": name} | _with_ends("rate", one) for name, one in self._by_model()])
        pairs = [one.row() | {"agreement": one.agreements["hard"].rate} for one in self.pairs[:_MOST_ROWS]]
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
        surest = self.items[self.items["p_adjusted"] <= _RATE].head(_MOST_ITEMS)
        of_items = {name: show.names() for name in ("id", "a", "b")}
        of_items |= {"rate_a": show.numbers(2), "rate_b": show.numbers(2), "p_adjusted": show.numbers(6)}
        return [
            show.Frame(
                f"{len(self.names)} models on {self.num_items:,} items",
                f"{show.sentence_case(self.meaning)}. {how}",
                rates,
                {"model": show.names(), "rate": _number("rate")},
            ),
            show.Frame(
                "Pairs",
                "b's rate less a's; how often both answers are right or wrong, and kappa; the share of "
                f"the {tail_text('hard', self.fraction)} both have without noise, blank if untold.{more}",
                pd.DataFrame(pairs),
                columns,
            ),
            show.Frame(
                "Items that one model has and the other has not",
                f"The surest, at a false discovery rate of {show.chosen_percent(_RATE)} over all.",
                surest,
                of_items,
            ),
        ]

    def _by_model(self) -> Iterator[tuple[str, Interval]]:
        return zip(self.names, self.rates, strict=True)

    def document(self) -> Any:
        """Answers, rates, pairs, matching rates and items."""
        return show.without_nan(
            {
                "fraction": self.fraction,
                "num_items": self.num_items,
                "notices": self.notices,
                "answers": self.answers(),
                "runs": [{"name": name, **_with_ends("rate", rate)} for name, rate in self._by_model()],
                "pairs": [pair.row() for pair in self.pairs],
                "matching": [cell for pair in self.pairs for cell in pair.cells(self.fraction)],
                "items": self.items.to_dict("records"),
            }
        )


def compare_outcomes(options: CompareOptions) -> OutcomeComparison | RolloutsAhead:
    """Say what models have in common; of one run alone, how far its trials are enough."""
    runs, fraction = options.runs, options.fraction
    ties = ("ties",) if tuple(options.ties) == ("expected",) else ()
    refuse_others(options, ("runs", "fraction", "details", "seed", *ties), "leave it out")
    paths = [run.path.resolve() for run in runs]
    if len(set(paths)) < len(paths):
        twice = next(path for at, path in enumerate(paths) if path in paths[:at])
        raise BadInput(f"{twice}: given twice, and a model agrees with itself; give it once")
    if len(runs) == 1:
        return rollouts_ahead(runs[0], fraction)
    items, names = common_items(runs), run_names(runs)
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
    pairs = []
    for count, (a, b) in enumerate(places, 1):
        pair, both = items.pair(a, b), items.pair(a, b, effective=True)
        agreements = untold
        if fits:
            agreements = analysis.rate_agreements(both, fraction, options.seed, fits=(fits[a], fits[b]))
        one = ModelPair(
            names[a],
            names[b],
            analysis.rate_difference(pair, items.groups),
            analysis.answer_agreement(pair, items.groups),
            {side: analysis.match_rates(pair, side, fraction) for side in SIDES},
            agreements,
            (only.get((names[a], names[b], False), 0), only.get((names[a], names[b], True), 0)),
        )
        pairs.append(one)
        tell("comparing pairs of models", count, len(places))
    rates = [analysis.mean_over_items(right / trials, items.groups) for trials, right in items.counts]
    meaning = _MEANINGS[runs[0].trials_are]
    return OutcomeComparison(names, meaning, fraction, len(items.ids), rates, pairs, table, tuple(notes))


def _tests(items: CommonItems, names: Sequence[str], places: Sequence[tuple[int, int]]) -> pd.DataFrame:
    """The rows of `OutcomeComparison.table`, adjusted for all items of all pairs at once."""
    pairs = [items.pair(*place) for place in places]
    pair = PairedCounts(*(np.concatenate(parts) for parts in zip(*pairs, strict=True)))
    p, p_adjusted = analysis.rate_changes(pair)
    a, b = (np.repeat([names[place[side]] for place in places], len(items.ids)) for side in (0, 1))
    rate_a, rate_b = pair.rates
    columns = {"id": np.tile(items.ids, len(places)), "a": a, "b": b, "rate_a": rate_a, "rate_b": rate_b}
    table = pd.DataFrame({**columns, "difference": rate_b - rate_a, "p": p, "p_adjusted": p_adjusted})
    return table[p <= _RATE].sort_values(["p_adjusted", "p"], kind="stable", ignore_index=True)
