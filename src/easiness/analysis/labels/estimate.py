"""How probable it is that a label is wrong: the choice between three models, which the data make.

**By margins** (`label_noise`): wrong labels lie where networks that know an example put any other class. It
overlooks wrong labels that a network finds plausible, as those of people are.

**By transition** (`wrong_by_transition`): which class is labelled as which other. It counts those too, and
takes some of what is only hard for wrong.

**By classes** (`label_noise_of_outputs`): examples of one class lie together, whatever their labels are. It
is the best of the three where classes lie apart, and useless where they do not.

Where classes do not lie apart, the number is between the first two, two thirds of the way on a scale of
logarithms: where people were simulated, the truth was from the first to a third beyond the second. The range
goes from as far below what stands out as the number is above it to all that is counted, or that networks do
not say. With few classes that do not lie apart, or with two, heads leave it open, too: it reaches to all they
do not say.

A training comes to know labels by heart, and then all three find fewer. The number is followed over the
epochs; where it has fallen by a third while networks got right what they had taken for wrong, the epoch to
read is the first after which wrong labels were nearly the largest part of what they got wrong.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt
from scipy.special import logit
from scipy.stats import rankdata

from easiness.analysis.labels.channel import classes_are_large, contrasts, label_noise_of_outputs
from easiness.analysis.labels.left_out import (
    HeadNoise,
    information,
    label_noise_left_out,
    label_noise_of_heads,
    wrong_by_transition,
)
from easiness.analysis.labels.mixture import (
    EstimatedNoise,
    LabelEvidence,
    LabelNoise,
    Positions,
    Values,
    label_noise,
    monotone,
    share_standing_out,
)
from easiness.analysis.labels.tags import tag_noise
from easiness.lazy import Mask

FEWEST = 20
"""Labels from which on a class is judged, where the others are far larger: with 10 or 17 among 2,000 some
draws had a tenth of the sound labels called wrong, with 25 hardly any."""
RARE = 0.1
"""The part of the median class up to which a class is far smaller than the others."""


Noise = TypeVar("Noise", bound=LabelNoise)


def too_small(labels: Positions) -> Positions:
    """The classes whose labels [K] are too few to judge: below `FEWEST`, and `RARE` beside the others."""
    present, sizes = np.unique(labels, return_counts=True)
    return np.asarray(present[(sizes < FEWEST) & (sizes < RARE * np.median(sizes))], np.int64)


def pulled_to_prior(noise: Noise, labels: Positions) -> tuple[Noise, tuple[float, float]]:
    """The same with labels of classes that are `too_small` pulled towards the usual share of wrong ones.

    How far they keep their own probability goes by the square of their number. The second value is how much
    smaller and larger the share of wrong labels may be for them.
    """
    rare = np.isin(labels, too_small(labels))
    if not rare.any():
        return noise, (0.0, 0.0)
    noise = _pull_rare(noise, rare, np.bincount(labels)[labels[rare]])
    in_rare = float(noise.p_wrong[rare].sum()) / len(labels)
    return noise, (-in_rare, float(rare.mean()) - in_rare)


def _pull_rare(noise: Noise, rare: Mask, sizes: Positions) -> Noise:
    """The same, where ``rare`` labels [K] keep as much of their probability as ``sizes`` [n] warrant."""
    share, p_wrong, order = noise.share, noise.p_wrong.copy(), noise.suspicion.copy()
    p_wrong[rare] = share + np.square(sizes / FEWEST) * (p_wrong[rare] - share)
    ascending = noise.suspicion.argsort(kind="stable")
    order[rare] = np.interp(p_wrong[rare], noise.p_wrong[ascending], noise.suspicion[ascending])
    return replace(noise, p_wrong=p_wrong, suspicion=order)


def rare_tags(labels: Positions, tags: Positions, num_tags: int) -> tuple[Positions, Positions]:
    """The ``tags`` [Q] that fewer than `FEWEST` labels [Q] say are there, and how many say it of each [T]."""
    sizes = np.bincount(tags[labels == 1], minlength=num_tags)
    return np.flatnonzero((sizes < FEWEST) & (np.bincount(tags, minlength=num_tags) > 0)), sizes


APART = 0.95
"""Mean probability of the likeliest class, by classes: from there on they lie apart. Digits .96."""
BETWEEN = 2 / 3
"""How far from what stands out to what the transition counts, in logarithms: median of simulated people."""
_MOST_TIMES = 3.0  # times what stands out: networks that know nothing have most labels counted as wrong
_ALIKE = 1.05  # times as much is counted as stands out

_STILL_SAID = 0.6  # at most, of the labels that are wrong by classes
FALL = 2 / 3
"""Share of the number at the epoch to read, where labels are being learned by heart."""
_LARGE_PART, _NEARLY = 1 / 3, 0.9  # of what networks get wrong; of the largest such part
_MOST_WRONG = 2 / 3  # of the predictions: networks that have hardly begun tell nothing
_LEARNING = 1.25  # of the number at the epoch to read is still wrong, where nothing is learned

_MODEL_ERROR = 1.35  # of the number by any model
_UNSEEN = 0.02  # of all labels
_NEXT_TO_NOTHING = 1e-4  # probability
_ZERO = -80.0  # the logarithm of a probability of 0, as it is recorded, is below


class Stage(NamedTuple):
    """Evidence of networks on the labels after an epoch, of all examples or some: see `label_noise`.

    ``p`` [K, C] are mean probabilities until then, None for very many classes; ``wrong`` is the share of
    predictions that are not the label.
    """

    of_labels: LabelEvidence
    p: npt.NDArray[np.floating] | None
    wrong: float


@dataclass(frozen=True, eq=False)
class LabelCourse:
    """The evidence on all labels, and its course.

    ``last`` has all examples. ``stages`` have some, after epochs that ascend to the last one, and ``halves``
    those that both halves of the trials judge. ``log_p`` [K, C] is what the model by classes reads:
    of heads, whose examples are left out, or of networks; None for very many classes. ``left_out``: trials
    judge what they have not trained on. ``others`` [K] is the share of the predictions at the end
    that are not the label. ``of_folds``: no trial has trained on any of the examples, nor has a course.
    Where labels say whether examples have one of ``num_tags``, ``tags`` [K] is the one that each is on.
    """

    last: Stage
    stages: Sequence[Stage]
    halves: Sequence[Stage]
    log_p: Values | None
    of_heads: bool
    left_out: bool
    others: Values
    of_folds: bool = False
    tags: Positions | None = None
    num_tags: int = 0


_answers: dict[str, EstimatedNoise] = {}
_MOST_ANSWERS = 8


def estimate_noise(course: LabelCourse) -> EstimatedNoise:
    """How probable it is that each label is wrong, by the model that fits the data.

    Labels of classes that are too small to judge are pulled to the usual share of wrong ones. The last
    estimates are kept, as a list, a page and decisions ask for the same; their arrays cannot be written to.
    """
    key, last = hashlib.sha256(), course.last.of_labels
    stages = [course.of_heads, course.left_out, course.of_folds, *(stage.wrong for stage in course.stages)]
    log_p, tags = (np.zeros(0) if one is None else one for one in (course.log_p, course.tags))
    for values in (last.labels, last.margin, last.lead, last.rival, course.others, log_p, stages, tags):
        key.update(np.ascontiguousarray(values).data)
    if (name := key.hexdigest()) not in _answers:
        noise = _by_model(course)
        if course.tags is None:
            noise, (less, more) = pulled_to_prior(noise, last.labels)
            noise = replace(noise, low=max(noise.low + less, 0), high=min(noise.high + more, 1))
        for values in (noise.p_wrong, noise.suspicion):
            values.setflags(write=False)
        if len(_answers) == _MOST_ANSWERS:
            del _answers[next(iter(_answers))]
        _answers[name] = noise
    return _answers[name]


def _by_model(course: LabelCourse) -> EstimatedNoise:
    shares = tuple(share_standing_out(stage.of_labels) for stage in course.stages)
    labels, margin = course.last.of_labels.labels, course.last.of_labels.margin
    if course.tags is not None:  # of two classes the margin is the log odds
        of_tags = tag_noise(np.where(labels == 1, margin, -margin), labels, course.tags, course.num_tags)
        few, sizes = rare_tags(labels, course.tags, course.num_tags)
        likely = np.isin(course.tags, few) & (of_tags.p_wrong > of_tags.share)
        of_tags = _pull_rare(of_tags, likely, sizes[course.tags[likely]])
        by_heart = epoch_to_read(shares, [stage.wrong for stage in course.stages])
        return replace(of_tags, shares=shares, to_read=None if course.left_out else by_heart)
    if (course.of_heads or course.of_folds) and course.log_p is not None:
        log_p = _without_zeros(course.log_p) if course.of_folds else course.log_p
        heads = label_noise_of_heads([log_p], labels)
        by = max(heads.by, key=lambda name: heads.by[name])
        open_ = heads.apart is not None and heads.apart < APART
        unsaid = float(course.others.mean()) if open_ else 0.0
        noise = _of_folds(heads, course, log_p) if course.of_folds else heads
        return _with_range(noise, by, [heads.share, *heads.by.values(), heads.mixed_up], shares, None, unsaid)
    noise, model, margins, transition = _between(course.last, course.left_out)
    shares = (*shares[:-1], margins)
    to_read = epoch_to_read(shares, [stage.wrong for stage in course.stages])
    unsaid = 0.0 if course.left_out else float(course.others.mean())
    if course.log_p is not None and to_read is None and classes_are_large(labels, course.log_p.shape[1]):
        classes = label_noise_of_outputs(course.log_p, labels)
        still = classes.p_wrong @ (1 - course.others) / max(classes.p_wrong.sum(), _NEXT_TO_NOTHING)
        apart = classes.apart >= APART and still <= _STILL_SAID
        if apart and information(classes.p_wrong) > information(noise.p_wrong):
            return _with_range(classes, "classes", [classes.share], shares, None, unsaid)
    fits = [2 * margins - noise.share, margins, transition]
    for half in course.halves:
        fits.append(share_standing_out(half.of_labels))
        if half.p is not None and not course.left_out:
            fits.append(float(wrong_by_transition(half.p, half.of_labels.labels).mean()))
    return _with_range(noise, model, fits, shares, None if course.of_heads else to_read, unsaid)


def _without_zeros(log_p: Values) -> Values:
    """The same [K, C], where trees or neighbours say 0 of what they have not seen: half of the next to it."""
    some = log_p[log_p > _ZERO]
    least = some.min() - np.log(2) if len(some) < log_p.size else -np.inf
    return np.maximum(log_p, max(least, np.log(_NEXT_TO_NOTHING)))


WELL_KNOWN, ALL_WAYS = 0.75, 0.05
"""Classes are heard where models in folds have this share of the sound labels right, and where the variance
of their outputs in every direction is this part of the mean. Ten classes that overlap in six dimensions made
a sixth to a third of all labels wrong, where none was; photos, texts and tables have .2 or more."""


def _of_folds(heads: HeadNoise, course: LabelCourse, log_p: Values) -> LabelNoise:
    """The noise of models in folds, whose order is half that of the label's own probability.

    Models of any kind may have made ``log_p`` [K, C]. Where these are no places of classes, as those of texts
    are, nothing else orders labels as well.
    """
    labels, noise = course.last.of_labels.labels, LabelNoise(heads.p_wrong, heads.suspicion)
    points = log_p @ contrasts(log_p.shape[1])
    variances = np.linalg.eigvalsh(points.T @ (points - points.mean(axis=0)))
    known = 1 - course.others.mean() >= WELL_KNOWN * (1 - heads.by["expected"])
    if not known or variances[0] < ALL_WAYS * variances.mean():
        noise = label_noise_left_out([log_p], labels)
    own = log_p[np.arange(len(labels)), labels]
    ranks = np.stack([rankdata(-own), rankdata(heads.suspicion)]) / (len(labels) + 1)
    order = logit(ranks).sum(axis=0)
    return LabelNoise(monotone(order, noise.p_wrong), order)


def _with_range(
    noise: LabelNoise,
    by: str,
    fits: Sequence[float],
    shares: tuple[float, ...],
    to_read: int | None,
    unsaid: float,
) -> EstimatedNoise:
    low = max(min(fits) / _MODEL_ERROR - _UNSEEN, 0)
    most = max(fits) if by == "transition" else max(*fits, unsaid)  # plausible mistakes are said
    high = min(max(most * _MODEL_ERROR + _UNSEEN, unsaid), 1)
    return EstimatedNoise(noise.p_wrong, noise.suspicion, by, low, high, shares, to_read)


def epoch_to_read(shares: Sequence[float], wrong: Sequence[float]) -> int | None:
    """The stage to read instead of the last, where labels are being learned by heart; None where not.

    ``shares`` are those of wrong labels over the stages, ``wrong`` those of predictions that are not
    the label.
    """
    stand_out, most = np.asarray(shares), _LEARNING * np.asarray(wrong)  # of more, some are learned already
    tells = (stand_out <= most) & (np.asarray(wrong) <= _MOST_WRONG)
    part = np.where(tells, _LEARNING * stand_out / np.maximum(most, _NEXT_TO_NOTHING), 0)
    best = int(np.flatnonzero(part >= _NEARLY * part.max())[0])
    by_heart = shares[-1] < FALL * shares[best] and wrong[-1] < _LEARNING * shares[best]
    return best if by_heart and part[best] > _LARGE_PART else None


def _between(stage: Stage, left_out: bool) -> tuple[LabelNoise, str, float, float]:
    """The noise by margins, or by transition as far as what stands out warrants it, and shares by both.

    Its order is that of the margins. Trials that were not shown a label are not bent towards it, and nothing
    hides from them.
    """
    noise = label_noise(stage.of_labels)
    margins = noise.share
    if stage.p is None or left_out:
        return noise, "margins", margins, margins
    wrong = wrong_by_transition(stage.p, stage.of_labels.labels)
    transition = float(wrong.mean())
    share = share_between(margins, transition)
    if share <= _ALIKE * margins:
        return noise, "margins", margins, transition
    p_wrong = monotone(noise.suspicion, wrong) * (share / transition)
    return replace(noise, p_wrong=p_wrong), "transition", margins, transition


def share_between(margins: float, transition: float) -> float:
    """The share of wrong labels where ``margins`` stand out and ``transition`` counts more, both in 0..1."""
    between = margins ** (1 - BETWEEN) * max(transition, margins) ** BETWEEN
    return float(min(between, _MOST_TIMES * margins))
