"""``patterns``: how easiness goes along with the frequency and the contradiction of what examples show."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from easiness import show
from easiness.analysis import RankRegression, class_share, rank_regression
from easiness.data import Dataset, same_at
from easiness.errors import BadInput
from easiness.features import FeatureSource, find_features, ready_features
from easiness.heads import joined
from easiness.inputs import counted, tell
from easiness.runs import data_of, features_beside, find_data, find_split, passes_shown, positions_in
from easiness.scores import Score, find_score
from easiness.spec import Split
from easiness.store import Run, check_opened
from easiness.studies.patterns.found import Leftover, Patterns, Way
from easiness.studies.patterns.neighbourhood import AT_MOST, Neighbourhood, neighbourhood
from easiness.studies.patterns.outcome import EASE, Outcome, outcome_of

_FEW = 0.01  # of the examples: those that two parts of one data set have in common by chance


def notes_on_shared(source: FeatureSource, data: Dataset) -> tuple[str, ...]:
    """What to say of features whose networks were trained on few of these examples with their labels."""
    other = source.trained_on
    shared = 0 if other is None else _num_shared(other, data)
    if other is None or not shared:
        return ()
    number = sum(map(len, data.splits.values()))
    if shared > _FEW * number:
        raise BadInput(
            f"features {source.name!r}: the networks of {other.path} were trained on {shared:,} of these "
            "very labels, and what lies near in them follows from these; give features that were not, such "
            "as auto or a run of other data"
        )
    return (f"{source.name} was trained on {shared:,} of these {number:,} labels.",)


def _num_shared(run: Run, data: Dataset) -> int:
    """How many examples of all splits a run was trained on, with the same label.

    An example is known by its stored bytes, or where the data of the run are gone by its id. Ids that are
    numbers may be those of other data: then more than half of them have to have the same label.
    """
    if run.spec.data.train.fingerprint == data.fingerprint:
        return len(data)
    theirs = find_data(run, None)[0]
    if theirs is not None:
        known = set(_named(theirs, theirs.stored.digests()))
        return sum(
            one in known for split in data.splits.values() for one in _named(split, split.stored.digests())
        )
    labels = dict(zip(run.ids.tolist(), (run.classes[one] for one in run.labels.tolist()), strict=True))
    both = [name == labels[one] for one, name in _named(data, data.ids.tolist()) if one in labels]
    return sum(both) if sum(both) > len(both) / 2 else 0


def _named(data: Dataset, marks: Iterable[Any]) -> Iterator[tuple[Any, str]]:
    """What marks each example, with the name of its class."""
    return zip(marks, (data.classes[one] for one in data.labels.tolist()), strict=True)


_Positions = npt.NDArray[np.int64]

_MOSTLY_TIED = 0.5  # of the examples
_FEW, _LARGEST = 20, 0.02  # examples, and of all: more copies of one than both are no copies
_OF_IMAGENET = 9  # letters of a class of ImageNet as its folders are called: n01440764


def patterns(
    run: Run,
    features: Any,
    *,
    split: Split = "train",
    score: str | None = None,
    epoch: int | None = None,
    share: float | None = None,
    nearest: int | None = None,
    source: Any = None,
    download: bool = False,
    device: str = "auto",
    progress: bool = True,
) -> Patterns:
    """How far what examples show says how easy they are: its frequency, and other classes' contradiction.

    `Neighbourhood` defines both, in features that were not trained on these labels. Their effect is that of a
    rank regression on both together (`rank_regression`), over all examples and within classes, beside the
    most that any predictor could explain of a score from so many trials. It is what goes along with
    easiness, not what makes it: patterns are neither frequent nor contradicted by chance.

    Args:
        run: measured or recorded, of any kind.
        features: where vectors come from, as for ``features`` of `measure`. They are kept beside the run.
        split: of the examples measured (``train``) or held out (``held_out``), whose neighbours are training
            examples as well.
        score: the name of one that speaks of ease or of labels. By default ``consistency`` where each trial
            trained on a share of the examples and left this one out, else ``easiness``.
        epoch: of the score; the last by default.
        share: of a run on features, which has no epochs; the largest by default.
        nearest: neighbours among which others contradict, and by which distances get their unit; 50, or
            a quarter of the different training examples where they are few, unless given.
        source: where the data are now, as for `suspects`.
        download: fetch weights of the features that are not on this disk.
        device: for the features: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        progress: show how far it is where that takes longer than a moment.

    Raises:
        BadInput: the features were trained on more than one in a hundred of these labels or cannot be had,
            the score says nothing of ease or is undefined, or there are too few examples.
        RunFailed: the features cannot be written.
    """
    check_opened(run=run)
    run.examples(split)  # or says that there is none, before anything is read
    scored = _score(run, score, split)
    row = run.resolve_epoch(epoch, share)
    data = data_of(run, source)
    found_in = find_features(features, data, download=download, device=device)
    shared = notes_on_shared(found_in, data)
    with passes_shown(progress):
        around, note = _around(run, data, found_in, split, nearest)
        notes = (*shared, note) if note else shared
        return _joined(run, scored, row, split, around, found_in, notes)


def _joined(
    run: Run,
    score: Score,
    row: int,
    split: Split,
    around: Neighbourhood,
    source: FeatureSource,
    shared: tuple[str, ...],
) -> Patterns:
    ids, labels = run.examples(split)
    outcome = outcome_of(run, score, row, split)
    known = outcome.known
    found, within = _regression(outcome, around), _regression(outcome, around, labels)
    left, fitted = np.full((2, len(ids)), np.nan)
    left[known], fitted[known] = found.left, found.fitted
    return Patterns(
        model=run.network,
        row=run.row(row),
        split=split,
        score=score.name,
        turned=EASE[score.high_means] < 0,
        seen=_seen(run, score, split),
        features=source.name,
        about=source.about,
        classes=run.classes,
        num_trials=len(run.trials),
        around=around,
        ids=ids,
        labels=labels,
        values=outcome.values,
        fitted=fitted,
        left=left,
        found=found,
        within=within,
        class_alone=class_share(outcome.whole[known], labels[known]),
        ways=tuple(_ways(outcome, around, found)),
        leftover=Leftover.of(left, around.picture),
        notes=(*shared, *_notes(run, source, outcome, score)),
    )


def _regression(
    outcome: Outcome,
    around: Neighbourhood,
    within: npt.NDArray[np.int64] | None = None,
    frequency: npt.NDArray[np.int64] | None = None,
) -> RankRegression:
    """On the frequency and the contradiction around, or on another count of frequency."""
    known = outcome.known
    return rank_regression(
        outcome.whole[known],
        ((around.frequency if frequency is None else frequency)[known], around.contradiction[known]),
        np.unique(around.regions[known], return_inverse=True)[1].astype(np.int64),
        without=[one[known] for one in outcome.without],
        halves=[(first[known], second[known]) for first, second in outcome.halves],
        times=outcome.times,
        within=None if within is None else within[known],
    )


def _ways(outcome: Outcome, around: Neighbourhood, found: RankRegression) -> Iterator[Way]:
    """By each count of frequency; ``found`` is that by the one that is used."""
    for name, count in around.others.items():
        one = found if count is around.frequency else _regression(outcome, around, frequency=count)
        yield Way(name, one.first, one.second, one.r_squared)


def _score(run: Run, name: str | None, split: Split) -> Score:
    """The score of this name, or that of the trials that left an example out where there are such."""
    spec = run.spec.measured
    leaves_out = spec is not None and spec.heads is None and spec.train_share < 1 and split == "train"
    score = find_score(name or ("consistency" if leaves_out else "easiness"))
    if score.high_means not in EASE:
        raise BadInput(
            f"score {score.name!r}: high means {score.high_means}, neither easy nor hard; give another, such "
            "as easiness or difficulty"
        )
    return score


def _around(
    run: Run, data: Dataset, source: FeatureSource, split: Split, nearest: int | None
) -> tuple[Neighbourhood, str]:
    """What lies around each example, and a note on copies."""
    looked_at = data if split == "held_out" else replace(data, held_out=None)
    kept = ready_features(source, looked_at, features_beside(run.path), tell)
    own = positions_in(data, run)
    train = kept["train"][own]
    if split == "train":
        same, note = _copies([(data, own)])
        return neighbourhood(train, run.labels, nearest=nearest, same=same), note
    part, why = find_split(run, data, split)
    if part is None:
        raise BadInput(f"{run.path}: its held-out examples are needed, and {why}")
    apart = positions_in(part, run, split)
    asked = kept["held_out"][apart], run.examples(split)[1]
    same, note = _copies([(data, own), (part, apart)])
    return neighbourhood(train, run.labels, asked, nearest=nearest, same=same), note


def _copies(parts: Sequence[tuple[Dataset, _Positions]]) -> tuple[_Positions | None, str]:
    """Numbers of the examples at some positions of data, copies alike, and a note.

    Texts are the same as they are read. Near pictures are looked for by their pixels: in features that tell
    little of them, different ones of the same colours lie together. ``None`` where vectors have to tell
    copies: of other kinds, of pictures that are small, very many or alike by nature, and where copies of
    copies would chain many.
    """
    kind, num = parts[0][0].kind, sum(len(positions) for _, positions in parts)
    if kind.has_normal_form:
        return same_at(*parts), ""
    if kind.near is None:
        return None, ""
    looks = kind.near.kept(num)
    seen = (look for data, own in parts for look in data.map(own, kind.near.look))
    for at_one, look in enumerate(counted(seen, "comparing examples", num)):
        looks.keep(at_one, look)
    found, why_not = kind.near.within(looks)
    if found is None:
        return None, why_not
    if why_not:  # they are alike by nature
        return None, ""
    same = joined(num, [(pairs.train, pairs.held_out) for pairs in found])
    chained = np.bincount(same).max() > max(_FEW, _LARGEST * num)
    return None if chained else same, ""


def _seen(run: Run, score: Score, split: Split) -> str:
    """Of which looks at the examples the score is."""
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


def _notes(run: Run, source: FeatureSource, outcome: Outcome, score: Score) -> Iterator[str]:
    if source.eye is not None and any(_is_of_imagenet(name) for name in run.classes):
        yield (
            f"{source.name} was trained on the labels of ImageNet, whose names these classes have: frequency "
            "and contradiction are not independent of the labels. Compare with features of other data "
            "(run:RUN)."
        )
    if run.spec.heads is not None and source.name in {one.name for one in run.spec.heads.features}:
        yield (
            "The heads of the run read these features, too: near examples have like scores by their making. "
            "Compare with other features."
        )
    if outcome.tied > _MOSTLY_TIED:
        yield (
            f"{show.percent(outcome.tied)} of the examples have the same {score.name}, so ranks tell "
            "few of them apart; another score may be finer (--score difficulty)."
        )
    if not outcome.without:
        yield "With one group of trials, the intervals do not cover other trials."
    if len(run.ids) > AT_MOST:
        yield f"Neighbours are searched among {AT_MOST:,} of the examples, drawn at random."
    if num_unknown := int((~outcome.known).sum()):
        yield f"{show.counted(num_unknown, 'example')} without {score.name} left out."


def _is_of_imagenet(name: str) -> bool:
    return len(name) == _OF_IMAGENET and name[0] == "n" and name[1:].isdigit()
