"""``suspects``: which labels of a run are likely wrong."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from easiness import show
from easiness.analysis import (
    EstimatedNoise,
    LabelNoise,
    estimate_noise,
    label_noise_of_heads,
    label_noise_together,
    pulled_to_prior,
    weights_together,
)
from easiness.data import Dataset
from easiness.engine import SEVERAL_RUNS, At, Data, Decided, Device, HeldOutToo, Study
from easiness.errors import BadInput
from easiness.models import missing_code
from easiness.runs import Told, find_data, leak_of, positions_in, told
from easiness.spec import Option, Split
from easiness.store import Row, Run
from easiness.studies.matching import check_comparable
from easiness.studies.suspects.conflicts import FIRST, Conflicts, conflicts_of
from easiness.studies.suspects.decided import Learned, learned_from
from easiness.studies.suspects.evidence import Evidence, gather, one_trial, too_few
from easiness.studies.suspects.kinds import KindEvidence, Kinds, find_kinds, kind_reasons, reasons
from easiness.studies.suspects.neighbours import CannotAsk, Looked, Neighbours, find_neighbours
from easiness.studies.suspects.ranked import ABOVE, Suspects, how_many_listed, to_judge_along

if TYPE_CHECKING:
    import pandas as pd


_FIRST = ("id", "label", "class", "suggested", "suggested_class", "p_wrong", "suggested_share")
_BEHIND = ("margin", "p_label", "rival_share", "num_heard", "left_out")
_MOST_BYTES = 4_000_000  # of pictures and sounds in a notebook


class _AsShown(NamedTuple):
    """What `told` has of all examples, the first suspects, and the texts of pairs by split and id."""

    texts: Told | None = None
    first: tuple[show.ShownExample, ...] = ()
    in_pairs: Mapping[tuple[str, object], str] = {}


def _as_shown(
    run: Run, data: Dataset | None, split: Split, first: npt.NDArray[np.int64], left: Conflicts
) -> _AsShown:
    """What is shown of the examples, where their ``data`` are there and can be read.

    The ``first`` suspects are at these positions in the run, ``left`` in conflict are the pairs. So many have
    their pictures and sounds as a notebook should hold.
    """
    part = data if data is None or split == "train" else data.held_out
    with suppress(BadInput):
        if data is None or part is None:
            return _AsShown()
        rows = positions_in(part, run, split)
        shown = part.map(rows[first], lambda value: part.kind.show(value, part.traits).in_page())
        fits = np.cumsum([one.size for one in shown]) <= _MOST_BYTES
        fitting = (one if there else one.in_words() for one, there in zip(shown, fits, strict=True))
        return _AsShown(told(part, rows), tuple(fitting), _in_pairs(data, left.table()))
    return _AsShown()


def _in_pairs(data: Dataset, pairs: pd.DataFrame) -> dict[tuple[str, object], str]:
    sides = (pairs[[f"split_{side}", f"id_{side}"]] for side in "ab")
    wanted = {name for side in sides for name in side.itertuples(index=False, name=None)}
    found: dict[tuple[str, object], str] = {}
    for split, part in data.splits.items():
        names = [(split, one) for one in part.ids.tolist()]
        rows = np.array([at for at, name in enumerate(names) if name in wanted], np.int64)
        of_split = told(part, rows)
        if of_split is not None:
            found |= dict(zip([names[at] for at in rows], of_split.texts, strict=True))
    return found


MOST_LOOKED_AT = 1_000
"""Suspects that are shown beside what is nearest to them, as the page does."""

_KNOWS = 1 / 4
"""How much a run counts, of 1, whose range is a part of that of all."""

_NOT_ASKED = "examples were not to be looked at"
_HELD_OUT = "networks are asked for training examples only"


@dataclass(frozen=True)
class Suspected:
    """Options of `suspects`."""

    run: Annotated[
        tuple[Run, ...],
        Option("", "Folder of a run. Several on the same data judge together.", **SEVERAL_RUNS),
    ]
    split: HeldOutToo = "train"
    above: Annotated[
        float,
        Option(
            "--above", "List labels that are wrong with this probability or more; at least five are listed."
        ),
    ] = ABOVE
    decided: Decided = None
    at: At = None
    pictures: Annotated[
        bool,
        Option(
            "--pictures/--no-pictures",
            "Look for identical examples, and ask the stored networks about each.",
        ),
    ] = True
    data: Data = None
    device: Device = "auto"


def suspects(asked: Suspected) -> Suspects:
    """The examples whose label is likely wrong, most suspicious first, and what is certain before that.

    Each example is judged by the trials that did not train on it, where there are any (``train_share`` below
    1, or the held-out split), else by all, by what they said after the last three epochs observed.
    `label_noise` has the probability. Of several runs the order and the probabilities are of all: those that
    left examples out are voices of one estimate, see `label_noise_of_heads`; the others count by what they
    claim to know, see `label_noise_together`. The rest is of the run that claims most.
    """
    split, above, pictures = asked.split, asked.above, asked.pictures
    if not 0 <= above <= 1:
        raise BadInput(f"--above {above:g}: give a probability from 0 to 1")
    run, judged, noise, others = _together(asked.run, split, asked.at)
    evidence = judged.evidence
    learned = learned_from(asked.decided, run, split, noise, judged.noise, evidence["rival"])
    data = find_data(run, asked.data)[0] if pictures else None
    source = asked.data if data is None else data
    conflicts = conflicts_of(run, source) if pictures else Conflicts(0, 0)
    kinds, of_kinds = _kinds(run, split, evidence, learned, source, pictures, asked.device)
    listed = learned.order[: how_many_listed(learned.noise.p_wrong[~learned.seen], above)]
    shown = _as_shown(run, data, split, listed[:FIRST], conflicts.unsettled(learned.labels))
    reason = np.full(len(evidence.labels), "", object)
    why_hard = kind_reasons(kinds, of_kinds, evidence.labels, run.classes)
    reason[listed] = reasons(run, split, evidence, listed, why_hard)
    flaws = [conflicts.flawed.get((split, one), "") for one in evidence["id"].tolist()]
    both = ["; ".join(filter(None, texts)) for texts in zip(flaws, reason, strict=True)]
    leak = leak_of(run, data)
    share, low, high = (math.nan,) * 3 if leak else (learned.noise.share, learned.low, learned.high)
    trusted = (missing_code(one.model) for one in asked.run if one.trusted and pictures)
    return Suspects(
        model=run.network,
        split=split,
        num_trials=len(run.trials),
        rows=evidence.rows[-evidence.num_epochs :],
        classes=run.classes,
        ranked=_ranked(run, evidence, learned, kinds.kind, both, shown.texts),
        share=share,
        model_of_noise=judged.noise.by,
        low=low,
        high=high,
        course=judged.course,
        known=1 - float(evidence["other_share"].mean()),
        above=above,
        conflicts=conflicts,
        left_out_kinds=kinds.left_out,
        others=others,
        told=None if shown.texts is None else shown.texts.column,
        shown=shown.first,
        in_pairs=shown.in_pairs,
        decided=learned.decided,
        doubts=(too_few(evidence.labels, run.classes), *(_alone(run) if len(asked.run) == 1 else ())),
        leak=leak,
        missing=next(filter(None, trusted), ""),
    )


def _alone(run: Run) -> tuple[str, str]:
    """What one trial cannot say, and which features can judge along, of a run that judges alone."""
    only = show.capitalized(one_trial(run))
    return only and f"{only}.", to_judge_along(run)


def _ranked(
    run: Run,
    evidence: Evidence,
    learned: Learned,
    kind: npt.NDArray[np.object_],
    reason: Sequence[str],
    texts: Told | None,
) -> pd.DataFrame:
    """All examples, most suspicious first, with what tells who they are behind what is always there."""
    names = np.array([*run.classes, ""], object)  # the last is that of -1
    seen, others = evidence.table, evidence["other_share"]
    table = seen.assign(
        **{"class": names[seen["label"]], "suggested_class": names[seen["rival"]]},
        suggested=seen["rival"],
        suggested_share=seen["rival_share"],
        p_wrong=learned.noise.p_wrong,
        kind=kind,
        reason=reason,
        rival_share=np.divide(evidence["rival_share"], others, out=np.zeros(len(seen)), where=others > 0),
    )
    told = {} if texts is None else {texts.column: texts.texts}
    table = table.assign(**told)[[*_FIRST, "kind", "reason", *told, *_BEHIND]]
    table = table if learned.decided is None else learned.decided.added_to(table)
    return table.iloc[learned.order].reset_index(drop=True)


def _together(
    runs: Sequence[Run], split: Split, at: float | None
) -> tuple[Run, _Judged, LabelNoise, tuple[tuple[Path, str], ...]]:
    """The run that claims to know most, how it judges with the range of all that know about as much, how
    likely each label is wrong by all, and who the others are."""
    if not runs:
        raise BadInput("run: none is given; give one or more")
    check_comparable(runs)
    if len(runs) > 1 and at is not None:
        raise BadInput(f"--at {at:g}: of several runs each is read at its end; leave it out")
    judged = [_judged(run, split, run.resolve_at(at), at is not None) for run in runs]
    if len(runs) == 1:
        return runs[0], judged[0], judged[0].noise, ()
    weights = weights_together([one.noise for one in judged])
    best, noise = int(weights.argmax()), _noise_of_all(judged)
    ranges = [one.noise for one, weight in zip(judged, weights, strict=True) if weight >= _KNOWS]
    low = min(noise.share, *(one.low for one in ranges))
    high = max(noise.share, *(one.high for one in ranges))
    fits = replace(judged[best], noise=replace(judged[best].noise, low=low, high=high))
    others = []
    for at_run, (one, weight) in enumerate(zip(judged, weights.tolist(), strict=True)):
        same_voice = one.voice is not None and judged[best].voice is not None  # of one estimate
        counts = "" if same_voice or weight == 1 else f", which counts {weight:.2f} as much"
        others.append((runs[at_run].path, f"({runs[at_run].network}){counts}"))
    return runs[best], fits, noise, (*others[:best], *others[best + 1 :])


def _noise_of_all(judged: Sequence[_Judged]) -> LabelNoise:
    """Runs that left examples out are voices of one estimate; it and all others count by what they claim."""
    voices = [one.voice for one in judged if one.voice is not None]
    if len(voices) < 2:
        return label_noise_together([one.noise for one in judged])
    labels = judged[0].evidence.labels
    heard, _ = pulled_to_prior(label_noise_of_heads(voices, labels), labels)
    return label_noise_together([heard, *(one.noise for one in judged if one.voice is None)])


@dataclass(frozen=True)
class _Judged:
    """The evidence of a run and its estimate, over the ``course`` of (row, share of wrong labels)."""

    evidence: Evidence
    noise: EstimatedNoise
    course: tuple[tuple[Row, float], ...]

    @property
    def voice(self) -> npt.NDArray[np.float64] | None:
        """Log probabilities [K, C] by trials that left the example out; None where they did not."""
        course = self.evidence.course
        return course.log_p if course.of_heads or course.left_out else None


def _judged(run: Run, split: Split, epoch: int, asked: bool) -> _Judged:
    """By the epoch; by one before labels were learned by heart, where the epoch was not ``asked`` for."""
    evidence = gather(run, split, epoch)
    noise = estimate_noise(evidence.course)
    rows = evidence.rows
    course = tuple((rows[at], share) for at, share in zip(evidence.stages, noise.shares, strict=True))
    if not asked and noise.to_read is not None:
        evidence = gather(run, split, rows[evidence.stages[noise.to_read]].number)
        noise = estimate_noise(evidence.course)
    return _Judged(evidence, noise, course)


def _kinds(
    run: Run,
    split: Split,
    evidence: Evidence,
    learned: Learned,
    source: Any,
    pictures: bool,
    device: str,
) -> tuple[Kinds, KindEvidence]:
    """The kinds of all examples; the networks are asked about them, in order of suspicion, if at all."""
    near, why = None, _HELD_OUT if pictures else _NOT_ASKED
    if pictures and split == "train":
        first = learned.asked[:MOST_LOOKED_AT]
        try:
            looked = Looked(run, first, evidence["rival"][first])
        except CannotAsk as error:
            why = str(error)
        else:
            near, why = find_neighbours(run, source, device, also=looked.add)
            looked.keep()
    of_kinds = kind_evidence(evidence, learned.noise, near, why)
    return find_kinds(of_kinds), of_kinds


def kind_evidence(
    evidence: Evidence, noise: LabelNoise, near: Neighbours | None, why_not_near: str
) -> KindEvidence:
    """What tells the kinds of examples, from what is heard of them."""
    return KindEvidence(
        noise.p_wrong,
        evidence["p_label"],
        evidence["p_rival"],
        evidence["rival"],
        evidence["first_right"],
        evidence.rows[-1].value,
        (1 - float(evidence["other_share"].mean())) / max(1 - noise.share, 1e-9),
        near,
        why_not_near,
        evidence.rows[-1].name,
    )


SUSPECTS = Study(
    "suspects",
    "Mend",
    "Say which labels are likely wrong, most suspicious first.",
    Suspected,
    suspects,
    about="Identical examples with different labels come first: there one label is certainly wrong. Blank, "
    "dark and overexposed pictures and silent sounds are named as well.",
    trusts=True,
)
