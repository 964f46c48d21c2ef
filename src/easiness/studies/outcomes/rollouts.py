"""Outcomes by their rates: items to keep, items to ask again, and how much more trials would tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from easiness import show
from easiness.analysis import (
    SIDES,
    Allotment,
    Side,
    allot,
    fit_rates,
    shares_ahead,
    times_enough,
    usual_fraction,
)
from easiness.errors import BadInput
from easiness.lazy import Figure, Mask, pd, special
from easiness.spec import check_band
from easiness.store import Run
from easiness.studies.keeping import KeepOptions, NextOptions, ids_as_text
from easiness.studies.matching import tail_text
from easiness.studies.outcomes.scores import OfOutcomes, refuse_others

_EDGES = ((np.arange(22) - 0.5) / 20).tolist()  # of bins around 0, 0.05, ... 1
_NUM_SHOWN = 10  # items
_NEVER = 0.01  # rate that few rollouts tell from 0
_TIMES = (1, 2, 4, 8)  # the trials that there are
_PARTS = 10  # of the items, left out in turn
_SHAPE_ERROR = 0.3  # over the trials: what few of them leave to where the fit begins
_COLORS: dict[Side, str] = {"easy": show.EASY, "hard": show.HARD}


@dataclass(frozen=True, eq=False)
class ItemsBetween(OfOutcomes):
    """The ``items`` of a run, and which are kept, as their true rates lie ``between`` more probably than not.

    Their columns are those of `table`.
    """

    between: tuple[float, float]
    items: pd.DataFrame = field(repr=False)
    listing = "items"

    @property
    def kept_mask(self) -> Mask:
        """The items to keep, [K]."""
        return np.asarray(self.items["p_between"] >= 0.5)

    def table(self) -> pd.DataFrame:
        """The items to keep, a row each: ``id``, ``trials``, ``rate``, ``p_between``."""
        return self.items[self.kept_mask].reset_index(drop=True)

    def choices(self) -> pd.DataFrame:
        """Numbers of items, by this choice and by the usual filter on observed rates.

        So many are ``kept``; ``inside`` and ``outside`` of them are expected to lie there, and ``left_out``
        are inside, too, and not kept.
        """
        p, usual = self.items["p_between"], self.items["rate"].between(*self.between)
        masks: dict[str, Any] = {"by probability": self.kept_mask, "by observed rate": usual}
        table = pd.DataFrame({"choice": [*masks], "kept": [mask.sum() for mask in masks.values()]})
        table["inside"] = [p[mask].sum() for mask in masks.values()]
        table["outside"] = table["kept"] - table["inside"]
        return table.assign(left_out=p.sum() - table["inside"])

    @property
    def _title(self) -> str:
        return f"{self.kept_mask.sum():,} of {show.quantity(len(self.items), 'item')} kept"

    @property
    def headline(self) -> str:
        ours, usual = self.choices().to_dict("records")
        low, high = self.between
        return (
            f"{self._title}: {ours['inside']:,.0f} are "
            f"expected in {low:g} to {high:g}, {ours['outside']:,.0f} outside, and {ours['left_out']:,.0f} "
            f"inside are lost. The usual filter on observed rates keeps {usual['kept']:,}: "
            f"{usual['outside']:,.0f} expected outside, {usual['left_out']:,.0f} lost. {self.sentence}"
        )

    def figure(self) -> Figure:
        """The items by their observed rate, those kept and those dropped, and the band."""
        figure, axes = show.new_axes(5.2, 2.7)
        mask, rate, colors = self.kept_mask, self.items["rate"], [show.TRAIN, show.FAINT]
        axes.hist([rate[mask], rate[~mask]], _EDGES, stacked=True, color=colors, label=["kept", "dropped"])
        for end in self.between:
            axes.axvline(end, color=show.INK, linewidth=0.8)
        axes.set(xlabel="share of trials that are right", ylabel="items", xlim=(-0.03, 1.03))
        show.legend_above(axes, 2)
        return figure

    def frames(self) -> list[show.Frame]:
        columns = {"choice": show.names(), "kept": show.counts(), "inside": show.numbers(1)}
        columns |= {"outside": show.numbers(1), "left_out": show.numbers(1, title="lost")}
        low, high = self.between
        note = (
            f"Items whose true rate lies in {low:g} to {high:g}: expected numbers, by the distribution of "
            f"rates. {self.sentence}."
        )
        return [show.Frame(self._title, note, self.choices(), columns)]

    def own_file(self, suffix: str) -> bytes:  # noqa: ARG002 the only one
        return ids_as_text(self.run.ids[self.kept_mask])


def keep_between(options: KeepOptions) -> ItemsBetween:
    """The items of a run of outcomes whose true rates lie in a band more probably than not."""
    refuse_others(options, ("between",), "give --between LOW,HIGH alone")
    if options.between is None:
        raise BadInput("--between: is missing, by which outcomes are kept; give two rates, such as 0.2,0.8")
    between = check_band(options.between)
    items = options.run.scores(between=between)
    return ItemsBetween(options.run, between, items[["id", "trials", "rate", "p_between"]])


@dataclass(frozen=True, eq=False)
class NextRollouts(OfOutcomes):
    """How many further rollouts to ask of which items of a run, and what is expected of them.

    ``aim`` says what is to be decided of each item, empty where the rates themselves are to be known.
    """

    num: int
    aim: str
    allotment: Allotment = field(repr=False)
    notices: Sequence[str] = ()
    listing = "items"

    def table(self) -> pd.DataFrame:
        """The items to ask again, the most useful first: ``id`` and how often, ``more``."""
        more = self.allotment.more
        order = np.argsort(-self.allotment.gain / np.maximum(more, 1), kind="stable")
        order = order[more[order] > 0]
        return pd.DataFrame({"id": self.run.ids[order], "more": more[order]})

    def expected(self) -> pd.DataFrame:
        """Expectations now, with these rollouts, and with as many where all items have the same number.

        ``right`` are the items that are decided rightly, or ``error`` the root mean square error of a rate.
        """
        one, num_items = self.allotment, len(self.run.ids)
        values = np.array([one.now, one.then, one.alike])
        name, values = ("right", values) if self.aim else ("error", np.sqrt(values / num_items))
        names = ["now", "with these", "with as many for all"]
        trials = self.run.outcomes.trials.mean() + np.array([0, 1, 1]) * self.num / num_items
        return pd.DataFrame({"rollouts": names, "each": trials, name: values})

    @property
    def headline(self) -> str:
        now, then, alike = self.expected().iloc[:, -1]
        num_items = len(self.run.ids)
        some = (self.allotment.more > 0).sum()
        start = f"{self._quantity} for {some:,} of {num_items:,} items"
        if self.aim:
            text = (
                f"{now:,.0f} of {num_items:,} are expected to be decided rightly now ({self.aim} or not), "
                f"{then:,.0f} with these, {alike:,.0f} with as many for all"
            )
        else:
            text = f"rates are off by {now:.3f} now, {then:.3f} with these, {alike:.3f} with as many for all"
        return f"{start}: {text}; {self.meaning}"

    def next_steps(self, outputs: Sequence[Path]) -> list[str]:  # noqa: ARG002
        more = " --trials-are models" if self.run.trials_are == "models" else ""
        return [
            "ask these again, and record what comes: easiness record NEW.csv --add --out "
            f"{self.run.path.parent}{more}"
        ]

    @property
    def _quantity(self) -> str:
        """The number of trials: a model that has answered is asked no more."""
        if self.run.trials_are == "models":
            return f"{show.quantity(self.num, 'answer')} of models not asked yet,"
        return show.quantity(self.num, "rollout")

    def figure(self) -> Figure:
        """How many further rollouts items of each observed rate have, on average."""
        figure, axes = show.new_axes(5.2, 2.7)
        rate = self.run.outcomes.rate
        counts = np.histogram(rate, _EDGES)[0]
        more = np.histogram(rate, _EDGES, weights=self.allotment.more)[0] / np.maximum(counts, 1)
        axes.bar(np.linspace(0, 1, len(more)), more, 0.9 / len(more), color=show.TRAIN)
        axes.set(
            xlabel="share of trials that are right", ylabel="further rollouts of an item", xlim=(-0.03, 1.03)
        )
        return figure

    def frames(self) -> list[show.Frame]:
        expected = self.expected()
        value = (
            {"right": show.numbers(1, title="decided rightly")} if self.aim else {"error": show.numbers(3)}
        )
        columns = {"rollouts": show.names(), "each": show.numbers(1, title="an item"), **value}
        what = f"Items of {len(self.run.ids):,}: {self.aim} or not" if self.aim else "Error of a rate"
        note = f"{what}, as the distribution of rates foretells. {self.sentence}."
        title = f"What {self._quantity.removesuffix(',')} would tell"
        first = show.Frame(title, note, expected, columns)
        rows = self.table()
        note = f"The most useful of {len(rows):,}."
        columns = {"id": show.names(), "more": show.counts()}
        return [first, show.Frame("Items to ask again", note, rows.head(_NUM_SHOWN), columns)]


def next_rollouts(options: NextOptions) -> NextRollouts:
    """The items of a run of outcomes to ask again, and how often each."""
    remedy = "give --rollouts N, and --between LOW,HIGH or --hard"
    refuse_others(options, ("run", "rollouts", "between", "hard"), remedy)
    if options.run is None or options.rollouts is None:
        raise BadInput(f"--rollouts: is missing, the number to allot to outcomes; {remedy}")
    if options.hard and options.between is not None:
        raise BadInput("--between and --hard: each has rollouts of its own; leave one of them out")
    run, notices = options.run, []
    rates, fraction = run.outcomes.rates, usual_fraction(len(run.ids))
    member, aim = None, ""
    if options.between is not None:
        low, high = check_band(options.between)
        member, aim = rates.band(low, high), f"in {low:g} to {high:g}"
    elif options.hard:
        member, aim = rates.tail(fraction, "hard"), f"among the {tail_text('hard', fraction)}"
        if (never := float(rates.population[rates.probability < _NEVER].sum())) > fraction:
            notices.append(
                f"about {show.percent(never)} of the items are right in fewer than one of 100 trials, more "
                f"than the {tail_text('hard', fraction)}: hardly any number of rollouts tells which of them "
                "are the hardest"
            )
    allotment = allot(rates, options.rollouts, member, run.outcomes.dispersion)
    if member is not None and allotment.then - allotment.now < 0.5:
        notices.append("these rollouts are not expected to decide one further item rightly")
    return NextRollouts(run, options.rollouts, aim, allotment, notices)


@dataclass(frozen=True, eq=False)
class RolloutsAhead(OfOutcomes):
    """How much of the true tails of ``fraction`` is known from the trials of a run, and from more.

    ``shares`` are the rows that `table` describes. By side ``enough`` times the trials hold 90 %, None where
    ten times do not.
    """

    fraction: float
    shares: pd.DataFrame = field(repr=False)
    enough: dict[Side, float | None]

    def table(self) -> pd.DataFrame:
        """A row for each ``side`` and number of ``times`` the trials: ``trials`` an item, and ``share``.

        The ``share``, in 0..1 and from ``low`` to ``high``, of the truly easiest or hardest items is what as
        many items hold, the likeliest ones.
        """
        return self.shares

    def printed_sections(self) -> list[show.Section]:
        return self.sections()

    @property
    def headline(self) -> str:
        return "\n".join([*(self._sentence(side) for side in SIDES), self.meaning])

    def _sentence(self, side: Side) -> str:
        rows: Any = self.shares[self.shares["side"] == side]
        now, *more = rows.itertuples()
        ahead = show.enumeration([f"{show.number(one.share)} with {one.times} times" for one in more])
        rest = "ten times do not hold .9: the order of some may never be told"
        if (times := self.enough[side]) is not None:
            rest = f".9 takes {show.number(times, 1)} times as many, {times * now.trials:.0f} an item"
        of = f"{show.with_interval(now.share, now.low, now.high)} of the {tail_text(side, self.fraction)}"
        return f"{of} are known from {now.trials:.0f} trials an item, {ahead} as many; {rest}"

    def figure(self) -> Figure:
        """The share of the true sets held, over the number of trials."""
        lines = []
        for side, color in _COLORS.items():
            rows = self.shares[self.shares["side"] == side]
            errors = [rows["share"] - rows["low"], rows["high"] - rows["share"]]
            name = tail_text(side, self.fraction)
            lines.append(show.Curve(rows["trials"], rows["share"], name, color, errors=errors, band=True))
        return show.curves({"": lines}, (5.2, 2.7), x="trials an item", y="share of them known")

    def frames(self) -> list[show.Frame]:
        how = "The share of the true set that the likeliest items hold; 95 % intervals over items and trials."
        columns = {
            "side": show.names(),
            "times": show.counts("Times the trials that there are."),
            "trials": show.numbers(1, "Trials an item on average."),
            "share": show.numbers(2, low="low", high="high"),
        }
        title = f"How much of the true sets is known of {len(self.run.ids):,} items"
        return [show.Frame(title, f"{self.sentence}. {how}", self.shares, columns)]

    def document(self) -> Any:
        return {"rows": super().document(), "enough": dict(self.enough), "meaning": self.meaning}


def rollouts_ahead(run: Run, fraction: float) -> RolloutsAhead:
    """Foretell what more trials of a run of outcomes would tell; intervals leave out tenths of the items."""
    outcomes = run.outcomes
    trials, right = outcomes.effective
    parts = np.random.default_rng(0).permutation(np.arange(len(trials)) % _PARTS)
    rest = [parts != part for part in range(_PARTS)] if len(trials) > _PARTS else []
    fits = [(fit_rates(trials[one], right[one]), trials[one]) for one in rest]
    rows = []
    for side in SIDES:
        share = np.array(shares_ahead(outcomes.rates, trials, _TIMES, side=side, fraction=fraction))
        left = [shares_ahead(*fit, _TIMES, side=side, fraction=fraction) for fit in fits] or np.nan * share
        error = float(special.stdtrit(_PARTS - 1, 0.975)) * np.sqrt((_PARTS - 1) * np.var(left, axis=0))
        reach = np.hypot(error, _SHAPE_ERROR / trials.mean())
        one = pd.DataFrame(
            {"side": side, "times": _TIMES, "trials": np.multiply(_TIMES, outcomes.trials.mean())}
        )
        low, high = np.maximum(share - reach, 0.0), np.minimum(share + reach, 1.0)
        rows.append(one.assign(share=share, low=low, high=high))
    enough = {side: times_enough(outcomes.rates, trials, side=side, fraction=fraction) for side in SIDES}
    return RolloutsAhead(run, fraction, pd.concat(rows, ignore_index=True), enough)
