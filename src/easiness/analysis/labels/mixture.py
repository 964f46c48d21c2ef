"""The probability that a label is wrong, from what networks say that were trained on it.

A mixture of two components over the margin of the label, as Arazo et al. 2019 (arXiv 1904.11238) have it over
the loss, with two differences that keep it honest where labels are clean and examples hard:

- Where the wrong labels lie is not fitted but foretold. To a network that knows an example, a wrong label is
  one of the other classes: its margin is about minus the lead of the predicted class over an average other
  one. Where a class is often labelled as one other, the network expects that, and the margin is nearer to 0.
- The sound labels have any density with one peak, in each of several strata by lead, and a part like the
  wrong ones: an example that the networks do not get right may be as far off as a wrong label.

Where leads are small, networks either miss hard examples, whose labels are sound, or waver over wrong labels
that they begin to learn by heart. The share of wrong labels is learned where leads are large, unless the
second describes the margins far better: wrong labels are then nearer to 0 by a shift that is fitted.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
from scipy.special import expit, gammaln, log_softmax, logit

Values = npt.NDArray[np.float64]
Positions = npt.NDArray[np.int64]

_KNOTS, _STEPS = 60, 20  # tried at most in a fit, and steps of Newton's for each
_GAIN, _NO_NEARER = 1e-7, 1e-9  # log likelihood of an example that a knot has to gain, and that ends steps
_LEAST_STEP = 1e-6  # of Newton's
_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)  # of the weights, where the first knots are


class LogConcave:
    """The density whose logarithm is concave and linear between bins that fits weights best.

    Its slope falls at a few bins only, the knots: they are found by the active set method of Duembgen,
    Huesler and Rufibach (2007). It is fitted anew as weights change, from where it stood.
    """

    def __init__(self, centers: Values) -> None:
        """``centers`` [bins] of equal width, ascending."""
        self._centers = centers
        self._width = float(centers[1] - centers[0])
        bins = np.arange(len(centers))
        behind = np.maximum(bins[:, None] - bins[None, 1:-1], 0)
        self._by_slope = self._width * np.column_stack([bins, -behind])  # what slopes add to each bin's level
        self._slopes: Values | None = None  # the first, then how much it falls at each bin but the outer ones

    def fit(self, weights: Values) -> Values:
        """The density at each bin [bins] for weights [bins] > 0."""
        target = weights / weights.sum()
        slopes = self._first(target) if self._slopes is None else self._slopes
        for _ in range(_KNOTS):
            slopes, share = self._between_knots(slopes, target)
            uphill = (target - share) @ self._by_slope
            curvature = share @ np.square(self._by_slope) - np.square(share @ self._by_slope)
            gain = np.where((slopes == 0) & (uphill > 0), np.square(uphill) / (curvature + 1e-12), 0.0)
            best = int(gain[1:].argmax()) + 1
            if gain[best] < _GAIN:
                break
            slopes[best] = np.finfo(np.float64).tiny
        self._slopes = slopes
        return share / self._width

    def _first(self, target: Values) -> Values:
        """About a normal density of the same mean and variance."""
        mean = target @ self._centers
        variance = max(float(target @ np.square(self._centers - mean)), self._width**2)
        slopes = np.zeros(len(target) - 1)
        slopes[0] = (mean - self._centers[0]) / variance
        knots = np.clip(np.searchsorted(np.cumsum(target), _QUANTILES), 1, len(target) - 2)
        np.add.at(slopes, knots, self._width * (len(target) - 2) / len(knots) / variance)
        return slopes

    def _between_knots(self, slopes: Values, target: Values) -> tuple[Values, Values]:
        """The likeliest slopes that fall at no other bin, and the share of each bin [bins]."""
        slopes = slopes.copy()
        knots = np.flatnonzero(np.r_[True, slopes[1:] > 0])
        level = self._by_slope @ slopes
        log_share = log_softmax(level)
        for _ in range(_STEPS):
            share, by_slope = np.exp(log_share), self._by_slope[:, knots]
            mean = share @ by_slope
            uphill = target @ by_slope - mean
            curvature = (by_slope * share[:, None]).T @ by_slope - np.outer(mean, mean)
            curvature += np.diag(1e-9 * curvature.diagonal() + 1e-12)
            step = np.linalg.solve(curvature, uphill)
            if (rise := float(uphill @ step)) < _NO_NEARER:
                break
            falls = np.r_[False, step[1:] < 0]
            room = np.full(len(knots), np.inf)
            room[falls] = slopes[knots[falls]] / -step[falls]
            part = whole = min(1.0, float(room.min()))
            along = by_slope @ step
            while True:
                trial = log_softmax(level + part * along)
                if target @ (trial - log_share) >= 1e-4 * part * rise:
                    break
                part /= 2
                if part < _LEAST_STEP:
                    return slopes, share
            slopes[knots] += part * step
            if part == whole < 1:
                slopes[knots[room.argmin()]] = 0
                knots = np.delete(knots, room.argmin())
            level, log_share = self._by_slope @ slopes, trial
        return slopes, np.exp(log_share)


_STRENGTHS = np.geomspace(1, 3000, 17)  # examples' worth of the usual other class
FAINT = 1e-3
"""Part of the whole mass, for a class that is hardly named."""


def likeliest_strength(
    counts: Values, usual: Values, totals: Values, strengths: Values = _STRENGTHS, power: float = 0
) -> float:
    """The strength of ``usual`` shares by which ``counts`` are likeliest (Dirichlet-multinomial).

    ``totals`` are the sums of the counts of each class. The prior of the ``strengths`` is this ``power`` of
    theirs.
    """
    fits = [
        (gammaln(one) - gammaln(one + totals)).sum()
        + (gammaln(counts + one * usual) - gammaln(one * usual)).sum()
        for one in strengths
    ]
    return float(strengths[np.argmax(fits + power * np.log(strengths))])


class Pairs:
    """The pairs (label, rival) that occur, and what weights of examples say of them."""

    def __init__(self, labels: Positions, rivals: Positions, num_classes: int) -> None:
        """``labels`` and ``rivals`` [n] of the examples that have a rival, two classes or more."""
        self._num_classes = num_classes
        codes, self.pair_of = np.unique(labels * num_classes + rivals, return_inverse=True)
        self.label, self.rival = codes // num_classes, codes % num_classes

    def add_up(self, weights: Values) -> Values:
        """The sum of weights [n] for each pair."""
        return np.bincount(self.pair_of, weights, len(self.label)).astype(np.float64)

    def rates(self, mass: Values, own: Positions, other: Positions) -> tuple[Values, float]:
        """The share of each class's ``mass`` that goes to another, for each pair (own, other) [pairs].

        They are shrunk towards the share of each other class in the whole mass, by the likeliest strength,
        which comes second.
        """
        total = np.bincount(own, mass, self._num_classes).astype(np.float64)
        goal = np.bincount(other, mass, self._num_classes) + FAINT * (mass.sum() + 1)
        usual = goal[other] / (goal.sum() - goal[own])
        strength = likeliest_strength(mass, usual, total)
        return (mass + strength * usual) / (total[own] + strength), strength


_NEXT_TO_NONE = 1e-3  # of wrong labels: also where networks know too little to tell them from mistakes


def in_order(wrong: Values, margin: Values, log_odds_of_pair: Values) -> tuple[Values, Values]:
    """Probabilities ``wrong`` [K], made monotone, and the suspicion [K] in which they are.

    Suspicion is a logistic regression of the probabilities on the margins [K] and on how much likelier each
    label's pair with its rival is among wrong ones [K], in nats.
    """
    from sklearn.linear_model import LogisticRegression

    margin = margin / max(float(margin.std()), 1e-9)
    if wrong.mean() < _NEXT_TO_NONE:  # nothing to learn an order from
        order = -margin
    else:
        by = np.stack([margin, log_odds_of_pair], axis=1)
        both = np.repeat([1, 0], len(by))
        model = LogisticRegression(C=100, max_iter=500)
        model.fit(np.concatenate([by, by]), both, np.concatenate([wrong, 1 - wrong]))
        order = model.decision_function(by)
    return without_steps(monotone(order, wrong), order, order), order


def monotone(order: Values, p: Values) -> Values:
    """Probabilities [K] that are nearest to ``p`` [K] and do not fall along an ``order`` [K]."""
    from sklearn.isotonic import IsotonicRegression

    return np.asarray(IsotonicRegression(y_min=0, y_max=1).fit_transform(order, p))


def without_steps(steps: Values, order: Values, places: Values) -> Values:
    """Probabilities at ``places`` [n] of an ``order`` [K] along which they rise by ``steps`` [K].

    Between the middles of the steps they are linear.
    """
    ascending = np.argsort(order, kind="stable")
    values, x = steps[ascending], order[ascending]
    starts = np.flatnonzero(np.r_[True, np.diff(values) > 0])
    ends = np.r_[starts[1:], len(values)]
    middles = np.array([np.median(x[a:b]) for a, b in zip(starts, ends, strict=True)])
    return np.asarray(np.interp(places, middles, values[starts]))


def roots_of(spreads: Values, least: float) -> Values:
    """Lower roots of spreads [c, D, D], each wider by ``least`` in every direction.

    They are wider by more where rounding of means far from 0 outweighs what is in them.
    """
    while True:
        try:
            return np.asarray(np.linalg.cholesky(spreads + least * np.eye(spreads.shape[-1])), np.float64)
        except np.linalg.LinAlgError:
            least *= 10


LEAD = 1.03
"""Minus the mean margin of a wrong label over the mean lead: 0.98 to 1.06 where labels were made wrong."""
WIDTH = 1.2
"""Standard deviation of the wrong component over that of the sound one in the stratum."""
MISTAKEN = 2.0
"""The part, over (classes - 1), of the sound labels that networks get wrong that look like wrong ones; at
most `_MOST_MISTAKEN`."""

_LEAST_WEIGHT = 0.25  # of the pairs, where wrong labels of all classes are taken for the same others
_STRONG = 6.0  # examples' worth of shrinking: below that each class is taken for others of its own
_STARTS = (0.02, 0.15, 0.45)  # shares of wrong labels to begin with: the likeliest end counts
_MOST_MISTAKEN = 0.25  # more, and with few classes nothing tells wrong labels from mistakes
_FEW = 2000
_STRATA, _LEAST = 4, 400  # by lead, each of at least so many examples
_BINS = 80
_FIRST, _LAST, _STILL = 25, 100, 3e-5  # iterations, and the change of the share that ends them
_HALF_ONE = 0.5  # wrong labels, so that one among a few hundred stays possible
_UNSURE = 0.05  # of the lead: where wrong labels lie is foretold no better than this, see `LEAD`
_SLOPE, _SLOPE_BY_HEART = 5.0, 1.0  # strength of the prior against a share that changes with the lead
_BY_HEART = 0.065  # log likelihood an example to gain by it: 0.04 where hard ones look alike, else 0.08 up
_FIRST_STEPS = 10  # of Newton's
_NO_SHIFT = 10.0  # examples' worth of the prior against a shift of wrong labels learned by heart
_MOST_SHIFT = 0.3  # of the mean lead: nearer to 0 are hard examples


@dataclass(frozen=True)
class LabelEvidence:
    """The evidence on the labels of K examples; means are over trials and the last epochs observed.

    ``margin`` [K] is the mean of log p of the label less log p of the most probable other class. ``lead``
    [K] is the mean of log p of the predicted class less log of the mean p of all others. ``rival`` [K] is the
    class that is predicted most instead of the label, -1 where none ever is. ``p_predicted`` is the mean
    probability of the predicted class over all examples.
    """

    labels: Positions
    margin: Values
    lead: Values
    rival: Positions
    p_predicted: float
    num_classes: int


@dataclass(frozen=True)
class LabelNoise:
    """The probability ``p_wrong`` [K] that a label is wrong, and its mean, the ``share`` of wrong labels.

    ``suspicion`` [K] orders the examples as ``p_wrong`` does, and those that are as probable.
    """

    p_wrong: Values
    suspicion: Values

    @property
    def share(self) -> float:
        """The expected share of wrong labels."""
        return float(self.p_wrong.mean())


@dataclass(frozen=True)
class EstimatedNoise(LabelNoise):
    """`LabelNoise` with the model it is ``by``, and the shares of wrong labels that fit the data.

    ``low`` to ``high`` is the range over models and halves of the trials. ``shares`` are those of labels that
    stand out over the stages; ``to_read`` is the stage to read instead of the last where labels are
    being learned by heart, else None.
    """

    by: str
    low: float
    high: float
    shares: tuple[float, ...]
    to_read: int | None


def label_noise(evidence: LabelEvidence) -> LabelNoise:
    """Fit how probable it is that each label is wrong, with 2 examples and 2 classes or more.

    The mixture is fitted by expectation and maximization from several starts, with the classes that wrong
    labels are taken for, then once more with these counting as much as they differ from class to class.
    """
    # sums are rounded alike in whatever order the examples come: the fit carries a rounding far
    by_margin = np.lexsort((evidence.rival, evidence.labels, evidence.lead, evidence.margin))
    ascending = _rows(evidence, by_margin)
    fit, back = _likelier_fit(ascending), by_margin.argsort()
    p_wrong, suspicion = in_order(fit.wrong, ascending.margin, fit.log_odds_of_pair)
    return LabelNoise(p_wrong[back], suspicion[back])


def share_standing_out(evidence: LabelEvidence) -> float:
    """About the share of `label_noise`, by one fit to a few examples: a tenth of the time."""
    num = len(evidence.margin)
    some = _rows(evidence, np.arange(0, num, -(-num // _FEW)))
    return float(_Fit(some).run(_below(some.margin, _STARTS[1]), 1.0).wrong.mean())


def _rows(evidence: LabelEvidence, rows: Positions) -> LabelEvidence:
    e = evidence
    return replace(e, labels=e.labels[rows], margin=e.margin[rows], lead=e.lead[rows], rival=e.rival[rows])


def _likelier_fit(evidence: LabelEvidence) -> _Fit:
    hard, num = _best(evidence, by_heart=False), len(evidence.margin)
    if num >= 2 * _LEAST:  # of fewer nothing tells small leads from others
        by_heart = _best(evidence, by_heart=True)
        if by_heart.objective - hard.objective > _BY_HEART * num:
            return by_heart.run(by_heart.wrong, by_heart.weight_of_pairs)
    return _Fit(evidence).run(hard.wrong, hard.weight_of_pairs)


def _best(evidence: LabelEvidence, by_heart: bool) -> _Fit:
    fits = [_Fit(evidence, by_heart).run(_below(evidence.margin, share), 1.0) for share in _STARTS]
    return max(fits, key=lambda fit: fit.objective)


def _below(margin: Values, share: float) -> Values:
    spread = max(float(margin.std()), 1e-9)
    return np.asarray(expit((np.quantile(margin, share) - margin) / (0.15 * spread)))


@dataclass
class _Fit:
    evidence: LabelEvidence
    by_heart: bool = False
    wrong: Values = field(init=False)
    objective: float = field(init=False, default=-np.inf)
    log_odds_of_pair: Values = field(init=False)
    weight_of_pairs: float = field(init=False, default=1.0)

    def __post_init__(self) -> None:
        e = self.evidence
        num = len(e.margin)
        rank = e.lead.argsort().argsort() / num
        self._num_strata = int(np.clip(num // _LEAST, 1, _STRATA))
        self._stratum = np.minimum((rank * self._num_strata).astype(int), self._num_strata - 1)
        sides = (rank - 0.5, 0.5 - rank) if self.by_heart else (rank - 0.5,)
        self._design = np.stack([np.ones(num), *(np.maximum(side, 0) - 0.125 for side in sides)])
        self._among = (rank > 0.5) | self.by_heart | (self._num_strata == 1)
        low, high = float(e.margin.min()), float(e.margin.max())
        edges = np.linspace(low, max(high, low + 1e-6), _BINS + 1)
        self._bin = np.clip(np.searchsorted(edges, e.margin, "right") - 1, 0, _BINS - 1)
        self._centers = (edges[1:] + edges[:-1]) / 2
        self._sound = [LogConcave(self._centers) for _ in range(self._num_strata)]
        self._has_rival = e.rival >= 0
        self._pairs = Pairs(e.labels[self._has_rival], e.rival[self._has_rival], e.num_classes)
        self._size = np.bincount(e.labels, minlength=e.num_classes)
        self._mistaken = np.zeros(num)  # probability to be sound, and like a wrong one
        self._prior = np.zeros(len(self._design))
        self._shift = 0.0  # how much nearer to 0 wrong labels are than expected
        self.log_odds_of_pair = np.zeros(num)

    def run(self, wrong: Values, weight_of_pairs: float) -> _Fit:
        """Fit it from probabilities ``wrong`` [K] on, and from what was learned before."""
        self.wrong = wrong
        if not self._prior.any():
            self._prior[0] = logit(np.clip(wrong.mean(), 1e-4, 1 - 1e-4))
            for _ in range(_FIRST_STEPS * self.by_heart):
                self._log_odds_of_prior()
        for iteration in range(_LAST):
            before = float(self.wrong.mean())
            nearer, log_sound_pair = self._of_pairs(before)
            expected = nearer - LEAD * self.evidence.lead
            if self.by_heart:
                self._learn_shift(expected)
            log_wrong, log_sound = self._densities(expected + self._shift)
            prior = self._log_odds_of_prior()
            log_wrong += weight_of_pairs * (log_sound_pair + self.log_odds_of_pair)
            log_sound += weight_of_pairs * log_sound_pair
            self.wrong = expit(prior + log_wrong - log_sound)
            if iteration >= _FIRST and abs(float(self.wrong.mean()) - before) < _STILL:
                break
        log_prior = -np.logaddexp(0, -prior), -np.logaddexp(0, prior)
        self.objective = float(np.logaddexp(log_prior[0] + log_wrong, log_prior[1] + log_sound).sum())
        return self

    def _of_pairs(self, share: float) -> tuple[Values, Values]:
        """How much nearer to 0 the margin of a wrong label is, and log P(pair | sound), both [K]."""
        pairs, has = self._pairs, self._has_rival
        nearer, log_sound = np.zeros((2, len(has)))
        if not has.any():
            return nearer, log_sound
        wrong = pairs.add_up(self.wrong[has])
        sound, _ = pairs.rates(pairs.add_up(1 - self.wrong[has]), pairs.label, pairs.rival)
        of_wrong, strength = pairs.rates(wrong, pairs.label, pairs.rival)
        self.weight_of_pairs = _LEAST_WEIGHT + (1 - _LEAST_WEIGHT) / (1 + (strength / _STRONG) ** 2)
        self.log_odds_of_pair[has] = np.log(of_wrong / sound)[pairs.pair_of]
        log_sound[has] = np.log(sound)[pairs.pair_of]
        # the rate at which examples of the rival's class get this label
        num_classes = self.evidence.num_classes
        own = np.bincount(pairs.rival, wrong, num_classes) / np.maximum(self._size, 1)
        rate = pairs.rates(wrong, pairs.rival, pairs.label)[0] * (share + own[pairs.rival]) / 2
        others = num_classes - 1
        unsure = max(1 - self.evidence.p_predicted - share, 0.02) / others
        nearer[has] = np.log((rate + unsure) / (share / others + unsure))[pairs.pair_of]
        return nearer, log_sound

    def _learn_shift(self, expected: Values) -> None:
        """Learn it in the strata of which most that is far off is wrong; ``expected`` margins are [K]."""
        e, wrong, num = self.evidence, self.wrong, self._num_strata
        in_strata = np.bincount(self._stratum, wrong, num)
        far_off = np.bincount(self._stratum, (1 - wrong) * (e.margin < 0), num)
        weights: Values = wrong * (in_strata / (in_strata + far_off + 1e-9))[self._stratum]
        shift = float(weights @ (e.margin - expected)) / (float(weights.sum()) + _NO_SHIFT)
        most = _MOST_SHIFT * float(e.lead.mean())
        self._shift = float(np.clip(shift, -most, most))

    def _densities(self, center: Values) -> tuple[Values, Values]:
        """Logarithms of the densities of the wrong and the sound component at each margin [K].

        The wrong ones are around ``center`` [K].
        """
        e = self.evidence
        log_wrong, log_sound = np.empty((2, len(e.margin)))
        for stratum, density in enumerate(self._sound):
            own = self._stratum == stratum
            sound = 1 - self.wrong[own]
            weights: Values = sound * (1 - self._mistaken[own])
            height = density.fit((np.bincount(self._bin[own], weights, _BINS) + 1e-9).astype(np.float64))
            share = height / height.sum()
            mean = float(share @ self._centers)
            deviation = float(np.sqrt(share @ np.square(self._centers - mean)))
            far = e.margin[own] - center[own]
            least = max(_UNSURE * float(e.lead[own].mean()), 1e-6)  # of sound margins that are all alike
            scale = WIDTH * max(deviation, least) * np.sqrt(3) / np.pi
            z = np.abs(far) / scale
            log_wrong[own] = -z - 2 * np.log1p(np.exp(-z)) - np.log(scale)  # a logistic density
            mistakes = float((sound * (e.margin[own] < 0)).sum() / max(float(sound.sum()), 1.0))
            alike = min(MISTAKEN / (e.num_classes - 1), _MOST_MISTAKEN) * mistakes
            log_alike = np.log(alike + 1e-300) + log_wrong[own]
            log_plain = np.log1p(-min(alike, 1 - 1e-9)) + np.log(height[self._bin[own]] + 1e-300)
            log_sound[own] = np.logaddexp(log_alike, log_plain)
            self._mistaken[own] = np.exp(log_alike - log_sound[own])
        return log_wrong, log_sound

    def _log_odds_of_prior(self) -> Values:
        """Log odds of a wrong label by lead [K], learned by a step.

        Training pulls a network towards the labels it sees, so the surest answers are fewer to wrong labels.
        Below the median nothing is learned and nothing changes, but where labels are learned by heart.
        """
        design = self._design[:, self._among]
        p = expit(self._prior @ design)
        usual = float(expit(self._prior[0]))
        slopes = np.full(len(design) - 1, _SLOPE_BY_HEART if self.by_heart else _SLOPE)
        curvature = (design * (p * (1 - p) + 1e-9)) @ design.T
        curvature += np.diag([_HALF_ONE * usual * (1 - usual), *slopes])
        gradient = design @ (self.wrong[self._among] - p)
        gradient += np.array([_HALF_ONE * (1 - usual), *(-slopes * self._prior[1:])])
        step = np.linalg.solve(curvature, gradient)
        self._prior = self._prior + np.clip(step, -1, 1)  # far from it Newton's step goes astray
        return np.asarray(self._prior @ self._design)
