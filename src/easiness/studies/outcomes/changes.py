"""``diff`` of outcomes: which items changed between two versions of a model or of a prompt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import false_discovery_control

from easiness import show
from easiness.analysis import Interval, PairedCounts, p_beyond_rate, rate_changes, rate_difference
from easiness.errors import BadInput, RunFailed
from easiness.lazy import Figure, pd
from easiness.regular_file import in_words
from easiness.studies.outcomes.compare import common_items
from easiness.studies.outcomes.scores import meaning, refuse_others
from easiness.studies.versions import CHANGES, Versions, draw_changes

_MOST_ITEMS = 10  # of each kind, to read


@dataclass(frozen=True, eq=False)
class OutcomeChanges(show.Result):
    """The items of two versions, and how each changed.

    ``items`` are the rows that `table` describes. Among those said to have changed a share of ``rate``
    at most is expected not to have; one counts where its rate moved by more than ``at_least``. ``overall`` is
    the difference in mean rate over the items in both.
    """

    items: pd.DataFrame
    names: tuple[str, str]
    meaning: str
    rate: float
    at_least: float
    overall: Interval
    fail_above: float | None = None

    def check(self) -> None:
        if self.fail_above is None:
            return
        most = f"--fail-above {show.chosen_percent(self.fail_above)}"
        if (share := self._share("harder", "easier")) > self.fail_above:
            raise RunFailed(f"{most}: {show.percent(share)} of the items changed")
        if self._share("unknown") > self.fail_above:
            raise BadInput(
                f"{most}: too few trials to tell whether {show.quantity(self.num('unknown'), 'item')} changed"
                "; record more"
            )

    def num(self, change: str) -> int:
        return int((self.items["change"] == change).sum())

    def _share(self, *changes: str) -> float:
        return sum(map(self.num, changes)) / (len(self.items) - self.num("came") - self.num("went"))

    def table(self) -> pd.DataFrame:
        """A row an item: those that became harder, easier, came, went, and the others; surest first.

        Columns: ``id``, ``change``, ``trials_old`` and ``trials_new``, ``rate_old`` and ``rate_new`` (the
        share of trials that are right, 0..1), ``difference`` (new less old), ``p`` (two-sided) and ``q``
        (adjusted for all items). Blank is what one version alone does not have.
        """
        return self.items

    @property
    def headline(self) -> str:
        harder, easier, came, went, unknown = (show.count(self.num(one)) for one in CHANGES[:5])
        both = show.count(len(self.items) - self.num("came") - self.num("went"))
        share = show.percent(self._share("harder", "easier"))
        few = f"; trials are too few to tell of {unknown}" if self.num("unknown") else ""
        text = f"{harder} of {both} items became harder and {easier} easier ({share}){few}"
        return f"{text}; {came} came, {went} went; {self.meaning}"

    def figure(self) -> Figure:
        """The rate after over the rate before, a point an item, those that changed above the others."""
        return draw_changes(self.items, "rate", "share right")

    def frames(self) -> list[show.Frame]:
        before, after = map(in_words, self.names)
        least = f" by more than {self.at_least:g}" if self.at_least else ""
        how = (
            f"Shares of trials that are right, {before} against {after}: an item counts where its rate moved"
            f"{least} beyond chance, at a false-discovery rate of {show.chosen_percent(self.rate)}. All "
            f"items together moved by {show.with_interval(*self.overall, 3, with_sign=True)}."
        )
        counts = pd.DataFrame([{change: self.num(change) for change in CHANGES}])
        frames = [show.Frame(self.headline, how, counts, dict.fromkeys(CHANGES, show.counts()))]
        columns = {
            "id": show.names(),
            "rate_old": show.numbers(2, title="before"),
            "rate_new": show.numbers(2, title="after"),
            "q": show.Column("{:.2g}".format),
        }
        for change in ("harder", "easier"):
            if num := self.num(change):
                data = self.items[self.items["change"] == change].head(_MOST_ITEMS)
                note = f"The {len(data)} surest of {show.count(num)}."
                frames.append(show.Frame(f"Became {change}", note, data, columns))
        return frames


def diff_of_outcomes(options: Versions) -> OutcomeChanges:
    """Changes of the rates of items that two runs of outcomes have in common, by their ids.

    By Fisher's exact test of each, see `rate_changes`; with a smallest change that counts by `p_beyond_rate`,
    adjusted by Benjamini and Hochberg (1995). An item is unknown where no outcome of so few trials would show
    a change.
    """
    old, new = options.old, options.new
    refuse_others(options, ("old", "new", "rate", "at_least", "fail_above"), "leave it out")
    if old.path.resolve() == new.path.resolve():
        raise BadInput(f"{old.path}: is the same run twice; give the run of each version")
    items = common_items([old, new])
    pair = items.pair(0, 1)
    p, q = _tests(pair, options.at_least)
    extreme = PairedCounts(pair.trials_a, 0 * pair.trials_a, pair.trials_b, pair.trials_b)
    before, after = pair.rates
    change = np.select(
        [
            (q <= options.rate) & (after < before),
            q <= options.rate,
            _tests(extreme, options.at_least)[0] > options.rate,
        ],
        ["harder", "easier", "unknown"],
        "unchanged",
    )
    both = {"id": items.ids, "change": change, "trials_old": pair.trials_a, "trials_new": pair.trials_b}
    both |= {"rate_old": before, "rate_new": after, "difference": after - before, "p": p, "q": q}
    parts = [pd.DataFrame(both)]
    for run, word, version in ((new, "came", "new"), (old, "went", "old")):
        one = run.outcomes
        columns = {"id": one.items["id"], "change": word, f"trials_{version}": one.trials}
        alone = pd.DataFrame(columns | {f"rate_{version}": one.rate})
        parts.append(alone[~alone["id"].isin(items.ids)])
    table = pd.concat([part for part in parts if len(part)], ignore_index=True)
    order = (
        table.assign(kind=table["change"].map(CHANGES.index)).sort_values(["kind", "p"], kind="stable").index
    )
    of_both = meaning(new) if old.model == new.model else f"{meaning(new)}, before {old.model}"
    return OutcomeChanges(
        table.loc[order].reset_index(drop=True),
        (str(old.path), str(new.path)),
        of_both,
        options.rate,
        options.at_least,
        rate_difference(pair, items.groups),
        options.fail_above,
    )


def _tests(pair: PairedCounts, least: float) -> tuple[Any, Any]:
    """p-values [K], and those adjusted for all items."""
    if not least:
        return rate_changes(pair)
    p = p_beyond_rate(pair, least)
    return p, false_discovery_control(p)
