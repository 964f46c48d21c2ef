"""Why an example is hard, one of a few kinds or none, and what the networks say of it, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from easiness.spec import Split
from easiness.store import Row, Run
from easiness.studies.suspects.evidence import Evidence
from easiness.studies.suspects.neighbours import Neighbours

Kind = Literal["wrong label", "between two classes", "unlike its class", "slow"]
KINDS: tuple[Kind, ...] = get_args(Kind)
BY_FEATURES: tuple[str, ...] = ("unlike its class",)
"""Kinds that only the trained networks can tell."""
NOT_CARRIED = {
    "rare": "among planted examples those of a rare sub-kind were found hardly better than by chance"
}
"""Kinds that are never named, since the evidence does not carry them, and how that is known."""

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

_Floats = npt.NDArray[np.float64]
_Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class KindEvidence:
    """What tells the kinds of K examples; means are over trials and the last epochs observed.

    ``first_right`` [K] is the epoch, or share, from which on most trials have the label right to the end, NaN
    where they have not. ``num_epochs`` were trained, or are the largest share, as ``row_name`` says.
    ``known`` is how many of the labels the trials have right over how many can be expected to be sound.
    Without ``near`` the kinds `BY_FEATURES` are left out, and ``why_not_near`` says why.
    """

    p_wrong: _Floats
    p_label: _Floats
    p_rival: _Floats
    rival: npt.NDArray[np.int64]
    first_right: _Floats
    num_epochs: float
    known: float
    near: Neighbours | None = None
    why_not_near: str = "no networks were asked"
    row_name: str = "epoch"


@dataclass(frozen=True)
class Kinds:
    """The ``kind`` [K] of each example, of `KINDS` or empty, and why some others were ``left_out``.

    It is empty where an example is not hard, and where it is but nothing tells why.
    """

    kind: npt.NDArray[np.object_]
    left_out: dict[str, str]


def find_kinds(evidence: KindEvidence) -> Kinds:
    """Why each example is hard.

    Hard is an example whose label has less than half of the probability in the last epochs, or is among the
    `HARDEST` in that. Such an example is the first of these that holds:

    - ``unlike its class``: the networks' answer is at most `WEAK` times as strong as usual. What such
      networks name instead of the label means little, so this goes before the next;
    - ``wrong label``: its label is more likely wrong than right;
    - ``between two classes``: its label and another class have `BOTH` of the probability or more, and the
      lesser at least `RIVALS` of the greater.

    ``slow`` is an example, hard or not, of no other kind, that most trials have right in the end, but only
    from an epoch in the second half of the training on, and later than three quarters of those that they
    learn.

    A kind is named only where trials know as much as `LEAST_KNOWN` says. The other thresholds are plain
    shares and ratios, and were looked at on other data than those they are judged on.
    """
    e = evidence
    hard = is_hard(e)
    holds: dict[Kind, _Mask] = {  # from the last to the first
        "slow": _slow(e),
        "between two classes": hard & _between(e),
        "wrong label": hard & (e.p_wrong >= 1 / 2),
    }
    if e.near is not None:
        holds["unlike its class"] = hard & (e.near.strength <= WEAK)
    left_out = NOT_CARRIED | ({} if e.near is not None else dict.fromkeys(BY_FEATURES, e.why_not_near))
    left_out |= {kind: _too_little(e.known) for kind in holds if e.known < LEAST_KNOWN.get(kind, 0)}
    found = np.full(len(e.p_label), "", object)
    for kind, where in holds.items():
        if kind not in left_out:
            found[where] = kind
    return Kinds(found, left_out)


def _too_little(known: float) -> str:
    return (
        f"the trials have {known:.0%} of the labels right that can be expected to be sound, and with so few "
        "it would be guessed"
    )


def is_hard(e: KindEvidence) -> _Mask:
    """Which examples [K] have too little of the probability on their label, see `find_kinds`."""
    hard: _Mask = (e.p_label < 1 / 2) | (e.p_label < np.quantile(e.p_label, HARDEST))
    return hard


def _between(e: KindEvidence) -> _Mask:
    lesser, greater = np.minimum(e.p_label, e.p_rival), np.maximum(e.p_label, e.p_rival)
    return (e.rival >= 0) & (lesser + greater >= BOTH) & (lesser >= RIVALS * greater)


def _slow(e: KindEvidence) -> _Mask:
    learned = e.first_right[~np.isnan(e.first_right)]
    if not len(learned):
        return np.zeros(len(e.first_right), np.bool_)
    late: _Mask = e.first_right > max(e.num_epochs / 2, float(np.quantile(learned, 3 / 4)))
    return late


def reasons(
    run: Run, split: Split, evidence: Evidence, positions: npt.NDArray[np.int64], of_kinds: Sequence[str]
) -> list[str]:
    """A sentence for each of the examples at ``positions`` [n], with what ``of_kinds`` [K] adds."""
    named = naming(run, split, evidence, positions).T
    alone = evidence["left_out"].all()
    rows = evidence.table.iloc[positions].to_dict("records")
    texts = [
        _reason(one, numbers, evidence.rows, run.classes, bool(alone))
        for one, numbers in zip(rows, named, strict=True)
    ]
    return ["; ".join(filter(None, (text, of_kinds[at]))) for at, text in zip(positions, texts, strict=True)]


def naming(
    run: Run, split: Split, evidence: Evidence, positions: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """The number of trials heard that predict the rival of the examples at ``positions`` [n], [rows, n]."""
    rival, heard = evidence["rival"][positions], evidence.heard[:, positions]
    num = np.zeros((len(evidence.rows), len(positions)), np.int64)
    for own, trial in zip(heard, run.trials, strict=True):
        for at, row in enumerate(evidence.rows):
            prediction = trial.columns(row.number, ["prediction"], split)["prediction"][positions]
            num[at] += own & (prediction == rival)
    return num


def _reason(
    one: Mapping[Any, Any],
    naming: npt.NDArray[np.int64],
    rows: Sequence[Row],
    classes: Sequence[str],
    all_left_out: bool,
) -> str:
    """What the trials heard say of ``one`` example, whose rival so many are ``naming`` in each row."""
    num, last = one["num_heard"], naming[-1]
    that = " that left it out" if one["left_out"] and not all_left_out else ""
    judges = f"{num}{that}" if num > 1 else f"the one asked{that}"
    if not one["other_share"]:
        return f"all {judges} have it right" if num > 1 else f"{judges} has it right"
    most = np.logical_and.accumulate((naming > num / 2)[::-1]).sum()
    first = rows[len(rows) - max(most, 1)]
    since = first.text if first.share is None else f"{100 * first.share:g} % of the data"
    since = (f", from {since} on" if most else "") if last else " in the end"
    some = "all" if last == num else f"{last or 'none'} of"
    verb = "says" if last == 1 or num == 1 else "say"
    if num == 1 and not last:
        verb = "no longer says"
    return f"{f'{some} {judges}' if num > 1 else judges} {verb} {classes[one['rival']]}{since}"


def reasons_mean(row: Row, left_out: bool) -> str:
    """The words that all `reasons` share: who says so, and from when on. Were all examples ``left_out``?"""
    none = "; none was {} on the labels that it judges" if left_out else ""
    if row.share is None:
        return (
            f"The reason says how many networks name another class, and from when on{none.format('trained')}."
        )
    return (
        "The reason says how many heads name another class, and how little of the data was enough for that. "
        f"A head is a small classifier of the features{none.format('fitted')}."
    )


def kind_reasons(
    found: Kinds, e: KindEvidence, labels: npt.NDArray[np.int64], classes: Sequence[str]
) -> list[str]:
    """A fragment of a sentence for each example; empty where it has no kind, or what is suggested says it."""
    return [
        _kind_reason(kind, at, e, classes[labels[at]], classes[e.rival[at]]) if kind else ""
        for at, kind in enumerate(found.kind)
    ]


def _kind_reason(kind: str, at: int, e: KindEvidence, own: str, rival: str) -> str:
    if kind == "between two classes":
        return f"between {own} ({e.p_label[at]:.2f}) and {rival} ({e.p_rival[at]:.2f})"
    if kind == "slow":
        since = f"{e.row_name} {e.first_right[at]:g} of {e.num_epochs:g}"
        return f"right in most trials only from {since} on"
    if kind != "unlike its class" or e.near is None:
        return ""
    return (
        f"unlike {own}: the networks' answer to it is {e.near.strength[at]:.2f} times as strong as usual "
        f"there, and {e.near.own_share[at]:.0%} of its {e.near.num_nearest} nearest neighbours are {own}"
    )
