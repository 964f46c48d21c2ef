"""How easiness goes along with the frequency and the contradiction of what examples show."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt

from easiness import show
from easiness.analysis import RankRegression, class_share, rank_regression
from easiness.data import Dataset, same_at
from easiness.engine import At, Data, Device, HeldOutToo, OneRun
from easiness.errors import BadInput
from easiness.features import FeatureSource, find_features, ready_features
from easiness.heads import join_pairs
from easiness.inputs import tell, track
from easiness.lazy import Floats, Integers, Mask, pd
from easiness.runs import data_of, features_beside, find_data, find_split, positions_in
from easiness.scoring import Score, Scoring, find_score
from easiness.spec import Split, read_names, setting
from easiness.store import Run, StoredTrial, num_heard
from easiness.studies.patterns.neighbourhood import (
    AT_MOST,
    Neighbourhood,
    Patterns,
    least_explained,
    neighbourhood,
)

Hard: TypeAlias = Literal["error_rate", "difficulty", "p_wrong"]
ERROR_RATE, DIFFICULTY, P_WRONG = get_args(Hard)

EASE = {"easy": 1, "sound label": 1, "hard": -1, "suspect label": -1}
"""1 where a high score is easy, -1 where it is hard, by what high means."""

_MOST_GROUPS = 10  # of trials that are left out in turn
_NUM_HALVES = 4
_FEWEST = 20  # examples


@dataclass(frozen=True, eq=False)
class ScoredOutcome:
    """A score of K examples as it is (``values``) and turned so that high is easy (``whole``).

    It exists where ``is_known``; ``without`` is that of all trials but a part, and ``halves`` of disjoint
    halves. There are ``times`` as many trials in all as in a half.
    """

    values: Floats
    whole: Floats
    is_known: Mask
    without: list[Floats]
    halves: list[tuple[Floats, Floats]]
    times: float


def outcome_of(run: Run, score: Score, row: int, split: Split) -> ScoredOutcome:
    """The score of a row of the run, with that of parts of its trials."""
    labels = run.examples(split)[1]

    def values_of(trials: Sequence[StoredTrial]) -> tuple[Floats, Floats]:
        scoring = Scoring(labels, row, num_heard(trials, row, split), [score])
        for trial in trials:
            for first, block in trial.blocks(len(run.classes), row, split):
                scoring.add(block, first)
        columns = scoring.columns()
        return columns[score.name], EASE[score.high_means] * score.for_ranking(columns, row)

    def of_groups(some: npt.NDArray[np.integer]) -> Floats:
        return values_of([trial for at in np.sort(some).tolist() for trial in groups[at]])[1]

    values, whole = values_of(run.trials)
    # each trial alone, but of heads all folds of a partition
    folds, together = 1 if run.spec.heads is None else run.spec.heads.folds, dict[int, list[StoredTrial]]()
    for trial in run.trials:
        together.setdefault(trial.index // folds, []).append(trial)
    groups = [group for group in together.values() if len(group) == folds] or [*together.values()]
    every, size = np.arange(len(groups)), len(groups) // 2
    parts = np.array_split(every, min(len(groups), _MOST_GROUPS)) if size else []
    without = [of_groups(np.setdiff1d(every, part)) for part in parts]
    is_known = np.isfinite(np.array([whole, *without])).all(axis=0)
    levels = len(np.unique(whole[is_known]))
    if is_known.sum() < _FEWEST or levels < 2:
        raise BadInput(
            f"{run.path}: {score.name} {run.at(row)} has {levels} levels over {int(is_known.sum())} "
            "examples, too few to explain; give another score (--score difficulty), or measure more"
        )
    orders = [np.random.default_rng(seed).permutation(every) for seed in range(_NUM_HALVES if size else 0)]
    halves = [(of_groups(order[:size]), of_groups(order[size : 2 * size])) for order in orders]
    in_two = [sum(len(groups[at]) for at in order[: 2 * size]) for order in orders]
    times = 2 * len(run.trials) / float(np.mean(in_two)) if orders else 1.0
    return ScoredOutcome(values, whole, np.asarray(is_known), without, halves, times)


_MOST_SHARED = 0.01  # of the examples: those that two parts of one data set have in common by chance


def notes_on_shared(source: FeatureSource, data: Dataset) -> tuple[str, ...]:
    """Notes on features whose networks were trained on few of these examples with their labels."""
    other = source.trained_on
    num_shared = 0 if other is None else _num_shared(other, data)
    if other is None or not num_shared:
        return ()
    number = sum(map(len, data.splits.values()))
    if num_shared > _MOST_SHARED * number:
        raise BadInput(
            f"features {source.name!r}: the networks of {other.path} were trained on {num_shared:,} of these "
            "very labels, and what lies near in them follows from these; give features that were not, such "
            "as auto or a run of other data"
        )
    return (f"{source.name} was trained on {num_shared:,} of these {number:,} labels.",)


def _num_shared(run: Run, data: Dataset) -> int:
    """Number of examples of all splits that a run was trained on with the same label.

    Stored bytes identify them, or ids where the data of the run are gone; ids may be those of other data
    where fewer than half have the same label.
    """
    if run.spec.data.train.fingerprint == data.fingerprint:
        return len(data)
    theirs = find_data(run, None)[0]
    if theirs is not None:
        examples, every = set(_with_classes(theirs, theirs.stored.digests())), data.splits.values()
        return sum(one in examples for split in every for one in _with_classes(split, split.stored.digests()))
    labels = dict(zip(run.ids.tolist(), (run.classes[one] for one in run.labels.tolist()), strict=True))
    both = [name == labels[one] for one, name in _with_classes(data, data.ids.tolist()) if one in labels]
    return sum(both) if sum(both) > len(both) / 2 else 0


def _with_classes(data: Dataset, marks: Iterable[Any]) -> Iterator[tuple[Any, str]]:
    return zip(marks, (data.classes[one] for one in data.labels.tolist()), strict=True)


_MOSTLY_TIED = 0.5  # of the examples
_FEW, _LARGEST = 20, 0.02  # examples, and of all: more copies of one than both are no copies
_OF_IMAGENET = re.compile(r"n\d{8}")  # a class of ImageNet as its folder is called: n01440764


@dataclass(frozen=True)
class ExplainOptions:
    """Options of `explain`."""

    run: OneRun
    by: Sequence[str] | None = setting(
        "--by",
        "Columns of the table that the data came from, or of --metadata; auto: what is measured of the "
        "examples, such as brightness, words or duration. Default: auto, or all of --metadata.",
        metavar="auto|A,B,...",
        read=read_names,
    )
    metadata: Any = setting(
        "--metadata", "A table of id and other columns.", metavar="FILE", typed=Path | None
    )
    adjust: Sequence[str] | None = setting(
        "--adjust", "Columns that are held equal, as the class is.", metavar="A,B,...", read=read_names
    )
    features: Any = setting(
        "--features",
        "Explain also by frequency, contradiction and neighbourhoods in these vectors, as for `measure`: "
        "auto, hashed, logmel, run:RUN and others. They must not be trained on these labels, and are kept "
        "beside the run.",
        metavar="NAME",
        typed=str | None,
    )
    split: HeldOutToo = "train"
    score: Hard = setting("--score", "Measure of hardness.", default=ERROR_RATE)
    at: At = None
    nearest: int | None = setting(
        "--nearest",
        "How many neighbours count for contradiction, and give distances their unit. Default: 50, or "
        "half of a class if that is less.",
    )
    data: Data = None
    download: bool = setting(
        "--download", "Fetch weights of the features that are not on disk.", default=False
    )
    device: Device = "auto"


def patterns(options: ExplainOptions) -> Patterns:
    """How far the frequency of what examples show, and the contradiction of other classes, explain easiness.

    `Neighbourhood` defines both. A rank regression on both (`rank_regression`), over all examples and within
    classes, gives their effect, beside the most that any predictor could explain of a score from so many
    trials.
    """
    run, split = options.run, options.split
    ids, labels = run.examples(split)  # or says that there is none, before anything is read
    score = _score(run, DIFFICULTY if options.score == DIFFICULTY else None, split)
    row = run.resolve_at(options.at)
    data = data_of(run, options.data)
    source = find_features(options.features, data, download=options.download, device=options.device)
    shared_notes = notes_on_shared(source, data)
    around, note = _around(run, data, source, split, options.nearest)
    outcome = outcome_of(run, score, row, split)
    is_known = outcome.is_known
    regression = partial(_regression, outcome, around)
    over_all = regression(around.frequency)
    names = np.array(run.classes, dtype=object)[labels]
    examples = pd.DataFrame({"id": ids, "label": labels, "class": names, score.name: outcome.values})
    examples = examples.assign(frequency=around.frequency, contradiction=around.contradiction)
    examples.loc[is_known, "explained"], examples.loc[is_known, "left_over"] = over_all.fit, over_all.left
    return Patterns(
        run=run,
        data=data,
        row=run.row(row),
        split=split,
        score=score.name,
        is_turned=EASE[score.high_means] < 0,
        evidence=_observers(run, score, split),
        features=source.name,
        about=source.about,
        around=around,
        examples=examples,
        over_all=over_all,
        within=regression(around.frequency, labels),
        class_alone=class_share(outcome.whole[is_known], labels[is_known]),
        ways={name: regression(count) for name, count in around.others.items()},
        leftover=least_explained(examples["left_over"].to_numpy(), around.picture),
        notes=(*shared_notes, *filter(None, [note]), *_notes(run, source, outcome, score)),
    )


def _regression(
    outcome: ScoredOutcome, around: Neighbourhood, frequency: Integers, within: Integers | None = None
) -> RankRegression:
    is_known = outcome.is_known
    return rank_regression(
        outcome.whole[is_known],
        (frequency[is_known], around.contradiction[is_known]),
        np.unique(around.regions[is_known], return_inverse=True)[1].astype(np.int64),
        without=[one[is_known] for one in outcome.without],
        halves=[(first[is_known], second[is_known]) for first, second in outcome.halves],
        times=outcome.times,
        within=None if within is None else within[is_known],
    )


def _score(run: Run, name: str | None, split: Split) -> Score:
    spec = run.spec.measured
    leaves_out = spec is not None and spec.heads is None and spec.train_share < 1 and split == "train"
    return find_score(name or ("consistency" if leaves_out else "easiness"))


def _around(
    run: Run, data: Dataset, source: FeatureSource, split: Split, nearest: int | None
) -> tuple[Neighbourhood, str]:
    """Neighbourhood of each example, and a note on copies."""
    looked_at = data if split == "held_out" else replace(data, held_out=None)
    vectors = ready_features(source, looked_at, features_beside(run.path), tell)
    own, targets = positions_in(data, run), None
    parts = [(data, own)]
    if split == "held_out":
        part, why = find_split(run, data, split)
        if part is None:
            raise BadInput(f"{run.path}: its held-out examples are needed, and {why}")
        parts.append((part, positions_in(part, run, split)))
        targets = vectors["held_out"][parts[1][1]], run.examples(split)[1]
    same, note = _copies(parts)
    return neighbourhood(vectors["train"][own], run.labels, targets, nearest=nearest, same=same), note


def _copies(parts: Sequence[tuple[Dataset, Integers]]) -> tuple[Integers | None, str]:
    """Numbers of the examples at some positions of data, copies alike, and a note.

    Texts are the same as they are read, near pictures by their pixels. ``None`` where vectors have to tell
    copies: of other kinds, of pictures that are small, very many or alike by nature, or where copies would
    chain many.
    """
    kind, num = parts[0][0].kind, sum(len(positions) for _, positions in parts)
    if kind.has_normal_form:
        return same_at(*parts), ""
    if kind.near is None:
        return None, ""
    looks = kind.near.collection(num)
    pictures = (look for data, own in parts for look in data.map(own, kind.near.look))
    for at_one, look in enumerate(track(pictures, "comparing examples", num)):
        looks.keep(at_one, look)
    matches, why_not = kind.near.within(looks)
    if matches is None or why_not:  # of some they are alike by nature, which needs no note
        return None, why_not if matches is None else ""
    same = join_pairs(num, [(pairs.train, pairs.held_out) for pairs in matches])
    is_chain = np.bincount(same).max() > max(_FEW, _LARGEST * num)
    return None if is_chain else same, ""


def _observers(run: Run, score: Score, split: Split) -> str:
    if split == "held_out":
        return "held-out examples, on which no trial was trained"
    if run.shares:
        return "examples left out: only heads that were not shown an example count"
    if "trials without x" in score.needs and score.name != "self_confidence":
        return "examples left out: only trials that were not trained on an example count"
    how = "augmented, while it trained on them" if run.augmented else "clean"
    spec = run.spec.measured
    if spec is not None and spec.train_share < 1:
        return f"all examples, {how}; each trial was trained on {spec.train_share:.0%} of them"
    return f"examples that the trials were trained on, {how}"


def _notes(run: Run, source: FeatureSource, outcome: ScoredOutcome, score: Score) -> Iterator[str]:
    if source.eye is not None and any(map(_OF_IMAGENET.fullmatch, run.classes)):
        yield (
            f"{source.name} was trained on the labels of ImageNet, whose names these classes have. Compare "
            "with features of other data (run:RUN)."
        )
    if run.spec.heads is not None and source.name in {one.name for one in run.spec.heads.features}:
        yield "The heads of the run read these features, too, so near examples score alike; try others."
    is_known = outcome.is_known
    tie_share = np.unique(outcome.whole[is_known], return_counts=True)[1].max() / is_known.sum()
    if tie_share > _MOSTLY_TIED:
        yield (
            f"{show.percent(tie_share)} of the examples have the same {score.name}, so ranks tell "
            "few of them apart; another score may be finer (--score difficulty)."
        )
    if not outcome.without:
        yield "With one group of trials, the intervals do not cover other trials."
    if len(run.ids) > AT_MOST:
        yield f"Neighbours are searched among {AT_MOST:,} of the examples, drawn at random."
    if num_unknown := int((~is_known).sum()):
        yield f"{show.quantity(num_unknown, 'example')} without {score.name} left out."
