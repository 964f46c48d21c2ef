"""Why an example is hard, one of a few kinds or none, and what the networks say of it, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from easiness.lazy import Integers, Mask, pd
from easiness.spec import Split
from easiness.store import Row, Run
from easiness.studies.suspects.evidence import Evidence

Kind = Literal["wrong label", "between two classes", "unlike its class", "slow"]
KINDS: tuple[Kind, ...] = get_args(Kind)
BY_FEATURES: tuple[str, ...] = ("unlike its class",)
"""Kinds that only the trained networks can tell."""
NEVER_NAMED = {
    "rare": "among planted examples those of a rare sub-kind were found hardly better than by chance"
}
"""Kinds that the evidence does not carry, and how that is known."""
LEAST_KNOWN: Mapping[Kind, float] = {"between two classes": 0.9, "unlike its class": 0.7, "slow": 0.7}
"""The share of the sound labels that trials have right from which on a kind was found better than by chance.

``wrong label`` needs none: it says what ``p_wrong`` says. See docs/results/kinds-known.md.
"""

HARDEST = 1 / 4
"""The share of the examples with the least probability of their label that counts as hard, at the least."""
BOTH = 1 / 2
"""The least probability, together, of two classes that an example is between."""
RIVALS = 1 / 4
"""The least probability of the lesser of these two, as a share of that of the greater."""
WEAK = 2 / 3
"""The share of the usual strength of the networks' answer up to which an example is unlike its class."""


def find_kinds(
    table: pd.DataFrame, row: Row, share_known: float, why_not_near: str = ""
) -> tuple[npt.NDArray[np.object_], dict[str, str]]:
    """Why each example is hard: of `KINDS` or empty [K], and why some kinds were left out.

    The ``table`` has the columns of `Evidence`, ``p_wrong``, and those of `neighbours`; without these the
    kinds `BY_FEATURES` are left out, and ``why_not_near`` says why. ``row`` is the last that was read,
    ``share_known`` is how many of the labels the trials have right over how many are expected to be sound.

    Hard is an example whose label has less than half of the probability in the last epochs, or is among the
    `HARDEST` in that. Such an example is the first of these that holds, or of no kind:

    - ``unlike its class``: the networks' answer is at most `WEAK` times as strong as usual. The class that
      such networks name instead means little, so this goes before the next;
    - ``wrong label``: its label is more likely wrong than right;
    - ``between two classes``: its label and another class have `BOTH` of the probability or more, and the
      lesser at least `RIVALS` of the greater.

    ``slow`` is an example, hard or not, of no other kind, that most trials have right in the end, but only
    from the second half of the training on, and later than three quarters of those that they learn.

    A kind is named only where trials know as much as `LEAST_KNOWN` says.
    """
    hard, both = is_hard(table), table[["p_label", "p_rival"]]
    near = (both.sum(axis=1) >= BOTH) & (both.min(axis=1) >= RIVALS * both.max(axis=1))
    late = table["first_right"].quantile(3 / 4)  # NaN, which nothing is later than, where nothing is learned
    holds: dict[Kind, Any] = {  # from the last to the first
        "slow": table["first_right"] > np.maximum(row.value / 2, late),
        "between two classes": hard & near & (table["rival"] >= 0),
        "wrong label": hard & (table["p_wrong"] >= 1 / 2),
    }
    left_out: dict[str, str] = {}
    if "strength" in table:
        holds["unlike its class"] = hard & (table["strength"] <= WEAK)
    else:
        left_out |= dict.fromkeys(BY_FEATURES, why_not_near)
    kinds = np.full(len(table), "", object)
    for kind, where in holds.items():
        if share_known < LEAST_KNOWN.get(kind, 0):
            left_out[kind] = (
                f"the trials have {share_known:.0%} of the labels right that can be expected to be sound, "
                "and with so few it would be guessed"
            )
        else:
            kinds[where] = kind
    return kinds, left_out


def is_hard(table: pd.DataFrame) -> Mask:
    """Which examples [K] have too little of the probability on their label, see `find_kinds`."""
    p_label = table["p_label"].to_numpy()
    hard: Mask = (p_label < 1 / 2) | (p_label < np.quantile(p_label, HARDEST))
    return hard


def reasons(
    run: Run, split: Split, evidence: Evidence, table: pd.DataFrame, positions: Integers
) -> list[str]:
    """A sentence for each of the examples at ``positions`` [n] of the ``table``, with their kinds."""
    rival, judges = evidence["rival"][positions], evidence.judges[:, positions]
    num = np.zeros((len(evidence.rows), len(positions)), np.int64)  # of judges that predict the rival
    for own, trial in zip(judges, run.trials, strict=True):
        for at, row in enumerate(evidence.rows):
            prediction = trial.columns(row.number, ["prediction"], split)["prediction"][positions]
            num[at] += own & (prediction == rival)
    alone, tags = bool(evidence["left_out"].all()), run.tags_of(split)
    texts = (
        (
            reason(one, numbers, evidence.rows, run.classes, alone),
            kind_reason(one, evidence.rows[-1], run.classes),
        )
        for one, numbers in zip(table.iloc[positions].to_dict("records"), num.T, strict=True)
    )
    words = ["; ".join(filter(None, both)) for both in texts]
    if tags is None:
        return words
    verdicts = np.where(evidence["label"][positions] == 1, " is too many", " is missing")
    verdicts = np.where(evidence["other_share"][positions] > 0, verdicts, "")
    about = zip(tags.of[positions], verdicts, words, strict=True)
    return [f"{tags.names[tag]}{verdict}: {text}" for tag, verdict, text in about]


def reason(
    one: Mapping[Any, Any],
    num_rival: Integers,
    rows: Sequence[Row],
    classes: Sequence[str],
    all_left_out: bool,
) -> str:
    """The words of the trials heard on ``one`` example, ``num_rival`` of which predict its rival by row."""
    num, last = one["num_heard"], num_rival[-1]
    that = " that left it out" if one["left_out"] and not all_left_out else ""
    judges = f"{num}{that}" if num > 1 else f"the one asked{that}"
    if not one["other_share"]:
        return f"all {judges} have it right" if num > 1 else f"{judges} has it right"
    most = np.logical_and.accumulate((num_rival > num / 2)[::-1]).sum()
    first = rows[len(rows) - max(most, 1)]
    since = first.text if first.share is None else f"{100 * first.share:g} % of the data"
    since = (f", from {since} on" if most else "") if last else " in the end"
    some = "all" if last == num else f"{last or 'none'} of"
    if num == 1:
        return f"{judges} {'says' if last else 'no longer says'} {classes[one['rival']]}{since}"
    return f"{some} {judges} {'says' if last == 1 else 'say'} {classes[one['rival']]}{since}"


def kind_reason(one: Mapping[Any, Any], row: Row, classes: Sequence[str]) -> str:
    """A fragment of a sentence on ``one`` example; empty if what is suggested says it, or nothing."""
    own = classes[one["label"]]
    if one["kind"] == "between two classes":
        return f"between {own} ({one['p_label']:.2f}) and {classes[one['rival']]} ({one['p_rival']:.2f})"
    if one["kind"] == "slow":
        since = f"{row.name} {one['first_right']:g} of {row.value:g}"
        return f"right in most trials only from {since} on"
    if one["kind"] != "unlike its class":
        return ""
    return (
        f"unlike {own}: the networks' answer to it is {one['strength']:.2f} times as strong as usual there, "
        f"and {one['own_share']:.0%} of its {one['num_nearest']} nearest neighbours are {own}"
    )
