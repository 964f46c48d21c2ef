"""Outcomes chosen by their rates: items to keep (``keep --between``), and items to ask again (``next``)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from easiness import show
from easiness.analysis import Allotment, allot, usual_fraction
from easiness.errors import BadInput
from easiness.lazy import Figure, Floats, Mask, pd
from easiness.spec import check_band
from easiness.store import Run
from easiness.studies.keeping import KeepOptions, NextOptions, changed_options, ids_as_text, option_flag
from easiness.studies.matching import tail_text
from easiness.studies.outcomes.scores import meaning

_EDGES = ((np.arange(22) - 0.5) / 20).tolist()  # of bins around 0, 0.05, ... 1
_NUM_SHOWN = 10  # items
_NEVER = 0.001  # rate that nobody's rollouts tell from 0


def refuse_others(options: Any, own: tuple[str, ...], remedy: str) -> None:
    """Refuse, by its name, an option that is given and not among the ``own`` ones of outcomes."""
    for name in changed_options(type(options), vars(options)):
        if name not in own:
            raise BadInput(f"{option_flag(name)}: is for runs of `measure`, and these are outcomes; {remedy}")


@dataclass(frozen=True, eq=False)
class ItemsBetween(show.Result):
    """The items of a run, and which are kept, as their true rates lie ``between`` more probably than not.

    ``rate`` [K] are the shares of trials that are right, and ``p_between`` [K] the probabilities.
    """

    run: Run = field(repr=False)
    between: tuple[float, float]
    rate: Floats = field(repr=False)
    p_between: Floats = field(repr=False)
    listing = "items"

    @property
    def kept_mask(self) -> Mask:
        """The items to keep, [K]."""
        return np.asarray(self.p_between >= 0.5)

    def table(self) -> pd.DataFrame:
        """The items to keep, a row each: ``id``, ``trials``, ``rate``, ``p_between``."""
        outcomes = self.run.outcomes
        columns = {
            "id": outcomes.items["id"].to_numpy(),
            "trials": outcomes.trials.astype(np.int64),
            "rate": self.rate,
            "p_between": self.p_between,
        }
        return pd.DataFrame(columns)[self.kept_mask].reset_index(drop=True)

    def choices(self) -> pd.DataFrame:
        """Numbers of items, by this choice and by the usual filter on observed rates.

        So many are ``kept``; ``inside`` and ``outside`` of them are expected to lie there, and ``left_out``
        are inside, too, and not kept.
        """
        low, high = self.between
        rows = {}
        usual = (self.rate >= low) & (self.rate <= high)
        for choice, mask in (("by probability", self.kept_mask), ("by observed rate", usual)):
            inside = self.p_between[mask].sum()
            rows[choice] = mask.sum(), inside, mask.sum() - inside, self.p_between[~mask].sum()
        table = pd.DataFrame.from_dict(rows, "index", columns=["kept", "inside", "outside", "left_out"])
        return table.rename_axis("choice").reset_index()

    @property
    def headline(self) -> str:
        ours, usual = self.choices().to_dict("records")
        low, high = self.between
        return (
            f"{ours['kept']:,} of {show.quantity(len(self.rate), 'item')} kept: {ours['inside']:,.0f} are "
            f"expected in {low:g} to {high:g}, {ours['outside']:,.0f} outside, and {ours['left_out']:,.0f} "
            f"inside are lost. The usual filter on observed rates keeps {usual['kept']:,}: "
            f"{usual['outside']:,.0f} expected outside, {usual['left_out']:,.0f} lost. "
            f"{show.sentence_case(meaning(self.run))}"
        )

    def printed_sections(self) -> list[show.Section]:
        return []  # the headline says it

    def figure(self) -> Figure:
        """The items by their observed rate, those kept and those dropped, and the band."""
        figure, axes = show.new_axes(5.2, 2.7)
        mask, colors = self.kept_mask, [show.TRAIN, show.FAINT]
        axes.hist(
            [self.rate[mask], self.rate[~mask]], _EDGES, stacked=True, color=colors, label=["kept", "dropped"]
        )
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
            f"rates. {show.sentence_case(meaning(self.run))}."
        )
        title = f"{self.kept_mask.sum():,} of {show.quantity(len(self.rate), 'item')} kept"
        return [show.Frame(title, note, self.choices(), columns)]

    def own_file(self, suffix: str) -> bytes:  # noqa: ARG002 the only one
        return ids_as_text(self.run.ids[self.kept_mask])


def keep_between(options: KeepOptions) -> ItemsBetween:
    """The items of a run of outcomes whose true rates lie in a band more probably than not."""
    remedy = "give --between LOW,HIGH alone"
    refuse_others(options, ("between",), remedy)
    if options.between is None:
        raise BadInput("--between: is missing, by which outcomes are kept; give two rates, such as 0.2,0.8")
    outcomes, between = options.run.outcomes, check_band(options.between)
    return ItemsBetween(options.run, between, outcomes.rate, outcomes.rates.between(*between))


@dataclass(frozen=True, eq=False)
class NextRollouts(show.Result):
    """How many further rollouts to ask of which items of a run, and what is expected of them.

    ``aim`` says what is to be decided of each item, empty where the rates themselves are to be known.
    """

    run: Run = field(repr=False)
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
        return f"{start}: {text}; {meaning(self.run)}"

    def printed_sections(self) -> list[show.Section]:
        return []  # the headline says it

    def next_steps(self, outputs: Sequence[Path]) -> list[str]:  # noqa: ARG002
        return [
            "ask these again, and record what comes: easiness record NEW.csv --add "
            f"{'--trials-are models ' if self.run.trials_are == 'models' else ''}--out {self.run.path.parent}"
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
        note = f"{what}, as the distribution of rates foretells. {show.sentence_case(meaning(self.run))}."
        title = f"What {self._quantity.removesuffix(',')} would tell"
        first = show.Frame(title, note, expected, columns)
        rows = self.table()
        note = f"The most useful of {len(rows):,}."
        columns = {"id": show.names(), "more": show.counts()}
        return [first, show.Frame("Items to ask again", note, rows.head(_NUM_SHOWN), columns)]


def next_rollouts(options: NextOptions) -> NextRollouts:
    """The items of a run of outcomes to ask again, and how often each."""
    remedy = "give --rollouts N, and --between LOW,HIGH or --hard"
    refuse_others(options, ("rollouts", "between", "hard"), remedy)
    if options.rollouts is None:
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
                f"about {show.percent(never)} of the items are right in fewer than one of 1,000 trials, more "
                f"than the {tail_text('hard', fraction)}: no rollouts tell which of them are the hardest"
            )
    allotment = allot(rates, options.rollouts, member, run.outcomes.dispersion)
    if member is not None and allotment.then - allotment.now < 0.5:
        notices.append("these rollouts are not expected to decide one further item rightly")
    return NextRollouts(run, options.rollouts, aim, allotment, notices)
