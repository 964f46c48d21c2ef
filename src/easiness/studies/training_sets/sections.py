"""A study of training sets as titled tables."""

from __future__ import annotations

import math

from easiness.analysis import MIN_GROUP
from easiness.show import Section, number
from easiness.studies.training_sets.curves import Contrast, differences, steps
from easiness.studies.training_sets.found import TrainedSets
from easiness.studies.training_sets.order import order_of

_RANDOM = "random"


def training_sets_sections(study: TrainedSets) -> list[Section]:
    """Accuracy by rate and policy, then differences from random draws, and from one rate to the next."""
    sections = [_accuracy(study)]
    if _RANDOM in study.policies and len(study.policies) > 1 and max(study.rates) > 0:
        sections.append(_against_random(study))
    if len(study.rates) > 1:
        sections.append(_steps(study))
    return sections


def _accuracy(study: TrainedSets) -> Section:
    dropping = study.effect == "drop"
    rows = [["rate", "trained on", "relabelled", "steps", *study.policies, "chance"]]
    first = {point.rate: point for point in study.of(study.policies[0])}
    by_policy = [{point.rate: point for point in study.of(policy)} for policy in study.policies]
    for rate, point in first.items():
        cells = [f"{p[rate].mean[-1]:.3f}{_deviation(p[rate].deviation[-1])}" for p in by_policy]
        relabelled = 0 if dropping else point.num_drawn
        rows.append(
            [
                f"{rate:g}",
                str(point.num_trained_on),
                str(relabelled),
                str(point.num_steps),
                *(cell + _mark(study.repetitions >= MIN_GROUP) for cell in cells),
                number(study.chance, 3),
            ]
        )
    what = "dropped" if dropping else "given a label drawn at random"
    own = "" if dropping else (", never their own" if study.other_label else ", which may be their own")
    order = order_of(study.score, study.keep)
    drawn = ", or ".join(order.text(policy) for policy in study.policies)
    never = " Those that no trial learned rank as the hardest." if order.score.never_learned else ""
    return Section(
        f"Accuracy of {study.model} on {study.num_held_out} held-out examples after epoch {study.epochs}",
        f"A share (rate) of {study.num_examples} examples is {what}{own}: {drawn}, after epoch "
        f"{study.score_epoch} by {order.by}"
        f"{', the same share of each class' if study.balanced else ''}.{never} Mean ± standard deviation "
        f"over {study.repetitions} repetitions{_undecided(study)}",
        rows,
    )


def _against_random(study: TrainedSets) -> Section:
    others = [policy for policy in study.policies if policy != _RANDOM]
    random = study.curve(_RANDOM)
    found = [differences(study.curve(policy), random) for policy in others]
    rows = [["rate", *(column for policy in others for column in (f"{policy} - random", "95 % interval"))]]
    rows += [
        [f"{rate:g}", *(cell for by_rate in found for cell in _cells(by_rate[rate]))] for rate in found[0]
    ]
    return Section(
        "Accuracy beside that of random draws",
        "Difference of the means at the same rate, with Welch's interval; above 0 where the policy is better "
        f"than random{_undecided(study)}",
        rows,
    )


def _steps(study: TrainedSets) -> Section:
    found = [steps(study.curve(policy)) for policy in study.policies]
    rows = [["from rate to rate", *(c for policy in study.policies for c in (policy, "95 % interval"))]]
    for low, high in found[0]:
        cells = [cell for by_step in found for cell in _cells(by_step[low, high])]
        rows.append([f"{low:g} to {high:g}", *cells])
    return Section(
        "Change of accuracy from each rate to the next",
        f"Difference of the means, with Welch's interval; below 0 where accuracy falls{_undecided(study)}",
        rows,
    )


def _undecided(study: TrainedSets) -> str:
    if study.repetitions >= MIN_GROUP:
        return "."
    return f". ? marks fewer than {MIN_GROUP} repetitions, which decide nothing."


def _mark(decided: bool) -> str:
    return "" if decided else "?"


def _deviation(value: float) -> str:
    return "" if math.isnan(value) else f" ± {value:.3f}"


def _cells(one: Contrast) -> list[str]:
    low, high = one.interval
    interval = "" if math.isnan(low) else f"{low:+.3f} to {high:+.3f}"
    return [f"{one.value:+.3f}{_mark(one.decided)}", interval]
