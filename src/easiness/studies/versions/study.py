"""``diff``: which examples became harder or easier between two versions of a data set."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, get_args

import numpy as np
import numpy.typing as npt

from easiness.analysis import PValues, p_of_change
from easiness.engine import ONE_RUN, At, Study
from easiness.errors import BadInput
from easiness.runs import training_difference
from easiness.spec import UNNAMED, Option
from easiness.store import Run
from easiness.studies.matching import rows_of
from easiness.studies.versions.difference import AT_LEAST, CHANGES, MATCHED, Difference, Matching
from easiness.studies.versions.notes import (
    CERTAIN,
    least_logits,
    logit,
    notes,
    resolution_note,
    trials_needed,
)

if TYPE_CHECKING:
    import pandas as pd

Values = npt.NDArray[np.float64]
Positions = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Versions:
    """Options of `diff`."""

    old: Annotated[Run, Option("", "The run on the version before.", **ONE_RUN)]
    new: Annotated[Run, Option("", "The run on the version after, by the same recipe.", **ONE_RUN)]
    by: Annotated[
        Matching,
        Option("--by", "What makes an example the same in both: its id, or its values (pixels)."),
    ] = "ids"
    at: At = None
    rate: Annotated[
        float,
        Option("--rate", "False discovery rate in (0, 1): share of changes that may be none, on average."),
    ] = 0.05
    at_least: Annotated[
        float, Option("--at-least", "Smallest change of confidence that counts, in [0, 1).")
    ] = AT_LEAST
    old_data: Annotated[
        Any,
        Option("--old-data", "Where the data of OLD are now; for --by pixels.", typed=str | None),
    ] = None
    new_data: Annotated[
        Any,
        Option("--new-data", "Where the data of NEW are now; for --by pixels.", typed=str | None),
    ] = None
    fail_above: Annotated[
        float | None,
        Option(
            "--fail-above",
            "Exit with 1 if a larger share of the common examples became harder or easier, with 2 if the "
            "trials are too few to tell. Changed labels and new or missing examples do not count.",
            python=False,
        ),
    ] = None


def diff(asked: Versions) -> Difference:
    """What changed between two versions of a data set, each measured with the same recipe.

    An example has become harder or easier where its confidence (the mean probability of its label over the
    epochs observed) differs between the trials of both by more than trials differ among themselves: a
    t-test of the logit of the confidence over trials, its variance moderated over all examples, held against
    what trials dealt to the versions at random make, see `p_of_change`. Examples are named so that a share of
    ``rate`` at most of those named is expected to be false (Benjamini and Hochberg 1995). Where trials are
    too few for that, none is named, and the result says how many it takes.

    What moves many a little, such as more data, or a few wrong labels among the neighbours, is a change of
    each: only one of more than ``at_least`` counts. The test asks for that, so the rate holds for it too.
    """
    old, new, by, rate, at_least = asked.old, asked.new, asked.by, asked.rate, asked.at_least
    if asked.fail_above is not None and not 0 <= asked.fail_above <= 1:
        raise BadInput(f"--fail-above {asked.fail_above:g}: must be a share from 0 to 1")
    _check(old, new, by, rate, at_least)
    at = rows_of([old, new], asked.at)[0]
    _check_heads((old, new), at)
    matched = match_examples(old, new, by, (asked.old_data, asked.new_data))
    before, after = _Confidence(old, at, matched.old), _Confidence(new, at, matched.new)
    least = least_logits((before.mean + after.mean) / 2, at_least)
    tested = p_of_change(before.logits, after.logits, least, rate)
    num_trials = (len(old.trials), len(new.trials))
    needed = trials_needed(tested, num_trials, rate, at_least)
    change = _changes(tested, after.mean < before.mean, rate, needed is not None)
    sentences = [*notes(old, new, by, at, matched)]
    if needed is None and (change == "unchanged").all():
        sentences.append(resolution_note(tested, num_trials, rate, at_least))
    return Difference(
        examples=_examples(old, new, matched, before, after, tested, change),
        names=(str(old.path), str(new.path)),
        model=new.model,
        by=by,
        row=new.row(at),
        num_trials=num_trials,
        rate=rate,
        at_least=at_least,
        overall=_overall(before.by_trial, after.by_trial),
        notes=tuple(sentences),
        needed=needed,
        fail_above=asked.fail_above,
    )


DIFF = Study(
    "diff",
    "Look",
    "Say which examples changed between two versions of the data.",
    Versions,
    diff,
    about="Both are measured with the same recipe. Only changes beyond the noise of the trials count.",
)


def _check(old: Run, new: Run, by: str, rate: float, at_least: float) -> None:
    if by not in get_args(Matching):
        raise BadInput(f"--by {by!r}: unknown; choose {' or '.join(get_args(Matching))}")
    if not 0 < rate < 1:
        raise BadInput(f"--rate {rate:g}: must be above 0 and below 1")
    if not 0 <= at_least < 1:
        raise BadInput(f"--at-least {at_least:g}: must be at least 0 and below 1")
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
    if ours is None and UNNAMED not in (old.model, new.model) and old.model != new.model:
        raise BadInput(
            f"{old.path} and {new.path}: were recorded of different networks ({old.model}, {new.model}); "
            "record the same one again"
        )
    if ours is not None and theirs is not None and (what := training_difference(ours, theirs)) is not None:
        raise BadInput(f"{old.path} and {new.path}: were trained differently ({what}); measure one again")


def _check_heads(runs: Iterable[Run], at: int) -> None:
    """Make sure that of runs on features two heads at least are heard of every example."""
    for run in runs:
        if run.shares and (num := run.votes(at, at_most=1).num_trials) < 2:
            raise BadInput(
                f"{run.path}: {num} head at {run.row_text(at)} left each example out, which says nothing of "
                f"the noise; measure twice as many trials (--trials {2 * len(run.trials)})"
            )


class Matched(NamedTuple):
    """Positions in the old and in the new version: of examples in both [C], and of those in one alone."""

    old: Positions
    new: Positions
    went: Positions
    came: Positions


def match_examples(old: Run, new: Run, by: Matching, sources: tuple[Any, Any]) -> Matched:
    """Examples of both runs by their ids, or by their pixels.

    Pictures that are there several times are matched in their order.
    """
    if by == "ids":
        keys = (old.ids.tolist(), new.ids.tolist())
    else:
        keys = (_pixels(old, sources[0], "--old-data"), _pixels(new, sources[1], "--new-data"))
    matched = _matched(*keys)
    if not len(matched.old):
        other = "pixels" if by == "ids" else "ids"
        raise BadInput(
            f"{old.path} and {new.path}: have no example in common by {MATCHED[by]}; match them --by {other}"
        )
    return matched


def _matched(old: Iterable[Hashable], new: Iterable[Hashable]) -> Matched:
    before, after = _numbered(old), _numbered(new)
    positions = {key: at for at, key in enumerate(before)}
    found = np.array([positions.get(key, -1) for key in after], np.int64)
    common = np.flatnonzero(found >= 0)
    went = np.setdiff1d(np.arange(len(before)), found[common])
    return Matched(found[common], common, went, np.flatnonzero(found < 0))


def _numbered(keys: Iterable[Hashable]) -> list[tuple[Hashable, int]]:
    """Each key with how many times it was there before."""
    seen: Counter[Hashable] = Counter()
    numbered = []
    for key in keys:
        numbered.append((key, seen[key]))
        seen[key] += 1
    return numbered


def _pixels(run: Run, source: Any, option: str) -> list[bytes]:
    from easiness.data import value_digests  # loads torch, which matching by ids need not wait for
    from easiness.runs import data_of, positions_in

    data = data_of(run, source, option)
    return [digest.tobytes() for digest in value_digests(data)[positions_in(data, run)]]


class _Confidence:
    """The confidence of examples [C] in the trials of a run, or in its heads that left each of them out."""

    def __init__(self, run: Run, epoch: int, positions: Positions) -> None:
        heard = run.votes(epoch).p_label if run.shares else _mean_p_label(run, epoch)
        p_label = np.asarray(heard, np.float64)
        self.everywhere = p_label.mean(axis=0)
        self.mean = self.everywhere[positions]
        self.by_trial = p_label[:, positions].mean(axis=1)
        self.logits = logit(np.clip(p_label[:, positions], CERTAIN, 1 - CERTAIN))


def _mean_p_label(run: Run, epoch: int) -> Values:
    """The mean probability of the label over the epochs up to this one [trials, K]."""
    means = np.empty((len(run.trials), len(run.ids)))
    for row, trial in zip(means, run.trials, strict=True):
        for first, seen in trial.blocks(len(run.classes), epoch):
            mean = seen.p_label.mean(axis=0)
            row[first : first + len(mean)] = mean
    return means


def _changes(
    tested: PValues, is_less: npt.NDArray[np.bool_], rate: float, too_few: bool
) -> npt.NDArray[np.str_]:
    """What is said of each example [C]; of too few trials, what the t-test would name, or all, is unknown."""
    change = np.where(tested.q > rate, "unchanged", np.where(is_less, "harder", "easier"))
    if too_few:
        change[tested.named if tested.named.any() else slice(None)] = "unknown"
    return change


def _examples(
    old: Run,
    new: Run,
    matched: Matched,
    before: _Confidence,
    after: _Confidence,
    tested: PValues,
    change: npt.NDArray[np.str_],
) -> pd.DataFrame:
    import pandas as pd

    both = {
        **_named(new, matched.new, old, matched.old),
        "change": change,
        "confidence_old": before.mean,
        "confidence_new": after.mean,
        "difference": after.mean - before.mean,
        "p": tested.p,
        "q": tested.q,
    }
    came = {**_named(new, matched.came), "change": "came", "confidence_new": after.everywhere[matched.came]}
    went = {**_named(old, matched.went), "change": "went", "confidence_old": before.everywhere[matched.went]}
    parts = [pd.DataFrame(part) for part in (both, came, went)]
    table = pd.concat([part for part in parts if len(part)], ignore_index=True).reindex(columns=list(both))
    if old.ids.dtype.kind != "i":
        table["old_id"] = table["old_id"].fillna("")
    if old.ids.dtype != new.ids.dtype:  # one column of a file has one type
        table["id"] = table["id"].astype(str)
    table["label"] = table["label"].astype(np.int64)
    order = np.lexsort((table["p"].to_numpy(), table["change"].map(list(CHANGES).index).to_numpy()))
    return table.iloc[order].reset_index(drop=True)


def _named(
    run: Run,
    positions: Positions,
    old: Run | None = None,
    old_positions: Positions | None = None,
) -> dict[str, Any]:
    """Ids, labels and classes of examples, and what they were in the old version."""
    import pandas as pd

    labels = run.labels[positions]
    named: dict[str, Any] = {
        "id": run.ids[positions],
        "label": labels,
        "class": [run.classes[label] for label in labels.tolist()],
        "old_class": "",
    }
    if old is not None and old_positions is not None:
        kind: Any = "Int64" if old.ids.dtype.kind == "i" else str
        named["old_id"] = pd.array(old.ids[old_positions], dtype=kind)
        named["old_class"] = [old.classes[label] for label in old.labels[old_positions].tolist()]
    return named


def _overall(before: Values, after: Values) -> tuple[float, float, float]:
    """Mean after less mean before, with Welch's 95 % interval over trials."""
    from scipy.stats import ttest_ind

    value = float(after.mean() - before.mean())
    if before.std() == after.std() == 0:
        return value, value, value
    interval = ttest_ind(after, before, equal_var=False).confidence_interval(0.95)
    return value, float(interval.low), float(interval.high)
