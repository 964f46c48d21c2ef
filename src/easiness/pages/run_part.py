"""The part of a page about one run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from easiness import features, models
from easiness.analysis import Votes, tie_order
from easiness.data import Dataset
from easiness.errors import BadInput
from easiness.inputs import kind_named
from easiness.lazy import Array, Figure, Floats, Integers, Mask, pd
from easiness.pages.facts import (
    about_features,
    epoch_option,
    longer_command,
    measure_command,
    run_facts,
)
from easiness.pages.labels import suspect_labels
from easiness.show import count, percent, to_svg
from easiness.spec import NO_NAME, Drawing, Loading, Training, command_line, training_of
from easiness.store import Run
from easiness.studies import matching, scores as run_figures
from easiness.studies.keeping import KeepOptions, prune
from easiness.studies.learning import learning_curve
from easiness.studies.matching import Comparison
from easiness.studies.similarity import similarity
from easiness.studies.suspects import Glance, features_command, glance, one_trial, too_few


def class_galleries(
    run: Run, votes: Votes, scores: pd.DataFrame, per_side: int, max_classes: int
) -> list[dict[str, Any]]:
    """Galleries of the classes in order of their labels, by ``difficulty``; see `class_extremes`.

    ``num_predicted`` trials predict the class ``predicted`` of an example. Where there are more than
    ``max_classes``, those whose examples fewest trials are right about on average, the hardest class first.
    """
    names = run.stratum_names
    labels = _labels_to_show(votes.labels, votes.num_right, len(names), max_classes)
    extremes = class_extremes(votes, labels, per_side, [scores["difficulty"].to_numpy()])
    table = scores[["p_easy", "p_hard"]].assign(
        position=np.arange(len(scores)),
        num_right=votes.num_right.astype(np.int64),
        p_label=votes.mean_p_label,
        predicted=np.array(run.classes, object)[scores["predicted"]],
        num_predicted=(scores["predicted_share"] * votes.num_trials).round().astype(int),
    )
    table["name"] = [("train", one) for one in run.ids.tolist()]
    return [
        {
            "label": label,
            "name": names[label],
            "num_examples": int((votes.labels == label).sum()),
            "easiest": table.loc[easiest].to_dict("records"),
            "hardest": table.loc[hardest].to_dict("records"),
        }
        for label, (easiest, hardest) in zip(labels, extremes, strict=True)
    ]


def class_extremes(
    votes: Votes, labels: Iterable[int], per_side: int, by: Sequence[Array]
) -> list[tuple[Integers, Integers]]:
    """Positions of the easiest, easiest first, and the hardest, hardest first, for each of ``labels``.

    Examples are ordered ``by`` values [K], the last first, and ties by a hash of the id. No example is on
    both sides, unless its class has no other.
    """
    order = np.lexsort((tie_order(votes.keys, 0), *by))
    extremes = []
    for label in labels:
        members = order[votes.labels[order] == label]
        num = min(per_side, max(1, len(members) // 2))
        extremes.append((members[:num], members[::-1][:num]))
    return extremes


def _labels_to_show(labels: Integers, counts: Integers, num_classes: int, most: int) -> list[int]:
    if num_classes <= most:
        return list(range(num_classes))
    with np.errstate(invalid="ignore"):  # NaN for a class without examples, which is sorted last
        mean = np.bincount(labels, counts, num_classes) / np.bincount(labels, minlength=num_classes)
    order: list[int] = np.argsort(mean, kind="stable")[:most].tolist()
    return order


_SHARES = (0.1, 0.3, 0.5)
_POLICY = "easy"


def left_out(run: Run, epoch: int) -> dict[str, Any] | None:
    """Count what can be left out after ``epoch``; ``None`` with one trial, tags, or nothing right in all.

    ``num_right`` are right in all trials then; ``since`` has pairs of an earlier epoch, or share, and how
    many are so in each observed from it on. ``dropped`` are those that `keep` drops at a ``share``, with the
    mean probability of the label of both parts. ``keep`` and ``ablate`` are commands.
    """
    if len(run.trials) < 2 or run.tags is not None:
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
        "dropped": _rows_dropped(run, epoch, right),
        "keep": command_line("keep", run.path, *which, *epoch_option(run, epoch), "-o", "kept.csv"),
        "ablate": _ablate_command(run, epoch),
    }


def _right_since(run: Run, epochs: list[int]) -> Floats:
    """The first epoch from which on all trials have each example [K] right; NaN where not in the last."""
    first = np.full(len(run.labels), np.nan)
    so_far = np.ones(len(run.labels), np.bool_)
    for epoch in reversed(epochs):
        for trial in run.trials:
            columns = trial.columns(epoch, ["prediction", "trained_on"])
            right = columns["prediction"] == run.labels
            so_far &= right | columns["trained_on"] if run.shares else right
        first[so_far] = epoch
    return first


def _rows_dropped(run: Run, epoch: int, right: Mask) -> list[dict[str, float]]:
    p_label = run.votes(epoch).p_label.mean(axis=0)
    rows = []
    for share in _SHARES:
        try:
            mask = prune(KeepOptions(run, drop=share, policy=_POLICY, **run.argument(epoch))).kept_mask
        except BadInput:  # a class would lose all its examples
            continue
        if mask.all():  # so few examples that the share is of none
            continue
        rows.append(
            {
                "share": share,
                "num": int((~mask).sum()),
                "num_right": int((right & ~mask).sum()),
                "of_dropped": float(p_label[~mask].mean()),
                "of_kept": float(p_label[mask].mean()),
            }
        )
    return rows


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
    words = ("ablate", spec.data.source, *scores, rates, training, loading, "--out", "ablation")
    return command_line("paper", *words, always=("model", "epochs"))


_TRIALS = 5  # tell which labels look wrong


def next_step(run: Run) -> tuple[str, str]:
    """Why and by which command to go on with a run: measure more, look at labels, or at the page.

    The labels are looked at no longer than a moment, see `glance`, and no network is asked.
    """
    try:
        look = glance(run)
    except BadInput:  # one trial, one class, or a damaged file
        look = None
    why = _why(run, look)
    more = measure_more(run, look)
    if more is not None:
        return why, more
    if look is not None and not look.knows_too_little and (look.num_wrong or look.num_unsaid):
        return why, command_line("suspects", run.path, *_trust(run))
    return why, command_line("report", run.path, "-o", "report.html")


def _why(run: Run, look: Glance | None) -> str:
    if len(run.trials) < 2:
        return "one trial tells only right from wrong; several tell which labels look wrong"
    if look is None:
        return "labels: cannot be judged"
    judge = "head" if run.shares else "network"
    if look.leak:
        return "labels: cannot be judged, since an input tells them"
    if look.knows_too_little:
        return f"labels: the {judge}s have {percent(look.known)} right, which is too little to judge them"
    if look.num_wrong:
        verb = "looks" if look.num_wrong == 1 else "look"
        return f"labels: about {count(look.num_wrong)} of {count(look.num)} {verb} wrong"
    if look.num_unsaid:
        return f"labels: no {judge} agrees with about {count(look.num_unsaid)} of {count(look.num)}"
    return f"labels: none of {count(look.num)} looks wrong at a glance"


def measure_more(run: Run, look: Glance | None) -> str | None:
    """The command that measures what is missing to judge labels; ``None`` where nothing is, or none does."""
    spec = run.spec.measured
    if spec is None or spec.data.source is None:
        return None
    if len(run.trials) < 2:
        return longer_command(run, trials=_TRIALS)
    if look is None or not look.knows_too_little or run.shares:
        return None
    return features_command(run) or longer_command(run, epochs=2 * run.epochs)


def _trust(run: Run) -> list[str]:
    heads = run.spec.heads
    codes = (
        [features.code_behind(one.name) for one in heads.features] if heads else [models.module_of(run.model)]
    )
    return ["--trust"] if any(codes) else []


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

    Figures are SVG elements. ``num_trials`` judge an example: all trials, or of ``num_fitted`` trials on
    features the heads that were not shown it. ``more`` measures what is missing to judge labels.
    """
    key, row, votes = f"run{index + 1}", run.row(epoch), run.votes(epoch)
    labels = suspect_labels(run, epoch, *(_SUSPECTS_ALONE if num_runs == 1 else _SUSPECTS_COMPARED), key=key)
    accuracy = run_figures.accuracy_by_split(run)
    levels = run_figures.easiness_levels(votes, len(run.stratum_names), fraction)
    reliability = None
    if comparison is not None:
        # a comparison of many runs has rates alone
        reliabilities = comparison.reliability
        reliability = (
            reliabilities[index] if reliabilities else matching.run_reliability(run, votes, fraction=fraction)
        )
    by_tag = run_figures.RunScores(run, epoch, fraction, scores)
    warnings = [*filter(None, [one_trial(run) if labels else "", by_tag.rare_tags()])]
    curve = learning_curve(run) if run.shares and run.tags is None else None

    def svg(figure: Figure, name: str, words: str) -> str:
        return to_svg(figure, key=f"{key}-{name}", label=f"{words}; the table below has the numbers.")

    def halves(name: str, *, by_trials: bool) -> str | None:
        figure = None if reliability is None else matching.draw_reliability(reliability, by_trials=by_trials)
        if reliability is None or figure is None:
            return None
        by = f"{reliability.judges} in each half" if by_trials else reliability.row_name
        return svg(figure, f"by-{name}", f"Matching rate between halves of the trials by {by}")

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
        "accuracy_figure": svg(
            run_figures.draw_accuracy(run, accuracy, row),
            "accuracy",
            f"Accuracy over {run.row_name}s, a line per trial and their mean",
        ),
        "by_tag": by_tag.printed_sections(),
        "levels": levels,
        "levels_figure": svg(
            run_figures.draw_levels(levels), "levels", "Examples by the number of trials that are right"
        ),
        "alike": "" if data is None or data.kind.pixels is None else _alike(run, data, epoch, fraction),
        "galleries": class_galleries(run, votes, scores, _PER_SIDE[num_runs > 1], MAX_CLASSES),
        "suspects": labels,
        "more": measure_more(run, labels[0].result.glance if labels else None),
        "left_out": left_out(run, epoch),
        "learning": curve and curve.sections()[0],
        "learning_figure": curve
        and svg(curve.figure(), "learning", "Left-out accuracy by the number of examples seen"),
        "reliability": reliability,
        "outlook": [] if reliability is None else reliability.outlook.sentences(),
        "warnings": warnings + ([] if reliability is None else reliability.outlook.warnings()),
        "too_few": too_few(run),
        "by_epoch_figure": halves(run.row_name, by_trials=False),
        "by_trials_figure": halves("trials", by_trials=True),
    }


def _agreeing(comparison: Comparison, index: int) -> str:
    trainings = [at for at, row in enumerate(comparison.rows) if row.share is None]
    answers = (text for at in trainings for text in comparison.pair_answers((index, at)))
    return "".join(f"{text}. " for text in answers)


def _name(run: Run, index: int, comparison: Comparison | None, num_runs: int) -> str:
    if num_runs == 1 and run.model != NO_NAME:
        return run.network
    if num_runs == 1 or comparison is None:
        return run.path.resolve().name or str(run.path)
    return comparison.names[index]


def _alike(run: Run, data: Dataset, epoch: int, fraction: float) -> str:
    """A sentence on how near easy and hard pictures are to each other; empty where that cannot be said."""
    at_most = _LOOKED_AT // len(run.classes)
    how: dict[str, Any] = {"spaces": ("pixel",), "at_most": at_most, "device": "cpu", "progress": False}
    try:
        return similarity(run, data, fraction=fraction, **run.argument(epoch), **how).sentence()
    except BadInput:
        return ""
