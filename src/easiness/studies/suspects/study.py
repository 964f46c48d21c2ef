"""``suspects``: which labels of a run are likely wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from easiness.analysis import LabelNoise, label_noise
from easiness.errors import BadInput
from easiness.runs import passes_shown
from easiness.spec import Split
from easiness.store import Run, check_opened
from easiness.studies.suspects.conflicts import conflicts_of
from easiness.studies.suspects.conflicts_found import Conflicts
from easiness.studies.suspects.evidence import Evidence, gather
from easiness.studies.suspects.kinds import KindEvidence, Kinds, find_kinds, kind_reasons, naming, reasons
from easiness.studies.suspects.neighbours import Neighbours, find_neighbours
from easiness.studies.suspects.ranked import ABOVE, Suspects, how_many_listed

if TYPE_CHECKING:
    import pandas as pd

_NOT_ASKED = "pictures were not to be looked at"
_HELD_OUT = "networks are asked for training examples only"


def suspects(
    run: Run,
    *,
    split: Split = "train",
    above: float = ABOVE,
    epoch: int | None = None,
    pictures: bool = True,
    source: Any = None,
    device: str = "auto",
    progress: bool = True,
) -> Suspects:
    """The examples whose label is likely wrong, most suspicious first, and what is certain before that.

    Each example is judged by the trials that did not train on it, where there are any (``train_share`` below
    1, or the held-out split), else by all, by what they said after the last three epochs observed.
    `label_noise` has the probability. Nothing is trained.

    Args:
        run: with two trials or more, of any kind: measured or recorded.
        split: ``train``, or ``held_out``: is the test set safe?
        above: list the labels that are wrong with this probability or more, in 0..1, and five in any case.
        epoch: judge as after this many epochs; the last by default.
        pictures: look at the pictures for identical ones, and ask the networks for what they make of them;
            without, conflicts are not looked for and some kinds cannot be named.
        source: where the data are now, a `Dataset` or what `load_dataset` takes; by default where they were.
        device: for the networks: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        progress: show how far it is where that takes longer than a moment.

    Raises:
        BadInput: the run has no trial, one trial or one class, the epoch was not observed, nothing is held
            out, ``above`` is out of its range, or the ``source`` given has other data.
    """
    check_opened(run=run)
    if not 0 <= above <= 1:
        raise BadInput(f"--above {above:g}: give a probability from 0 to 1")
    evidence = gather(run, split, epoch)
    noise = label_noise(evidence.of_labels)
    with passes_shown(progress):
        conflicts = conflicts_of(run, source) if pictures else Conflicts(0, 0)
        kinds, of_kinds = _kinds(run, split, evidence, noise, source if pictures else None, pictures, device)
    order = np.lexsort((-noise.suspicion, -noise.p_wrong))  # of equals the first comes first
    listed = order[: how_many_listed(noise.p_wrong, above)]
    reason = np.full(len(order), "", object)
    why_hard = kind_reasons(kinds, of_kinds, evidence.labels, run.classes)
    added = ["" if kind == "wrong label" else text for kind, text in zip(kinds.kind, why_hard, strict=True)]
    reason[listed] = reasons(evidence, listed, naming(run, split, evidence, listed), run.classes, added)
    return Suspects(
        model=run.model,
        split=split,
        num_trials=len(run.trials),
        epochs=evidence.epochs[-evidence.num_epochs :],
        classes=run.classes,
        ranked=_table(run, evidence, noise, kinds, reason).iloc[order].reset_index(drop=True),
        share=noise.share,
        known=1 - float(evidence.other_share.mean()),
        above=above,
        conflicts=conflicts,
        left_out_kinds=kinds.left_out,
    )


def _kinds(
    run: Run,
    split: Split,
    evidence: Evidence,
    noise: LabelNoise,
    source: Any,
    pictures: bool,
    device: str,
) -> tuple[Kinds, KindEvidence]:
    near, why = None, _NOT_ASKED if not pictures else _HELD_OUT
    if pictures and split == "train":
        near, why = find_neighbours(run, source, device)
    of_kinds = kind_evidence(evidence, noise, near, why)
    return find_kinds(of_kinds), of_kinds


def kind_evidence(
    evidence: Evidence, noise: LabelNoise, near: Neighbours | None, why_not_near: str
) -> KindEvidence:
    """What tells the kinds of examples, from what is heard of them."""
    return KindEvidence(
        noise.p_wrong,
        evidence.p_label,
        evidence.p_rival,
        evidence.rival,
        evidence.first_right,
        evidence.epochs[-1],
        near,
        why_not_near,
    )


def _table(run: Run, evidence: Evidence, noise: LabelNoise, kinds: Kinds, reason: object) -> pd.DataFrame:
    import pandas as pd

    names = np.array([*run.classes, ""], object)  # the last is that of -1
    others = evidence.other_share
    return pd.DataFrame(
        {
            "id": evidence.ids,
            "label": evidence.labels,
            "class": names[evidence.labels],
            "suggested": evidence.rival,
            "suggested_class": names[evidence.rival],
            "p_wrong": noise.p_wrong,
            "suggested_share": evidence.rival_share,
            "kind": kinds.kind,
            "reason": reason,
            "margin": evidence.of_labels.margin,
            "p_label": evidence.p_label,
            "rival_share": np.divide(
                evidence.rival_share, others, out=np.zeros(len(others)), where=others > 0
            ),
            "num_heard": evidence.num_heard,
            "left_out": evidence.left_out,
        }
    )
