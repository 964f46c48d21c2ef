"""``diff``: which examples became harder or easier between two versions of a data set."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from easiness import show
from easiness.analysis import NoiseOfChange, PValues, num_deals, p_beyond, p_of_change
from easiness.data import TAG, unfold_tags
from easiness.engine import ONE_RUN, At, Later, Study, heading
from easiness.errors import BadInput, RunFailed
from easiness.lazy import Figure, Floats, Integers, optimize, pd, special, stats
from easiness.regular_file import in_words
from easiness.runs import training_difference
from easiness.spec import NO_NAME, Option, setting
from easiness.store import Row, Run
from easiness.studies.matching import rows_of

CHANGES = ("harder", "easier", "came", "went", "unknown", "unchanged")
"""Changes of an example in the order of the table; unknown where the trials are too few to tell."""

Matching = Literal["ids", "pixels"]
_KEYS: dict[Matching, str] = {"ids": "ids", "pixels": "their values"}  # to people

_MOST_CLASSES = 20
_MOST_EXAMPLES = 10  # of each kind
_MOST_DOTS = 2_000  # examples of each kind: more make a file of megabytes and cover each other
_DOTS = (
    ("unknown", show.FAINT, 4.0),
    ("unchanged", show.FAINT, 4.0),
    ("harder", show.HARD, 14.0),
    ("easier", show.EASY, 14.0),
)

_MOST_MORE = 1_000  # trials of a version
CERTAIN = 1e-6
"""Confidences nearer to 0 or 1 than this are taken for this: single precision knows no more."""


@dataclass(frozen=True)
class Versions:
    """Options of `diff`."""

    old: Annotated[Run, Option("", "The run on the version before.", **ONE_RUN)]
    new: Annotated[Run, Option("", "The run on the version after, by the same recipe.", **ONE_RUN)]
    by: Matching = setting(
        "--by", "The identity of an example in both: its id, or its values (pixels).", default="ids"
    )
    at: At = None
    rate: float = setting(
        "--rate",
        "False discovery rate in (0, 1): share of changes that may be none, on average.",
        within="(0, 1)",
        default=0.05,
    )
    at_least: float = setting(
        "--at-least", "Smallest change of confidence that counts, in [0, 1).", within="[0, 1)", default=0.1
    )
    old_data: Any = setting("--old-data", "Where the data of OLD are now; for --by pixels.", typed=str | None)
    new_data: Any = setting("--new-data", "Where the data of NEW are now; for --by pixels.", typed=str | None)
    fail_above: float | None = setting(
        "--fail-above",
        "Exit with 1 if a larger share of the common examples became harder or easier, with 2 if the "
        "trials are too few to tell. Changed labels and new or missing examples do not count.",
        python=False,
        within="[0, 1]",
    )


def diff(options: Versions) -> Difference:
    """Changes between two versions of a data set, each measured with the same recipe.

    An example has become harder or easier where its confidence (the mean probability of its label over the
    epochs observed) differs between the trials of both by more than trials differ among themselves: a
    t-test of the logit of the confidence over trials, its variance moderated over all examples, held against
    what trials dealt to the versions at random make, see `p_of_change`. Examples are named so that a share of
    ``rate`` at most of those named is expected to be false (Benjamini and Hochberg 1995). Where trials are
    too few for that, none is named, and the result says how many it takes.

    A change that moves many a little, such as more data, or a few wrong labels among the neighbours, is a
    change of each: only one of more than ``at_least`` counts. The test asks for that, so the rate holds for
    it too.
    """
    old, new, by, rate, at_least = options.old, options.new, options.by, options.rate, options.at_least
    _check(old, new, by)
    at = rows_of([old, new], options.at)[0]
    for run in (old, new):
        if run.shares and (num := run.votes(at, at_most=1).num_trials) < 2:
            raise BadInput(
                f"{run.path}: {num} head at {run.row(at).text} left each example out, which says nothing of "
                f"the noise; measure twice as many trials (--trials {2 * len(run.trials)})"
            )
    pairs = match_examples(old, new, by, (options.old_data, options.new_data))
    confidences = [_confidence(run, at) for run in (old, new)]
    before, after = (one[:, rows] for one, rows in zip(confidences, pairs[:2], strict=True))
    old_mean, new_mean = before.mean(axis=0), after.mean(axis=0)
    least = least_logits((old_mean + new_mean) / 2, at_least)
    logits = [special.logit(np.clip(one, CERTAIN, 1 - CERTAIN)) for one in (before, after)]
    test = p_of_change(logits[0], logits[1], least, rate)
    num_trials = (len(old.trials), len(new.trials))
    needed = trials_needed(test, num_trials, rate, at_least)
    change = np.where(test.q > rate, "unchanged", np.where(new_mean < old_mean, "harder", "easier"))
    if needed is not None:  # what the t-test would name is unknown, or all where it names none
        change[test.discoveries if test.discoveries.any() else slice(None)] = "unknown"
    sentences = [*notes(old, new, by, at, pairs)]
    if needed is None and (change == "unchanged").all():
        sentences.append(resolution_note(test, num_trials, rate, at_least))
    columns = {"change": change, "confidence_old": old_mean, "confidence_new": new_mean}
    columns |= {"difference": new_mean - old_mean, "p": test.p, "q": test.q}
    return Difference(
        examples=_examples(old, new, pairs, columns, [one.mean(axis=0) for one in confidences]),
        names=(str(old.path), str(new.path)),
        model=new.model,
        by=by,
        row=new.row(at),
        num_trials=num_trials,
        rate=rate,
        at_least=at_least,
        overall=_overall(before.mean(axis=1), after.mean(axis=1)),
        notes=tuple(sentences),
        needed=needed,
        fail_above=options.fail_above,
    )


DIFF = Study(
    *heading("diff"),
    Versions,
    diff,
    about="Both are measured with the same recipe. Only changes beyond the noise of the trials count. Of "
    "outcomes: which items changed between two versions of a model or a prompt.",
    outcomes=Later("easiness.studies.outcomes:diff_of_outcomes"),
)


def _check(old: Run, new: Run, by: str) -> None:
    if by not in _KEYS:
        raise BadInput(f"--by {by!r}: unknown; choose ids or pixels")
    for run in (old, new):
        if len(run.trials) < 2:
            raise BadInput(
                f"{run.path}: has {len(run.trials)} finished trial(s), which says nothing of the noise; "
                "measure two at least, better ten"
            )
    if old.path.resolve() == new.path.resolve():
        raise BadInput(f"{old.path}: is the same run twice; give the run of each version")
    ours, theirs = old.spec.measured, new.spec.measured
    if (ours is None) != (theirs is None):
        raise BadInput(f"{old.path} and {new.path}: one is recorded and one measured; make both in one way")
    if ours is None and NO_NAME not in (old.model, new.model) and old.model != new.model:
        raise BadInput(
            f"{old.path} and {new.path}: were recorded of different networks ({old.model}, {new.model}); "
            "record the same one again"
        )
    if ours is not None and theirs is not None and (what := training_difference(ours, theirs)) is not None:
        raise BadInput(f"{old.path} and {new.path}: were trained differently ({what}); measure one again")


class Pairing(NamedTuple):
    """Positions in the old and in the new version: of examples in both [C], and of those in one alone."""

    old: Integers
    new: Integers
    went: Integers
    came: Integers


def match_examples(old: Run, new: Run, by: Matching, sources: tuple[Any, Any]) -> Pairing:
    """Examples of both runs by their ids, or by their pixels.

    Pictures that are there several times are matched in their order.
    """
    if by == "ids":
        pairs = pair(old.ids.tolist(), new.ids.tolist())
    else:
        pairs = pair(_pixels(old, sources[0], "--old-data"), _pixels(new, sources[1], "--new-data"))
    if not len(pairs.old):
        other = "pixels" if by == "ids" else "ids"
        raise BadInput(
            f"{old.path} and {new.path}: have no example in common by {_KEYS[by]}; match --by {other}"
        )
    return pairs


def pair(old: Iterable[Hashable], new: Iterable[Hashable]) -> Pairing:
    """Pair equal keys, in their order where there are several."""
    both = [pd.Series([*keys], dtype=object) for keys in (old, new)]
    before, after = ([*zip(one, one.groupby(one, sort=False).cumcount(), strict=True)] for one in both)
    positions = {key: at for at, key in enumerate(before)}
    places = np.array([positions.get(key, -1) for key in after], np.int64)
    common = np.flatnonzero(places >= 0)
    went = np.setdiff1d(np.arange(len(before)), places[common])
    return Pairing(places[common], common, went, np.flatnonzero(places < 0))


def _pixels(run: Run, source: Any, option: str) -> list[tuple[bytes, str]]:
    from easiness.data import value_digests  # loads torch, which matching by ids need not wait for
    from easiness.runs import data_of, positions_in

    data = data_of(run, source, option)
    digests = (digest.tobytes() for digest in value_digests(data)[positions_in(data, run)])
    of = itertools.repeat("") if run.tags is None else (run.tags.names[one] for one in run.tags.of)
    return [*zip(digests, of, strict=False)]


def _confidence(run: Run, epoch: int) -> Floats:
    """Mean probability of the label over the epochs up to this one [trials, K].

    On features it is that of the heads which left each example out.
    """
    if run.shares:
        return np.asarray(run.votes(epoch).p_label, np.float64)
    means = np.empty((len(run.trials), len(run.ids)))
    for row, trial in zip(means, run.trials, strict=True):
        for first, columns in trial.blocks(len(run.classes), epoch):
            mean = columns.p_label.mean(axis=0)
            row[first : first + len(mean)] = mean
    return means


def _examples(
    old: Run, new: Run, pairs: Pairing, columns: dict[str, Any], confidences: Sequence[Floats]
) -> pd.DataFrame:
    """The rows of the table, from ``columns`` of examples in both; ``confidences`` are of each version."""
    before, after = (
        pd.DataFrame({"id": run.ids, "label": run.labels}).assign(
            **{"class": np.array(run.classes, object)[run.labels], f"confidence_{name}": confidence}
        )
        for run, name, confidence in zip((old, new), ("old", "new"), confidences, strict=True)
    )
    was, both = before.iloc[pairs.old], after.iloc[pairs.new].reset_index(drop=True)
    old_ids = old.ids if old.tags is None else old.tags.examples
    whole = old_ids.dtype.kind == "i"
    kind: Any = "Int64" if whole else str
    old_id = pd.array(old_ids[pairs.old], dtype=kind)
    both = both.assign(old_class=was["class"].to_numpy(), old_id=old_id, **columns)
    came = after.iloc[pairs.came].assign(change="came", old_class="")
    went = before.iloc[pairs.went].assign(change="went", old_class="")
    parts = [part for part in (both, came, went) if len(part)]
    names = ["id", "label", "class", "old_class", "old_id", *columns]
    table = pd.concat(parts, ignore_index=True).reindex(columns=names)
    if not whole:
        table["old_id"] = table["old_id"].fillna("")
    if old.ids.dtype != new.ids.dtype:  # one column of a file has one type
        table["id"] = table["id"].astype(str)
    order = np.lexsort((table["p"].to_numpy(), table["change"].map(CHANGES.index).to_numpy()))
    run = old if old_ids.dtype == object else new  # some ids of one version may be no numbers
    return unfold_tags(table.iloc[order].reset_index(drop=True), run.tags)


def _overall(before: Floats, after: Floats) -> tuple[float, float, float]:
    """Mean after less mean before, with Welch's 95 % interval over trials."""
    value = float(after.mean() - before.mean())
    if before.std() == after.std() == 0:
        return value, value, value
    interval = stats.ttest_ind(after, before, equal_var=False).confidence_interval(0.95)
    return value, float(interval.low), float(interval.high)


def notes(old: Run, new: Run, by: Matching, epoch: int, pairs: Pairing) -> Iterator[str]:
    """Sentences on ids that may mislead, on classes that are others, and on how the runs were made."""
    numbers = by == "ids" and new.ids.dtype == np.int64
    if numbers and len(old.ids) != len(new.ids):
        yield (
            "Ids are numbers, and the versions are of different size: where they are positions, an example "
            "left out or put in moves all after it. Match them --by pixels then."
        )
    before, after = _classes(old, pairs.old), _classes(new, pairs.new)
    names = renamed_classes(before, after, old.stratum_names, new.stratum_names)
    for was, name in names.items():
        yield f"{was} is called {name} in the new version ({(before == was).sum():,} examples)."
    num = int((np.array([names.get(name, name) for name in before], object) != after).sum())
    if num:
        is_reordered = numbers and len(old.ids) == len(new.ids) and num > len(before) / 2
        order = " Where ids are positions, another order does that: match them --by pixels then."
        others = f"{num:,} of the examples in both have another class in the new version."
        yield f"{others}{order if is_reordered else ''}"
    if new.spec.measured is None and old.epochs != new.epochs:
        epochs = show.quantity(old.epochs, "epoch")
        yield f"The old version was recorded for {epochs}, the new one for {new.epochs}."
    yield from (f"{run.path}: {text}." for run in (old, new) if (text := run.unfinished(epoch)) is not None)
    if old.augmented or new.augmented:
        yield "Observations were made during training, on augmented images."


def renamed_classes(
    before: npt.NDArray[np.object_],
    after: npt.NDArray[np.object_],
    old: Sequence[str],
    new: Sequence[str],
) -> dict[str, str]:
    """New names by old ones, of classes that have just the examples that the other had.

    A name that both versions have is not renamed: where two are swapped, labels changed.
    """
    pairs = sorted(set(zip(before.tolist(), after.tolist(), strict=True)))
    olds, news = Counter(was for was, _ in pairs), Counter(name for _, name in pairs)
    only = set(old) ^ set(new)
    return {was: name for was, name in pairs if olds[was] == news[name] == 1 and {was, name} <= only}


def _classes(run: Run, positions: Integers) -> npt.NDArray[np.object_]:
    return np.array(run.stratum_names, object)[run.strata()[positions]]


def least_logits(middle: Floats, at_least: float) -> Floats:
    """A change of confidence by ``at_least`` around ``middle`` [C], in logits; infinite at the ends."""
    low, high = middle - at_least / 2, middle + at_least / 2
    inside = (low > 0) & (high < 1)
    low, high = np.where(inside, low, 0.5), np.where(inside, high, 0.5)
    return np.where(inside, special.logit(high) - special.logit(low), np.inf)


def fewest_shown(num_deals: int, rate: float) -> int:
    """How many examples have to change at once, and beyond every doubt, for any of them to be named."""
    return math.floor(1 / (rate * num_deals) + 1e-9) + 1


def smallest_shown(test: PValues, rate: float, at_least: float) -> float | None:
    """The smallest change of confidence, around a half, by which as many as `fewest_shown` would be named.

    Examples are of median noise, and none of the others changed: their p-value, times the number of all and
    over their own, is then their adjusted one (Benjamini-Hochberg), which has to be ``rate`` or less.
    ``None`` where even one from 0 to 1 would not be named.
    """
    typical = replace(test.noise, error=np.median(test.noise.error, keepdims=True))
    least = least_logits(np.array([0.5]), at_least)
    together = fewest_shown(test.num_deals, rate)
    p_least = rate * together / len(test.by_t)

    def excess(change: float) -> float:
        """Above 0 where a change is not shown; of logarithms, as p-values fall by powers of ten."""
        size = 2 * special.logit(np.array([(1 + change) / 2]))
        return float(np.log(max(test.among_deals(p_beyond(size, typical, least))[0], 1e-300) / p_least))

    whole = 1 - 2 * CERTAIN
    if together > len(test.by_t) or excess(whole) > 0:
        return None
    return float(optimize.brentq(excess, at_least, whole)) if excess(at_least) > 0 else at_least


def trials_needed(
    test: PValues, num_trials: tuple[int, int], rate: float, at_least: float
) -> tuple[int, int] | None:
    """How many trials before and after would tell which examples changed, where these name none.

    Where the t-test names some, and trials dealt at random look as sure, trials at one of two levels may lie
    on one side by chance: one trial more of each version leaves at most a quarter of that, which is s (1 - s)
    of a level with a share of s. Where nothing can be shown, more trials of the same noise would.
    ``None`` where these are enough.
    """
    lowest = float(test.q.min())
    if lowest > rate and test.discoveries.any():
        more = math.ceil(math.log(lowest / rate, 4))
    elif lowest > rate and smallest_shown(test, rate, at_least) is None:
        changes = (smallest_shown(_with_more(test, by), rate, at_least) for by in range(1, _MOST_MORE))
        more = 1 + sum(1 for _ in itertools.takewhile(lambda change: change is None, changes))
    else:
        return None
    old, new = (math.ceil(num * (of + more) / of) for num, of in zip(num_trials, test.trials, strict=True))
    return old, new


def _with_more(test: PValues, by: int) -> PValues:
    old, new = test.trials
    smaller = math.sqrt((1 / (old + by) + 1 / (new + by)) / (1 / old + 1 / new))
    noise = NoiseOfChange(test.noise.error * smaller, test.noise.freedom + 2 * by)
    return replace(test, noise=noise, null=np.empty(0), num_deals=num_deals(old + by, new + by))


def resolution_note(test: PValues, trials: tuple[int, int], rate: float, at_least: float) -> str:
    """A sentence for who is told that nothing changed: what could not have been seen."""
    together, change = fewest_shown(test.num_deals, rate), smallest_shown(test, rate, at_least)
    alone = "one example" if together == 1 else f"{together} examples"
    return (
        f"Between {trials[0]} and {trials[1]} trials a change of {alone} alone is shown from {change:.2f} on "
        "(around a confidence of 0.5, at median noise); to show smaller ones takes more trials."
    )


def draw_changes(rows: pd.DataFrame, name: str, label: str) -> Figure:
    """``NAME_new`` over ``NAME_old``, a point a row, by the row's ``change``."""
    figure, axes = show.new_axes(4.6, 4.6)
    axes.axline((0, 0), slope=1, color=show.FAINT, linewidth=0.8)
    for kind, color, size in _DOTS:
        of_kind = rows[rows["change"] == kind]
        if len(of_kind):
            some = of_kind.iloc[:: -(-len(of_kind) // _MOST_DOTS)]
            x, y, label_of = some[f"{name}_old"], some[f"{name}_new"], f"{kind} ({len(of_kind):,})"
            axes.scatter(x, y, s=size, color=color, label=label_of, linewidths=0, clip_on=False)
    axes.set(xlabel=f"{label} before", ylabel=f"{label} after", xlim=(0, 1), ylim=(0, 1), aspect="equal")
    show.legend_above(axes, 2)
    return figure


@dataclass(frozen=True, eq=False)
class Difference(show.Result):
    """The examples of two versions, and how each changed.

    ``examples`` are the rows that `table` describes. ``num_trials`` are those of the old and of the new
    run, both read in this ``row`` (after an epoch, or at a share). Among the examples said to have changed a
    share of ``rate`` at most is expected not to have; one counts as changed where its confidence moved by
    more than ``at_least``. ``overall`` is the difference in mean confidence over the examples in both, with
    its 95 % interval over trials. ``needed`` are the trials of each that would tell whether those that are
    unknown changed, where these are too few.
    """

    examples: pd.DataFrame
    names: tuple[str, str]
    model: str
    by: Matching
    row: Row
    num_trials: tuple[int, int]
    rate: float
    at_least: float
    overall: tuple[float, float, float]
    notes: tuple[str, ...] = ()
    needed: tuple[int, int] | None = None
    fail_above: float | None = field(default=None, repr=False)

    def check(self) -> None:
        if self.fail_above is None:
            return
        if self.share_changed > self.fail_above:
            share, most = show.percent(self.share_changed), show.chosen_percent(self.fail_above)
            raise RunFailed(f"--fail-above {most}: {share} of the examples changed")
        if self.share_unknown > self.fail_above:
            raise BadInput(f"--fail-above {self.fail_above:g}: {self.unknown}")

    @property
    def changes(self) -> list[str]:
        """Changes that there can be, in the order of the table."""
        return [one for one in CHANGES if one != "unknown" or self.needed is not None]

    @property
    def unknown(self) -> str:
        """Why some are unknown, and how many trials it takes; empty where none is."""
        if self.needed is None:
            return ""
        (old, new), (more_old, more_new) = self.num_trials, self.needed
        examples = show.quantity(self.num("unknown"), "example")
        return (
            f"{old} and {new} trials do not tell whether {examples} changed, as chance alone makes trials "
            f"differ as much; measure {more_old} and {more_new} trials at least"
        )

    def num(self, change: str) -> int:
        return int((self.examples["change"] == change).sum())

    @property
    def num_common(self) -> int:
        """Examples that are in both versions."""
        return len(self.examples) - self.num("came") - self.num("went")

    @property
    def share_changed(self) -> float:
        """Share of the examples in both versions that became harder or easier, 0..1."""
        return (self.num("harder") + self.num("easier")) / self.num_common

    @property
    def share_unknown(self) -> float:
        """Share of the examples in both versions of which the trials are too few to tell, 0..1."""
        return self.num("unknown") / self.num_common

    @property
    def text(self) -> str:
        """``12 of 1,797 examples became harder and 3 easier (0.8 %); 20 came, 4 went``."""
        harder, easier, came, went, unknown = (show.count(self.num(one)) for one in CHANGES[:5])
        both = f"of {show.count(self.num_common)} examples"
        text = f"{harder} {both} became harder and {easier} easier ({show.percent(self.share_changed)})"
        if self.needed is not None:
            text = f"Whether {unknown} {both} changed is unknown from so few trials"
        return f"{text}; {came} came, {went} went"

    def by_class(self) -> pd.DataFrame:
        """A row a class, those that changed most first: ``class``, then how many changed in each way, and
        ``difference``, the mean of the examples in both.

        An example counts for its class in the new version, one that went for that in the old one.
        """
        one = self.examples
        if TAG in one:
            one = one.assign(**{"class": one[TAG] + ": " + one["class"]})
        table = pd.crosstab(one["class"], one["change"]).reindex(columns=self.changes, fill_value=0)
        table["difference"] = one.groupby("class")["difference"].mean()
        order = (table["harder"] + table["easier"]).sort_values(ascending=False, kind="stable").index
        return table.loc[order].rename_axis(columns=None).reset_index()

    def table(self) -> pd.DataFrame:
        """A row an example: those that became harder, easier, came, went, and the others; surest first.

        Columns: ``id`` in the new version (in the old one of those that went), ``old_id``, ``label`` and
        ``class`` (in the version of the ``id``), ``old_class``, ``change``, ``confidence_old`` and
        ``confidence_new`` (mean probability of the label over trials and the epochs observed, 0..1),
        ``difference`` (new less old), ``p`` (two-sided) and ``q`` (adjusted for all examples, Benjamini and
        Hochberg 1995). Blank is what one version alone does not have.
        """
        return self.examples

    def document(self) -> Any:
        rows = super().document()
        if self.needed is None:
            return rows
        return {"unknown": self.unknown, "needed": list(self.needed), "rows": rows}

    def figure(self) -> Figure:
        """Confidence after over confidence before, a point an example, those that changed above the others.

        Where there are more than can be told apart, those drawn are spread evenly over the table.
        """
        return draw_changes(self.examples, "confidence", "confidence")

    def frames(self) -> list[show.Frame]:
        surest = (self._surest(change) for change in ("harder", "easier") if self.num(change))
        return [self._classes(), *surest]

    def _classes(self) -> show.Frame:
        by_class = self.by_class()
        whole: dict[str, Any] = {one: self.num(one) for one in self.changes}
        whole |= {"class": "all", "difference": self.overall[0]}
        least = f" by more than {self.at_least:g}" if self.at_least else ""
        more = len(by_class) - _MOST_CLASSES
        rest = f" {show.count(more)} more classes are not shown." if more > 0 else ""
        before, after = map(in_words, self.names)
        over = self.row.at if self.row.share is not None else f"over epochs 1 to {self.row.number}"
        how = (
            f"Mean probability of the label {over} of {self.model}, {self.num_trials[0]} trials of {before} "
            f"against {self.num_trials[1]} of {after}, examples matched by {_KEYS[self.by]}; an example "
            f"counts where it moved{least} beyond the noise of the trials, at a false-discovery rate of "
            f"{show.chosen_percent(self.rate)} (Benjamini-Hochberg). All examples together moved by "
            f"{show.with_interval(*self.overall, 3, with_sign=True)}. Classes with the most changed examples "
            f"come first.{rest}"
        )
        return show.Frame(
            self.text,
            " ".join([*([f"{self.unknown}."] if self.unknown else []), how, *self.notes]),
            pd.concat([pd.DataFrame([whole]), by_class.head(_MOST_CLASSES)], ignore_index=True),
            {
                "class": show.names(),
                **dict.fromkeys(self.changes, show.counts()),
                "difference": show.numbers(3, title="mean difference", with_sign=True),
            },
        )

    def _surest(self, change: str) -> show.Frame:
        data = self.examples[self.examples["change"] == change].head(_MOST_EXAMPLES)
        return show.Frame(
            f"Became {change}",
            f"The {len(data)} surest of {show.count(self.num(change))}: mean probability of the label before "
            "and after, and the adjusted p-value; `was` is the class before, where it was another.",
            data.assign(was=data["old_class"].where(data["old_class"] != data["class"], "")),
            {
                **show.id_columns(data),
                **dict.fromkeys(("class", "was"), show.names()),
                "confidence_old": show.numbers(3, title="before"),
                "confidence_new": show.numbers(3, title="after"),
                "q": show.Column("{:.2g}".format),
            },
        )
