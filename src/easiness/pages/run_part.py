"""The part of a page about one run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from easiness import features, models
from easiness.analysis import Votes, membership, tie_order
from easiness.data import Dataset
from easiness.errors import BadInput
from easiness.inputs import kind_named
from easiness.pages.facts import (
    about_features,
    epoch_option,
    longer_command,
    measure_command,
    run_facts,
)
from easiness.pages.labels import suspect_labels
from easiness.show import count, percent, to_svg
from easiness.spec import UNNAMED, Drawing, Loading, Training, command_line, training_of
from easiness.store import Run
from easiness.studies import matching, scores as run_figures
from easiness.studies.keeping import Kept, prune
from easiness.studies.learning import learning_curve
from easiness.studies.matching import Comparison
from easiness.studies.similarity import similarity
from easiness.studies.suspects import Glance, features_command, glance, one_trial, too_few

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


def class_galleries(
    run: Run,
    votes: Votes,
    difficulty: npt.NDArray[np.float64],
    per_side: int,
    max_classes: int,
    fraction: float = 0.1,
) -> list[dict[str, Any]]:
    """Galleries of the classes in order of their labels, by ``difficulty`` [K]; see `class_extremes`.

    Each has the ``easiest`` examples, easiest first, and the ``hardest``, hardest first. ``num_right`` trials
    predict the label of one, with mean probability ``p_label``; ``num_predicted`` of them predict the class
    ``predicted``, more than predict any other (the first class of equals). ``p_easy`` and ``p_hard`` are the
    probabilities to be among the truly easiest and hardest of all examples.

    Where there are more than ``max_classes``, those whose examples fewest trials are right about on
    average, the hardest class first. ``fraction`` of all examples are called easiest, and hardest.
    """
    import pandas as pd

    counts, p_label = votes.num_right, votes.mean_p_label
    members = membership(counts, votes.num_trials, fraction)
    labels = _shown_labels(votes.labels, counts, len(run.classes), max_classes)
    chosen = class_extremes(votes, labels, per_side, difficulty)
    shown = np.unique(np.concatenate([p for pair in chosen for p in pair]))
    tally = np.zeros((len(shown), len(run.classes) + 1), np.int64)
    for trial in run.trials:
        seen = trial.columns(votes.epoch, ["prediction", "trained_on"])
        saw = seen["trained_on"] if run.shares else False  # a head that saw an example is not heard
        said = np.where(saw, len(run.classes), seen["prediction"])[shown]
        tally[np.arange(len(shown)), said] += 1
    tally = tally[:, :-1]
    table = pd.DataFrame(
        {
            "position": shown,
            "id": [str(one) for one in votes.ids[shown]],
            "num_right": counts[shown].astype(np.int64),
            "p_label": p_label[shown],
            "predicted": [run.classes[at] for at in tally.argmax(axis=1)],
            "num_predicted": tally.max(axis=1),
            "p_easy": members.p_easy[shown],
            "p_hard": members.p_hard[shown],
        },
        index=shown,
    )
    return [
        {
            "label": label,
            "name": run.classes[label],
            "num_examples": int((votes.labels == label).sum()),
            "easiest": table.loc[easiest].to_dict("records"),
            "hardest": table.loc[hardest].to_dict("records"),
        }
        for label, (easiest, hardest) in zip(labels, chosen, strict=True)
    ]


def class_extremes(
    votes: Votes, labels: Iterable[int], per_side: int, difficulty: npt.NDArray[np.float64] | None = None
) -> list[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]:
    """Positions of the easiest, easiest first, and the hardest, hardest first, for each of ``labels``.

    Examples are ordered by ``difficulty`` [K], or without it as in the paper, by easiness and its ties by the
    mean probability of the label; what still ties by a hash of the id. No example is on both sides, unless
    its class has no other.
    """
    by: list[npt.NDArray[Any]] = [] if difficulty is None else [difficulty]
    if difficulty is None:
        by = [-votes.mean_p_label, -votes.num_right]
    ranked = np.lexsort((tie_order(votes.keys, 0), *by))
    chosen = []
    for label in labels:
        members = ranked[votes.labels[ranked] == label]
        num = min(per_side, max(1, len(members) // 2))
        chosen.append((members[:num], members[::-1][:num]))
    return chosen


def _shown_labels(
    labels: npt.NDArray[np.int64], counts: npt.NDArray[np.int64], num_classes: int, most: int
) -> list[int]:
    if num_classes <= most:
        return list(range(num_classes))
    totals = np.bincount(labels, minlength=num_classes)
    right = np.bincount(labels, counts, num_classes)
    with np.errstate(invalid="ignore"):
        mean = right / totals  # NaN for a class without examples, which is sorted last
    order: list[int] = np.argsort(mean, kind="stable")[:most].tolist()
    return order


_SHARES = (0.1, 0.3, 0.5)
_POLICY = "easy"


def left_out(run: Run, epoch: int) -> dict[str, Any] | None:
    """Count what can be left out after ``epoch``; ``None`` with one trial, or if nothing is right in all.

    ``num_right`` examples of ``num_examples`` are right in all trials then; ``since`` has pairs of an earlier
    epoch, or share, and how many are so in each observed from it on. ``dropped`` are those that `keep` drops
    at a ``share``, with the mean probability of the label of both parts. ``keep`` and ``ablate`` are
    commands; there is none of the latter for data that have no name.
    """
    if len(run.trials) < 2:
        return None
    epochs = [one for one in run.observed if one <= epoch]
    first = _right_since(run, epochs)
    right = ~np.isnan(first)
    if not right.any():
        return None
    # where few epochs were observed these may be one
    earlier = dict.fromkeys((epochs[len(epochs) // 2], epochs[0]))
    which = ("--drop", 0.3, "--policy", _POLICY)
    return {
        "num_examples": len(first),
        "num_right": int(right.sum()),
        "since": [(run.row(one).text, int((first <= one).sum())) for one in earlier if one != epoch],
        "dropped": _dropped(run, epoch, right),
        "keep": command_line("keep", run.path, *which, *epoch_option(run, epoch), "-o", "kept.csv"),
        "ablate": _ablate_command(run, epoch),
    }


def _right_since(run: Run, epochs: list[int]) -> npt.NDArray[np.float64]:
    """The first epoch from which on all trials have each example [K] right; NaN where not in the last."""
    first = np.full(len(run.labels), np.nan)
    so_far = np.ones(len(run.labels), np.bool_)
    for epoch in reversed(epochs):
        for trial in run.trials:
            seen = trial.columns(epoch, ["prediction", "trained_on"])
            right = seen["prediction"] == run.labels
            so_far &= right | seen["trained_on"] if run.shares else right
        first[so_far] = epoch
    return first


def _dropped(run: Run, epoch: int, right: npt.NDArray[np.bool_]) -> list[dict[str, float]]:
    p_label = run.votes(epoch).p_label.mean(axis=0)
    found = []
    for share in _SHARES:
        try:
            kept = prune(Kept(run, drop=share, policy=_POLICY, **run.argument(epoch))).kept
        except BadInput:  # a class would lose all its examples
            continue
        if kept.all():  # so few examples that the share is of none
            continue
        found.append(
            {
                "share": share,
                "num": int((~kept).sum()),
                "num_right": int((right & ~kept).sum()),
                "of_dropped": float(p_label[~kept].mean()),
                "of_kept": float(p_label[kept].mean()),
            }
        )
    return found


def _ablate_command(run: Run, epoch: int) -> str | None:
    spec = run.spec.measured
    if spec is None or spec.data.source is None:
        return None
    scores = ("--scores", run.path, *epoch_option(run, epoch))
    rates, loading = Drawing((0, *_SHARES)), Loading(holdout=0.2 if spec.data.held_out is None else None)
    network = kind_named(spec.data.kind).networks[0]
    # heads are no network to train, and `paper ablate` starts from scratch
    training = (
        Training(network, seed=spec.seed) if spec.heads else replace(training_of(spec), pretrained=False)
    )
    trained = (training, loading, "--out", "ablation")
    words = ("ablate", spec.data.source, *scores, rates, *trained)
    return command_line("paper", *words, always=("model", "epochs"))


_TRIALS = 5  # tell which labels look wrong


@dataclass(frozen=True)
class NextStep:
    """A ``command`` to be copied, and ``why`` it is the next one."""

    why: str
    command: str


def next_step(run: Run) -> NextStep:
    """The next step with a run that was observed: measure more, look at labels, or at the page.

    The labels are looked at no longer than a moment, see `glance`, and no network is asked.
    """
    try:
        seen = glance(run)
    except BadInput:  # one trial, one class, or a damaged file
        seen = None
    why = _why(run, seen)
    more = measure_more(run, seen)
    if more is not None:
        return NextStep(why, more)
    if seen is not None and not seen.knows_too_little and (seen.num_wrong or seen.num_unsaid):
        return NextStep(why, command_line("suspects", run.path, *_trust(run)))
    return NextStep(why, command_line("report", run.path, "-o", "report.html"))


def _why(run: Run, seen: Glance | None) -> str:
    if len(run.trials) < 2:
        return "one trial tells only right from wrong; several tell which labels look wrong"
    if seen is None:
        return "labels: cannot be judged"
    judge = "head" if run.shares else "network"
    if seen.leak:
        return "labels: cannot be judged, since an input tells them"
    if seen.knows_too_little:
        return f"labels: the {judge}s have {percent(seen.known)} right, which is too little to judge them"
    if seen.num_wrong:
        looks = "looks" if seen.num_wrong == 1 else "look"
        return f"labels: about {count(seen.num_wrong)} of {count(seen.num)} {looks} wrong"
    if seen.num_unsaid:
        return f"labels: no {judge} agrees with about {count(seen.num_unsaid)} of {count(seen.num)}"
    return f"labels: none of {count(seen.num)} looks wrong at a glance"


def measure_more(run: Run, seen: Glance | None) -> str | None:
    """The command that measures what is missing to judge labels; ``None`` where nothing is, or none does."""
    spec = run.spec.measured
    if spec is None or spec.data.source is None:
        return None
    if len(run.trials) < 2:
        return longer_command(run, trials=_TRIALS)
    if seen is None or not seen.knows_too_little or run.shares:
        return None
    return features_command(run) or longer_command(run, epochs=2 * run.epochs)


def _trust(run: Run) -> list[str]:
    heads = run.spec.heads
    if heads is None:
        return ["--trust"] if models.module_of(run.model) else []
    return ["--trust"] if any(features.code_behind(one.name) for one in heads.features) else []


MAX_CLASSES = 20
"""Classes that are shown one by one; where there are more, the hardest of them."""

_PER_SIDE = (10, 6)  # of a run alone, and of one of several
_SUSPECTS_ALONE, _SUSPECTS_COMPARED = (24, 6), (6, 0)  # of those measured, and of those held out
_LOOKED_AT = 500  # pictures of each set that are measured, so that a page of photos takes less than a minute


def run_part(
    run: Run,
    index: int,
    epoch: int,
    scores: pd.DataFrame,
    comparison: Comparison | None,
    data: Dataset | None,
    num_runs: int,
    fraction: float,
) -> dict[str, Any]:
    """The part of the page about a run, read in the row ``epoch``, where it has these ``scores``.

    Figures are SVG elements. ``num_trials`` are those that judge an example: of ``num_fitted`` trials of a
    run on features the heads that were not shown it, and ``judges`` is what they are called. ``rows`` are
    those observed and ``row`` is the one read. ``about`` has sentences on the features, and ``agreeing`` on a
    training beside them. ``more`` is the command that measures what is missing to judge labels.
    """
    key, row, votes = f"run{index + 1}", run.row(epoch), run.votes(epoch)
    labels = suspect_labels(run, epoch, *(_SUSPECTS_ALONE if num_runs == 1 else _SUSPECTS_COMPARED), key=key)
    accuracy = run_figures.accuracy_curves(run)
    levels = run_figures.easiness_levels(votes, len(run.classes), fraction)
    reliability = None
    if comparison is not None:
        # a comparison of many runs has rates alone
        known = comparison.reliability
        reliability = known[index] if known else matching.run_reliability(run, votes, fraction=fraction)
    warnings = [*filter(None, [one_trial(run)])] if labels else []
    curve = learning_curve(run) if run.shares else None

    def drawn(figure: Figure, name: str, shown: str) -> str:
        return to_svg(figure, key=f"{key}-{name}", label=f"{shown}; the table below has the numbers.")

    def halves(name: str, *, by_trials: bool) -> str | None:
        figure = None if reliability is None else matching.draw_reliability(reliability, by_trials=by_trials)
        if reliability is None or figure is None:
            return None
        by = f"{reliability.judges} in each half" if by_trials else reliability.row_name
        return drawn(figure, f"by-{name}", f"Matching rate between halves of the trials by {by}")

    return {
        "key": key,
        "name": _name(run, index, comparison, num_runs),
        "facts": run_facts(run, accuracy, epoch),
        "command": measure_command(run, data),
        "failures": run.failures(),
        "num_trials": votes.num_trials,
        "judges": "trials" if row.share is None else "heads",
        "agreeing": "" if comparison is None or not run.shares else _agreeing(comparison, index),
        "num_fitted": len(run.trials),
        "row": row,
        "rows": [run.row(one) for one in run.observed],
        "about": () if run.spec.heads is None else about_features(run.spec.heads),
        "accuracy": accuracy,
        "accuracy_figure": drawn(
            run_figures.draw_accuracy(accuracy, row, run.shares),
            "accuracy",
            f"Accuracy over {run.row_name}s, a line per trial and their mean",
        ),
        "levels": levels,
        "levels_figure": drawn(
            run_figures.draw_levels(levels), "levels", "Examples by the number of trials that are right"
        ),
        "alike": "" if data is None or data.kind.pixels is None else _alike(run, data, epoch, fraction),
        "galleries": class_galleries(
            run, votes, scores["difficulty"].to_numpy(), _PER_SIDE[num_runs > 1], MAX_CLASSES, fraction
        ),
        "suspects": labels,
        "more": measure_more(run, labels[0].found.glance if labels else None),
        "left_out": left_out(run, epoch),
        "learning": curve and curve.sections()[0],
        "learning_figure": curve
        and drawn(curve.figure(), "learning", "Left-out accuracy by the number of examples seen"),
        "reliability": reliability,
        "outlook": [] if reliability is None else reliability.outlook.sentences(),
        "warnings": warnings + ([] if reliability is None else reliability.outlook.warnings()),
        "too_few": too_few(run.labels, run.classes),
        "by_epoch_figure": halves(run.row_name, by_trials=False),
        "by_trials_figure": halves("trials", by_trials=True),
    }


def _agreeing(comparison: Comparison, index: int) -> str:
    trainings = [at for at, row in enumerate(comparison.rows) if row.share is None]
    found = (text for at in trainings for text in comparison.pair_answers((index, at)))
    return "".join(f"{text}. " for text in found)


def _name(run: Run, index: int, comparison: Comparison | None, num_runs: int) -> str:
    if num_runs == 1 and run.model != UNNAMED:
        return run.network
    if num_runs == 1 or comparison is None:
        return run.path.resolve().name or str(run.path)
    return comparison.names[index]


def _alike(run: Run, data: Dataset, epoch: int, fraction: float) -> str:
    """A sentence on how near easy and hard pictures are to each other; empty where that cannot be said."""
    at_most = _LOOKED_AT // len(run.classes)
    try:
        found = similarity(
            run,
            data,
            fraction=fraction,
            **run.argument(epoch),
            spaces=("pixel",),
            at_most=at_most,
            device="cpu",
            progress=False,
        )
    except BadInput:
        return ""
    return found.sentence()
