"""``compare`` of outcomes: what models have in common on the same items, and which items one has alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt

from easiness import analysis, show
from easiness.analysis import Agreement, AnswerAgreement, Interval, PairedCounts, RateMatch, Side
from easiness.errors import BadInput
from easiness.inputs import tell
from easiness.lazy import Figure, Floats, pd
from easiness.show import number, with_interval
from easiness.store import Run
from easiness.studies.matching import CompareOptions, run_names, tail_text
from easiness.studies.outcomes.ahead import RolloutsAhead, rollouts_ahead

RATE = 0.05
"""False discovery rate at which an item is said to be of one model alone."""

_MOST_FITTED = 16  # models of which each pair is fitted
_MOST_TOLD = 3  # pairs that have sentences each; more have theirs together
_MOST_ITEMS = 10  # to read
_MOST_ROWS = 30  # of a table to read
_MOST_TESTS = 5_000_000  # items times pairs


@dataclass(frozen=True, eq=False)
class CommonItems:
    """What several models made of the K items that all have: numbers of trials, and right ones, [K]."""

    ids: npt.NDArray[Any]
    counts: list[tuple[Floats, Floats]]
    effective: list[tuple[Floats, Floats]]
    groups: npt.NDArray[Any] | None
    note: str | None

    @classmethod
    def of(cls, runs: Sequence[Run]) -> CommonItems:
        """Of runs whose trials are alike."""
        kinds = {run.trials_are: run for run in runs}
        if len(kinds) > 1:
            raise BadInput(
                f"{kinds['models'].path}: its trials are models, and those of {kinds['rollouts'].path}"
                " rollouts of one; give runs of one kind"
            )
        frames = [run.outcomes.items for run in runs]
        ids = frames[0]["id"]
        for frame in frames[1:]:
            ids = ids[ids.isin(frame["id"])]
        if not len(ids):
            paths = " and ".join(str(run.path) for run in runs[:2])
            raise BadInput(f"{paths}: have no item in common; give runs on the same items")
        places = [pd.Index(frame["id"]).get_indexer(ids) for frame in frames]
        num = max(map(len, frames))
        note = f"on the {len(ids):,} items that all have, of up to {num:,}" if len(ids) < num else None
        pairs = [
            [
                (run.outcomes.trials[at], run.outcomes.right[at]),
                tuple(one[at] for one in run.outcomes.effective),
            ]
            for run, at in zip(runs, places, strict=True)
        ]
        groups = frames[0]["group"].iloc[places[0]] if "group" in frames[0] else None
        whole = groups is not None and not groups.isna().any()
        counts, effective = zip(*pairs, strict=True)
        return cls(ids.to_numpy(), list(counts), list(effective), groups.to_numpy() if whole else None, note)

    def pair(self, a: int, b: int) -> PairedCounts:
        return PairedCounts(*self.counts[a], *self.counts[b])


@dataclass(frozen=True)
class ModelPair:
    """Models ``a`` and ``b`` by name: b's rate less a's, and what they have in common, by side.

    ``only`` has how many items a has and b has not, and the other way round.
    """

    a: str
    b: str
    difference: Interval
    answers: AnswerAgreement
    matches: dict[Side, RateMatch]
    agreements: dict[Side, Agreement]
    only: tuple[int, int]

    def row(self) -> dict[str, Any]:
        kappa = self.answers.kappa or Interval(np.nan, np.nan, np.nan)
        values = _named("difference", self.difference) | _named("same", self.answers.agreement)
        only = dict(zip(("only_a", "only_b"), self.only, strict=True))
        of = {"a": self.a, "b": self.b, **values, "same_by_chance": self.answers.chance}
        return {**of, **_named("kappa", kappa), **only}

    def cells(self) -> list[dict[str, Any]]:
        """A row a side: matched items beside chance, and their share freed of noise."""
        rows = []
        for side, match in self.matches.items():
            of, agreement = (
                {"side": side, "ties": "expected", "a": self.a, "b": self.b},
                self.agreements[side],
            )
            rate = dict(zip(("rate", "low", "high"), match.rate, strict=True))
            free = {f"agreement_{name}": getattr(agreement, name) for name in ("low", "high", "reason")}
            chance = {"chance": match.chance, "class_chance": None, "agreement": agreement.rate}
            rows.append({**of, **rate, **chance, **free})
        return rows


@dataclass(frozen=True, eq=False)
class OutcomeComparison(show.Result):
    """Models side by side; ``rates`` are their means over ``num_items`` items, in the order of ``names``.

    ``items`` are the rows that `table` describes; ``note`` is what has to be known of the items.
    """

    names: list[str]
    meaning: str
    fraction: float
    num_items: int
    rates: list[Interval]
    pairs: list[ModelPair]
    items: pd.DataFrame
    note: str | None
    leads = True

    def table(self) -> pd.DataFrame:
        """A row for each item and pair of models with p up to 0.05, surest first.

        Columns: ``id``, models ``a`` and ``b``, ``rate_a`` and ``rate_b``, ``difference`` (b less a), ``p``
        (Fisher's exact test, two-sided) and ``p_adjusted`` for all items and pairs.
        """
        return self.items

    @property
    def notices(self) -> list[str]:
        return [] if self.note is None else [self.note]

    @property
    def headline(self) -> str:
        return "\n".join(self.answers())

    def answers(self) -> list[str]:
        """Sentences on pairs, or on the range of many, then what a rate speaks of."""
        if len(self.pairs) <= _MOST_TOLD:
            return [*(text for pair in self.pairs for text in self._of_pair(pair)), self.meaning]
        order = sorted(zip(self.rates, self.names, strict=True))
        ends = (f"{number(rate.value)} ({name})" for rate, name in (order[0], order[-1]))
        kappas = sorted((pair.answers.kappa, pair) for pair in self.pairs if pair.answers.kappa)
        texts = [f"{len(self.names)} models are right in {' to '.join(ends)} on average"]
        if kappas:
            ends = (f"{number(k.value)} ({pair.a} and {pair.b})" for k, pair in (kappas[0], kappas[-1]))
            texts.append(f"answers agree beyond what accuracies make by a kappa of {' to '.join(ends)}")
        rates = [pair.agreements["hard"].rate for pair in self.pairs]
        known = [rate for rate in rates if rate >= 0]
        tail = tail_text("hard", self.fraction)
        ends = f": {number(min(known))} to {number(max(known))}" if known else ""
        texts.append(f"agreement on the {tail} is told of {len(known)} of {len(rates)} pairs{ends}")
        some = sum(any(pair.only) for pair in self.pairs)
        texts.append(f"{some} of {len(rates)} pairs have items that one model has and the other has not")
        return [*texts, self.meaning]

    def _of_pair(self, pair: ModelPair) -> Iterator[str]:
        names = f"{pair.a} and {pair.b}"
        ours, theirs = (number(self.rates[self.names.index(name)].value) for name in (pair.a, pair.b))
        change = with_interval(*pair.difference, with_sign=True)
        yield f"{pair.a} is right in {ours} on average and {pair.b} in {theirs}, a difference of {change}"
        for side, match in pair.matches.items():
            tail, agreement = tail_text(side, self.fraction), pair.agreements[side]
            chance = (
                f"as counted {number(match.rate.value)} match, and {number(match.chance)} would be chance"
            )
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
            f"{pair.only[1]:,} that {pair.a} has not (false discovery rate {show.chosen_percent(RATE)})"
        )

    def figure(self) -> Figure:
        """The share of trials that are right, of each model, with its interval over items."""
        return show.dots_with_intervals(
            self.names, {"": (self.rates, show.INK)}, "share right, mean of items"
        )

    def frames(self) -> list[show.Frame]:
        rates = pd.DataFrame({"model": self.names}).join(
            pd.DataFrame([_named("rate", one) for one in self.rates])
        )
        how = "Means over items; 95 % intervals are over items and their trials."
        frames = [
            show.Frame(
                f"{len(self.names)} models on {self.num_items:,} items",
                f"{show.sentence_case(self.meaning)}. {how}",
                rates,
                {"model": show.names(), "rate": _number("rate")},
            )
        ]
        rows = pd.DataFrame([pair.row() for pair in self.pairs])
        hardest = [(pair.matches["hard"], pair.agreements["hard"]) for pair in self.pairs]
        rows["matched"] = [match.rate.value for match, _ in hardest]
        rows["agreement"] = [agreement.rate for _, agreement in hardest]
        most = f" These are {_MOST_ROWS} of {len(rows):,}." if len(rows) > _MOST_ROWS else ""
        frames.append(
            show.Frame(
                "Pairs",
                f"b's rate less a's; how often answers are both right or both wrong, as accuracies alone "
                f"make it, and kappa; of the {tail_text('hard', self.fraction)}, the share matched "
                f"as counted and agreed on without noise (blank: cannot be told); and items that one has alone.{most}",
                rows.head(_MOST_ROWS),
                {
                    "a": show.names(),
                    "b": show.names(),
                    "difference": _number("difference", with_sign=True),
                    "same": _number("same"),
                    "same_by_chance": show.numbers(2, title="by chance"),
                    "kappa": _number("kappa"),
                    "matched": show.numbers(2),
                    "agreement": show.numbers(2),
                    "only_a": show.counts("Items that a has and b has not.", "a alone"),
                    "only_b": show.counts("Items that b has and a has not.", "b alone"),
                },
            )
        )
        named = self.items[self.items["p_adjusted"] <= RATE]
        data = named.head(_MOST_ITEMS)
        texts = {name: show.names() for name in ("id", "a", "b")}
        columns = {
            "rate_a": show.numbers(2),
            "rate_b": show.numbers(2),
            "p_adjusted": show.Column("{:.2g}".format),
        }
        first = f"The {len(data)} surest of {len(named):,}" if len(named) else "None"
        note = f"{first}: at a false discovery rate of {show.chosen_percent(RATE)} over all items and pairs."
        return [
            *frames,
            show.Frame("Items that one model has and the other has not", note, data, texts | columns),
        ]

    def remarks(self) -> list[str]:
        return [*self.notices, *self.answers()]

    def document(self) -> dict[str, Any]:
        """Answers, rates, pairs, matching rates and items."""
        runs = [
            {"name": name, **_named("rate", rate)} for name, rate in zip(self.names, self.rates, strict=True)
        ]
        return show.without_nan(
            {
                "fraction": self.fraction,
                "num_items": self.num_items,
                "note": self.note,
                "answers": self.answers(),
                "runs": runs,
                "pairs": [pair.row() for pair in self.pairs],
                "matching": [cell for pair in self.pairs for cell in pair.cells()],
                "items": self.items.to_dict("records"),
            }
        )


def _named(name: str, interval: Interval) -> dict[str, float]:
    return dict(zip((name, f"{name}_low", f"{name}_high"), interval, strict=True))


def _number(name: str, *, with_sign: bool = False) -> show.Column:
    return show.numbers(2, low=f"{name}_low", high=f"{name}_high", with_sign=with_sign)


def compare_outcomes(options: CompareOptions) -> OutcomeComparison | RolloutsAhead:
    """What models have in common on their common items; of one run alone, how far its trials are enough."""
    if options.at is not None:
        options.runs[0].check_course("--at")
    others = [ties for ties in options.ties if ties != "expected"]
    if others and options.ties != CompareOptions.ties:
        raise BadInput(f"--ties {others[0]}: outcomes are of one policy, which shares ties; leave it out")
    runs = options.runs
    for at, run in enumerate(runs):
        if run.path.resolve() in [other.path.resolve() for other in runs[:at]]:
            raise BadInput(f"{run.path}: given twice, and a model agrees with itself; give it once")
    if len(runs) == 1:
        return rollouts_ahead(runs[0], options.fraction)
    items, names = CommonItems.of(runs), run_names(runs)
    num = len(items.ids)
    places = list(combinations(range(len(runs)), 2))
    notes = [items.note] if items.note else []
    fits = None if len(runs) > _MOST_FITTED else [analysis.fit_rates(*one) for one in items.effective]
    if fits is None:
        notes.append(
            f"agreement without noise takes long, and is left out of the pairs of more than {_MOST_FITTED} "
            "models; give the ones that matter"
        )
    if num * len(places) <= _MOST_TESTS:
        table = _tests(items, names, places)
    else:
        table = _tests(items, names, [])
        notes.append(f"items of one model alone are left out where there are more than {_MOST_TESTS:,} tests")
    named = table[table["p_adjusted"] <= RATE]
    higher = named.groupby(["a", "b", named["difference"] > 0]).size()
    pairs = []
    for count, (a, b) in enumerate(places, 1):
        pair = items.pair(a, b)
        both = PairedCounts(*items.effective[a], *items.effective[b])
        agreements = (
            dict.fromkeys(analysis.SIDES, Agreement(reason="not fitted for so many models"))
            if fits is None
            else analysis.rate_agreements(both, options.fraction, options.seed, fits=(fits[a], fits[b]))
        )
        pairs.append(
            ModelPair(
                names[a],
                names[b],
                analysis.rate_difference(pair, items.groups),
                analysis.answer_agreement(pair, items.groups),
                {side: analysis.match_rates(pair, side, options.fraction) for side in analysis.SIDES},
                agreements,
                (
                    int(higher.get((names[a], names[b], False), 0)),
                    int(higher.get((names[a], names[b], True), 0)),
                ),
            )
        )
        tell("comparing pairs of models", count, len(places))
    return OutcomeComparison(
        names=names,
        meaning="trials are models"
        if runs[0].trials_are == "models"
        else "trials are rollouts of each model",
        fraction=options.fraction,
        num_items=num,
        rates=[analysis.mean_over_items(right / trials, items.groups) for trials, right in items.counts],
        pairs=pairs,
        items=table,
        note="; ".join(notes) or None,
    )


def _tests(items: CommonItems, names: Sequence[str], places: Sequence[tuple[int, int]]) -> pd.DataFrame:
    """The rows of `OutcomeComparison.table`, adjusted for all items of all pairs at once."""
    num = len(items.ids)
    sides = [[pair[at] for pair in places] for at in (0, 1)]
    counts = [
        np.concatenate([items.counts[at][part] for at in side]) if places else np.empty(0)
        for side in sides
        for part in (0, 1)
    ]
    pair = PairedCounts(*counts)
    changes = analysis.rate_changes(pair) if places else analysis.RateChanges(np.empty(0), np.empty(0))
    rate_a, rate_b = pair.rates
    rows = pd.DataFrame(
        {
            "id": np.tile(items.ids, len(places)),
            **{
                name: np.repeat(np.array([names[at] for at in side], object), num)
                for name, side in zip("ab", sides, strict=True)
            },
            "rate_a": rate_a,
            "rate_b": rate_b,
            "difference": rate_b - rate_a,
            "p": changes.p,
            "p_adjusted": changes.p_adjusted,
        }
    )
    return rows[rows["p"] <= RATE].sort_values(["p_adjusted", "p"], kind="stable", ignore_index=True)
