"""The true label of each item, from votes of people or models who may err together.

A voice says of a true class one class or another by a channel of its own, which is shrunk to that of all, and
that to one accuracy (Dawid and Skene, 1979, with priors whose strength the votes make likeliest). Where votes
name all classes about equally often, these are taken to be equally frequent, and each has an accuracy of its
own; else the sizes of classes are fitted, and all have one accuracy: votes alone do not tell a class that is
often missed from one that is rare.

Voices that err together count for fewer: n of them for n / (1 + r (n - 1)), where r says how alike they err.
Independent voices have r = 0. It is fitted where the truth was looked at, or else by how well votes that were
held out are foretold, which does not show errors that all share. So only looks tell how many labels are
wrong, and calibrate what is said of each.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from scipy.optimize import brentq
from scipy.sparse import csr_array
from scipy.special import expit, log_softmax, logit, softmax
from scipy.stats import beta as beta_distribution

from easiness.analysis.labels.channel import channel_table, joint_counts
from easiness.analysis.labels.decisions import calibrate, share_of_wrong
from easiness.analysis.labels.mixture import Positions, Values, likeliest_strength
from easiness.lazy import Mask

MOST_CLASSES = 200
"""Most classes between which voices have channels; of more, an item's are the answers to it, all alike."""

_MOST_VALUES = 1 << 24  # of channels
_STRENGTHS = np.geomspace(1, 3000, 14)  # votes' worth of a prior
_OF_VOICES = np.geomspace(1, 100, 10)  # the same of a voice's accuracy: no two are equally good
_ALIKE_STRENGTH = 0.3  # the power of the strength by which voices, and classes, are taken to be alike
_EQUAL = 0.98  # of the largest entropy: simulated equal classes have more than .99, unequal ones below .975
_ALIKE = np.array([0, 0.02, 0.05, 0.1, 0.2, 0.35, 0.6, 1.0])  # how alike voices err
_HEADS = np.array([0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0])  # powers of what heads say
_TOGETHER = np.array([0, 0.005, 0.01, 0.02, 0.04, 0.07, 0.1, 0.15, 0.2, 0.3, 0.45])  # items
_NEXT = np.array([0.3, 1, 3, 10, 30, 100, 300])  # votes' worth of what is foretold of an item's answers
_USUAL, _USUAL_VOTES = 0.7, 20  # an accuracy, and how many votes it counts for
_MOST_ALIKE = 10  # votes' worth of the usual accuracy in an interval: crowds differ by .1 and more
_ITERATIONS, _STILL = 60, 1e-4
_LEAST = 1e-9  # a probability
_CLAMP = 1e-6  # a probability to be wrong
_HELD_OUT = 20_000  # items that tell how alike voices err, at most
_LIKELY = 1.92  # in log likelihood, below the likeliest value: the ends of an interval of 95 %
_ENDS = 0.025, 0.975

_NO_LOOKS = "nobody has looked at labels drawn by chance, and voices that err together look like right ones"
_ALONE = "no item has answers of two voices, so nothing tells how sure they are"
_ALL_AGREE = "all voices agree on every item, and those who err together do as well"


@dataclass(frozen=True, eq=False)
class LabelPosterior:
    """The true labels of K items by votes of J voices for C classes.

    ``p`` [K, C] is the probability of each class to be the true one, and ``say`` [K, C] how the answers of
    further voices would be shared; both are sparse where there are more than `MOST_CLASSES`. ``best`` [K] is
    the likeliest class, -1 where nothing tells one, and ``p_best`` [K] its probability. ``p_wrong`` [K] is
    that of the key to be wrong (NaN where it says nothing), or of ``best`` where there is no key.

    The ``accuracy`` [J], with 95 % intervals from ``low`` to ``high``, is shrunk to that of all voices;
    ``channels`` [J, true, said] are what is said for what, None with too many classes, by so many
    ``num_votes`` [J]. Voices err so much ``alike`` (0..1, r above) that as many as an item has on average are
    worth ``worth`` independent ones, from ``worth_low`` to ``worth_high``. ``share`` is that of wrong labels,
    from ``share_low`` to ``share_high``; None without looks, and ``doubt`` says why nobody can know it.
    """

    p: Values | csr_array
    say: Values | csr_array
    best: Positions
    p_best: Values
    p_wrong: Values
    accuracy: Values
    low: Values
    high: Values
    channels: Values | None = field(repr=False)
    num_votes: Positions
    alike: float
    worth: float
    worth_low: float
    worth_high: float
    share: float | None = None
    share_low: float | None = None
    share_high: float | None = None
    doubt: str = ""


def label_posterior(
    item: Positions,
    by: Positions,
    label: Positions,
    *,
    shape: tuple[int, int, int],
    share: Values | None = None,
    key: Positions | None = None,
    heads: Values | None = None,
    looks: tuple[Positions, Positions] | None = None,
) -> LabelPosterior:
    """The probability of each class to be the true label of each item.

    Args:
        item: of each of n votes, in 0 to K - 1.
        by: the voice, in 0 to J - 1.
        label: the class it names, in 0 to C - 1; others are no votes.
        shape: K, J and C.
        share: of each vote, in (0, 1]; 1 by default.
        key: the labels [K] that the data have, -1 where they have none.
        heads: probabilities [K, C] of heads or networks that did not see the item's label, NaN for none.
        looks: items [m] whose true labels [m] somebody has looked up; -1 where an item is of no class.
    """
    num_items, num_voices, num_classes = shape
    share = np.ones(len(item)) if share is None else share
    looks = looks if looks is not None and len(looks[0]) else None
    key = key if key is not None and (key >= 0).any() else None
    is_vote = (label >= 0) & (label < num_classes)
    votes = item[is_vote], by[is_vote], label[is_vote], share[is_vote]
    is_open = num_classes > MOST_CLASSES or num_voices * num_classes**2 > _MOST_VALUES
    if is_open:
        slots, looked_up = _Slots(votes[0], votes[2], key, (num_items, num_classes)), looks
        answers = votes[0], votes[1], slots.of(votes[0], votes[2]), votes[3]
        fit = _VoiceFit(_Voices(*answers, (num_items, num_voices, slots.num)), slots.prior)
        key = None if key is None else slots.of(np.arange(num_items), key)
        looks = None if looks is None else (looks[0], slots.of(*looks))
    else:
        fit = _VoiceFit(_Voices(*votes, shape))
        if heads is not None and not np.isnan(heads).all():
            fit.hear(heads)
    result = fit.posterior(key, looks)
    return slots.back(result, looked_up) if is_open else result


class _Voices:
    """Votes for classes, any ``share`` [n] of a vote each, as a matrix [K, J C]."""

    def __init__(
        self, item: Positions, by: Positions, label: Positions, share: Values, shape: tuple[int, int, int]
    ) -> None:
        num_items, num_voices, num_classes = self.shape = shape
        self.item, self.by, self.label, self.share = item, by, label, share
        columns = by * num_classes + label
        self._votes = csr_array((share, (item, columns)), shape=(num_items, num_voices * num_classes))
        self._by_voice = csr_array(self._votes.T)
        self.num: Values = np.bincount(item, share, num_items).astype(np.float64)
        cells = np.bincount(item * num_classes + label, share, num_items * num_classes)
        self.per_class: Values = cells.reshape(num_items, num_classes).astype(np.float64)

    def counts(self, p: Values) -> Values:
        """How often each voice said each class of each true one [J, true, said]."""
        _, num_voices, num_classes = self.shape
        answers: Values = np.asarray(self._by_voice @ p).reshape(num_voices, num_classes, num_classes)
        return np.asarray(answers.transpose(0, 2, 1))

    def log_likelihood(self, channels: Values) -> Values:
        """Log probability of all votes on an item, by each true class [K, C]."""
        by_vote = np.log(channels).transpose(0, 2, 1).reshape(-1, self.shape[2])
        return np.asarray(self._votes @ by_vote)

    def some(self, most: int) -> tuple[Positions, Positions]:
        """Votes on ``most`` items or fewer, evenly spaced, that have others: their rows and items."""
        step = -(-self.shape[0] // most)
        rows = np.flatnonzero((self.item % step == 0) & (self.num[self.item] > self.share + _CLAMP))
        return rows, self.item[rows]


def _rates(counts: Values, usual: Values) -> Values:
    """Shares of ``counts`` [..., said], shrunk to the ``usual`` ones by the likeliest strength."""
    totals, size = counts.sum(axis=-1), np.maximum(usual, _LEAST)
    strength = likeliest_strength(counts, size, totals, _STRENGTHS, _ALIKE_STRENGTH)
    return np.asarray((counts + strength * size) / (totals + strength)[..., None])


def _accuracies(counts: Values, of_class: Values) -> tuple[Values, Values, Values]:
    """How many votes of each voice are right, and the number and rate that a voice like all others adds [J].

    ``counts`` [J, true, said]; ``of_class`` [C] are the accuracies of all voices together.
    """
    num, right = counts.sum(axis=(1, 2)), np.trace(counts, axis1=1, axis2=2)
    usual = (counts.sum(axis=2) @ of_class + _LEAST * of_class.mean()) / (num + _LEAST)
    usual = np.clip(usual, _CLAMP, 1 - _CLAMP)
    counts, rates = (np.stack([one, other]) for one, other in ((right, num - right), (usual, 1 - usual)))
    strength = likeliest_strength(np.maximum(counts, 0), rates, num, _OF_VOICES, _ALIKE_STRENGTH)
    return right, np.full(len(num), strength), usual


def _one_accuracy(counts: Values) -> float:
    """The accuracy of all voices together, of which ten votes say less than what voices are usually worth."""
    return float((np.trace(counts.sum(axis=0)) + _USUAL * _USUAL_VOTES) / (counts.sum() + _USUAL_VOTES))


def _channels(counts: Values, *, by_class: bool) -> Values:
    """How each voice says each class [J, true, said]; with an accuracy of its own ``by_class``, or one."""
    apart, pool = ~np.eye(counts.shape[1], dtype=bool), counts.sum(axis=0)
    usual = _one_accuracy(counts)
    of_class = np.full(len(pool), usual)
    if by_class:
        size = pool.sum(axis=1)
        of_class = (pool.diagonal() + 4 * usual) / (size + 4)
    wrong = np.where(apart, pool, 0.0)
    goal = np.where(apart, wrong.sum(axis=0) + 0.01 * (wrong.sum() + 1) / len(pool), 0.0)
    which = _rates(wrong, goal / np.maximum(goal.sum(axis=1, keepdims=True), _LEAST))
    which = np.where(apart, which, 0.0)
    right, strength, like = _accuracies(counts, of_class)
    rate = (right + strength * like) / (counts.sum(axis=(1, 2)) + strength)
    more = _log_odds(rate) - _log_odds(like)
    accuracy = expit(_log_odds(of_class) + more[:, None])
    usual_of_voice = which / np.maximum(which.sum(axis=1, keepdims=True), _LEAST) * (1 - accuracy)[:, :, None]
    usual_of_voice += np.eye(len(pool)) * accuracy[:, :, None]
    return _rates(counts, usual_of_voice)


def _alike_channels(counts: Values, others: float, rate: float | None) -> Values:
    """The ``rate`` at which all voices are right, or one for each, and so many ``others`` [J, true, said].

    The ``others`` are wrong answers, given equally often.
    """
    num_classes, rates = counts.shape[1], np.full(len(counts), rate or 0.0)
    if rate is None:
        right, strength, usual = _accuracies(counts, np.full(num_classes, _one_accuracy(counts)))
        rates = (right + strength * usual) / (counts.sum(axis=(1, 2)) + strength)
    rates = np.clip(rates, 1 / (others + 1), 1 - 1e-4)[:, None, None]
    return np.asarray(np.where(np.eye(num_classes, dtype=bool), rates, (1 - rates) / others))


def _agreement(voices: _Voices) -> float:
    """The accuracy of voices that agree as often as these do, if they did so on right answers alone.

    It is all that open answers tell: by a fit, those that err together would be the best.
    """
    pairs = (voices.num * (voices.num - 1)).sum()
    same = (voices.per_class * (voices.per_class - 1)).sum()
    return float(np.sqrt((max(same, 0) + 0.5) / (pairs + 1)))


def _log_odds(p: Values) -> Values:
    return np.asarray(logit(np.clip(p, 1e-4, 1 - 1e-4)))


def _worth(num: Values, alike: float | Values) -> Values:
    """The part of their votes that so many voices are worth."""
    return np.asarray(1 / (1 + alike * np.maximum(num - 1, 0)))


class _VoiceFit:
    """Channels and log ``prior`` [C], or [K, C] with heads or open answers, fitted to votes."""

    def __init__(self, voices: _Voices, open_prior: Values | None = None) -> None:
        num_classes = voices.shape[2]
        self.voices, self.is_open = voices, open_prior is not None
        self._has_votes = voices.num > 0
        self._heads: Values | None = None  # log probabilities
        self._together: float = 0.0
        self._has_heads: Mask = np.zeros(len(voices.num), np.bool_)
        level = np.zeros(num_classes) if open_prior is None else open_prior
        self._others = float(max(num_classes - 1, 1)) if open_prior is None else float(num_classes)
        self.p = (voices.per_class + 1 / num_classes) / (voices.num + 1)[:, None]
        rate = _agreement(voices) if self.is_open else None
        self._expect(lambda counts: _alike_channels(counts, self._others, rate), lambda: level)
        if not self.is_open:
            mean = self.p[self._has_votes].mean(axis=0) if self._has_votes.any() else np.ones(num_classes)
            entropy = -float((mean * np.log(mean + _LEAST)).sum())
            self._are_equal = entropy >= _EQUAL * np.log(num_classes)
            self._fit_channels()

    def _fit_channels(self) -> None:
        num_classes = self.voices.shape[2]

        def prior() -> Values:
            if self._heads is not None:
                return np.log(self._with_errors(np.exp(self._heads)) + _LEAST)
            size = self.p[self._has_votes].sum(axis=0) + 1
            return np.log(np.ones(num_classes) if self._are_equal else size / size.sum())

        self._expect(lambda counts: _channels(counts, by_class=self._are_equal), prior)

    def _expect(self, channels_of: Callable[[Values], Values], prior_of: Callable[[], Values]) -> None:
        """Expectation and maximization, from the probabilities ``p`` on."""
        for _ in range(_ITERATIONS):
            self.channels = channels_of(self.voices.counts(self.p))
            self.prior = prior_of()
            self.votes_say = self.voices.log_likelihood(self.channels)
            before, self.p = self.p, softmax(self.prior + self.votes_say, axis=1)
            if np.abs(self.p - before).max() < _STILL:
                break
            if self.is_open:
                self._others = _num_others(self.voices.per_class, self.p)

    def _with_errors(self, p: Values) -> Values:
        """Probabilities [K, C] where all voices take an item for the same wrong class now and then."""
        return np.asarray(p + self._together * ((1 - p) / (p.shape[1] - 1) - p))

    def hear(self, heads: Values) -> None:
        """Take ``heads`` for a voice that does not err together with the others.

        How sure they are, and how often the others err together, is what foretells the votes best.
        """
        says = np.nan_to_num(np.log(heads + _LEAST) - np.log(np.nanmean(heads, axis=0) + _LEAST))
        self._has_heads = np.asarray(~np.isnan(heads).any(axis=1))
        some, prior = slice(None, None, -(-len(heads) // _HELD_OUT)), self.prior
        for _ in range(2):
            votes, fits = softmax(self.votes_say[some], axis=1), {}
            for power in _HEADS:
                p = softmax(prior + power * says[some], axis=1)
                for self._together in _TOGETHER:
                    fits[power, self._together] = np.log((p * self._with_errors(votes)).sum(axis=1)).sum()
            power, self._together = max(fits, key=lambda one: fits[one])
            self._heads = log_softmax(prior + power * says, axis=1)
            self._fit_channels()

    def _held_out(self, alike: float) -> tuple[Positions, Values, Values]:
        """Votes that have others, the truth by these [n, C], and how each class would be said [n, C]."""
        voices = self.voices
        most = (1 << 22) * voices.shape[0] // (max(len(voices.item), 1) * voices.shape[2])
        rows, items = voices.some(int(np.clip(most, 1, _HELD_OUT)))
        own = self.channels[voices.by[rows], :, voices.label[rows]]
        others = self.votes_say[items] - np.log(own) * voices.share[rows][:, None]
        left = voices.num[items] - voices.share[rows]
        prior = np.broadcast_to(self.prior, self.p.shape)[items]
        return rows, softmax(prior + others * _worth(left, alike)[:, None], axis=1), own

    def _by(self, alike: float) -> Values:
        """The probabilities of true classes [K, C]."""
        say = self.votes_say * _worth(self.voices.num, alike)[:, None]
        if self._heads is None:
            return np.asarray(softmax(self.prior + say, axis=1))
        p = np.exp(self._heads) * self._with_errors(softmax(say, axis=1))
        return np.asarray(p / p.sum(axis=1, keepdims=True))

    def _how_alike(self, looks: tuple[Positions, Positions] | None) -> tuple[float, float, float]:
        """How alike voices err, and an interval.

        It is the likeliest value after looks. Without them any larger one may be true, and the least is taken
        that votes do not speak against.
        """
        if looks is None and self.is_open:  # a vote held out leaves its answer among those that there are
            return 0.0, 0.0, float(_ALIKE[-1])
        if looks is None:
            others = (self._held_out(one) for one in _ALIKE)  # by whom votes are more or less likely
            fits = np.array([np.log((true * own).sum(axis=1)).sum() for _, true, own in others])
        else:
            of_class = tuple(one[looks[1] >= 0] for one in looks)
            fits = np.array([np.log(self._by(one)[of_class] + _LEAST).sum() for one in _ALIKE])
        likely = _ALIKE[fits >= fits.max() - _LIKELY]
        if looks is None:
            return float(likely[0]), float(likely[0]), float(_ALIKE[-1])
        return float(_ALIKE[fits.argmax()]), float(likely[0]), float(likely[-1])

    def posterior(self, key: Positions | None, looks: tuple[Positions, Positions] | None) -> LabelPosterior:
        """Everything that votes say of the labels, after ``looks`` at some."""
        voices, rows = self.voices, np.arange(self.voices.shape[0])
        alike, least, most = self._how_alike(looks)
        p = self._by(alike)
        p_wrong = None if key is None else self._key_wrong(p, key)
        number = None
        if looks is not None:
            drawn_by = self._by(self._how_alike(None)[0])  # as it was before the looks
            p, number = self._after(looks, drawn_by, p)
            if key is not None and p_wrong is not None:
                at, true = (one[key[looks[0]] >= 0] for one in looks)
                first, groups = self._key_wrong(drawn_by, key), self._groups(key, _rival(p, key))
                p_wrong, number = _calibration(first, p_wrong, groups, at, key[at] != true)
        knows = self._has_votes | self._has_heads | np.isin(rows, () if looks is None else looks[0])
        best = self._best(p)
        usual = voices.num[self._has_votes].mean(keepdims=True) if self._has_votes.any() else np.zeros(1)
        worth, worth_low, worth_high = (float((usual * _worth(usual, r))[0]) for r in (alike, most, least))
        accuracy, low, high = self._accuracy(p, (number[2] - number[1]) / 4 if number else 0.0)
        share, share_low, share_high = number or (None, None, None)
        return LabelPosterior(
            p=p,
            say=self._say(alike),
            best=np.where(knows, best, -1),
            p_best=p[rows, best],
            p_wrong=1 - p[rows, best] if p_wrong is None else p_wrong,
            accuracy=accuracy,
            low=low,
            high=high,
            channels=None if self.is_open else self.channels,
            num_votes=np.bincount(voices.by, minlength=voices.shape[1]),
            alike=alike,
            worth=worth,
            worth_low=worth_low,
            worth_high=worth_high,
            share=share,
            share_low=share_low,
            share_high=share_high,
            doubt="" if number else self._doubt(),
        )

    def _after(
        self, looks: tuple[Positions, Positions], drawn_by: Values, p: Values
    ) -> tuple[Values, tuple[float, float, float] | None]:
        """Probabilities [K, C] after looks, and how many of the likeliest labels before them are wrong."""
        (at, true), best = looks, self._best(drawn_by)
        rows = np.arange(len(p))
        p_wrong = 1 - p[rows, best]
        first, groups = 1 - drawn_by[rows, best], self._groups(best, best)
        on_best, number = _calibration(first, p_wrong, groups, at, best[at] != true)
        p = p * (on_best / np.maximum(p_wrong, _LEAST))[:, None]
        p[rows, best] = 1 - on_best
        at, true = at[true >= 0], true[true >= 0]
        p[at] = 0
        p[at, true] = 1
        return p, number

    def _groups(self, own: Positions, other: Positions) -> tuple[Positions, Positions]:
        """Labels that err alike [K], and pairs of them; open answers have nothing in common."""
        own = np.zeros_like(own) if self.is_open else own
        return own, own * self.voices.shape[2] + (0 if self.is_open else other)

    def _best(self, p: Values) -> Positions:
        """The likeliest class [K], of open answers the likeliest given; of equal ones any."""
        p = p[:, : p.shape[1] - self.is_open]
        return np.asarray((p + _LEAST * np.random.default_rng(0).random(p.shape)).argmax(axis=1))

    def _key_wrong(self, p: Values, key: Positions) -> Values:
        """The probability that the key is wrong [K], where it is one more voice with a channel of its own."""
        rows = np.flatnonzero(key >= 0)
        p, label, true = p[rows], key[rows], p[rows]
        for _ in range(_ITERATIONS):
            before = true
            right = float((true[np.arange(len(rows)), label].sum() + 0.5) / (len(rows) + 1))
            if self.is_open:
                says = np.where(np.arange(p.shape[1]) == label[:, None], right, (1 - right) / self._others)
            else:
                says = channel_table(joint_counts(true, label))[0].T[label]
            true = p * says + _LEAST * says
            true /= true.sum(axis=1, keepdims=True)
            if np.abs(true - before).max() < _STILL:
                break
        p_wrong = np.full(len(key), np.nan)
        p_wrong[rows] = 1 - true[np.arange(len(rows)), label]
        return p_wrong

    def _accuracy(self, p: Values, off: float) -> tuple[Values, Values, Values]:
        """How often each voice is right [J], and an interval, where all ``p`` may be ``off`` alike."""
        voices, counts = self.voices, self.voices.counts(p)
        num, of_class = counts.sum(axis=(1, 2)), np.full(counts.shape[1], _one_accuracy(counts))
        right, strength, usual = _accuracies(counts, of_class)
        strength = np.minimum(strength, _MOST_ALIKE)
        rate = (right + strength * usual) / (num + strength)
        p_said = p[voices.item, voices.label]
        unsure = np.bincount(voices.by, voices.share**2 * p_said * (1 - p_said), len(num))
        spread = rate * (1 - rate) / (num + strength) + unsure / (num + strength) ** 2 + off**2
        size = np.maximum(rate * (1 - rate) / np.maximum(spread, _LEAST), 1)
        low, high = (
            beta_distribution.ppf(one, size * rate + _LEAST, size * (1 - rate) + _LEAST) for one in _ENDS
        )
        if (num > 0).sum() < 3 and not off and self._heads is None:  # two agree alike, whoever is right
            return rate, np.zeros_like(rate), np.ones_like(rate)
        return rate, low, high

    def _say(self, alike: float) -> Values:
        """How the answers of further voices to each item would be shared [K, C].

        Shares by the true class, worth so many votes as foretells votes that are held out best, beside the
        votes on the item.
        """
        voices = self.voices
        pool = np.average(
            self.channels, axis=0, weights=np.bincount(voices.by, minlength=voices.shape[1]) + _LEAST
        )
        rows, true, _ = self._held_out(alike)
        usual = (true * pool[:, voices.label[rows]].T).sum(axis=1)
        same = voices.per_class[voices.item[rows], voices.label[rows]] - voices.share[rows]
        left = voices.num[voices.item[rows]] - voices.share[rows]
        fits = [np.log((same + one * usual) / (left + one)).sum() for one in _NEXT]
        votes = float(_NEXT[np.argmax(fits)]) if len(rows) else 1.0
        return np.asarray((voices.per_class + votes * self._by(alike) @ pool) / (voices.num + votes)[:, None])

    def _doubt(self) -> str:
        """Why the number of wrong labels is not known without looks."""
        if not len(self.voices.some(self.voices.shape[0])[0]):
            return _ALONE
        most = self.voices.per_class.max(axis=1)
        return _ALL_AGREE if (most >= self.voices.num - _CLAMP).all() else _NO_LOOKS


def _num_others(per_class: Values, p: Values) -> float:
    """How many wrong answers, equally often given, would agree as often as those that are given."""
    num = per_class.sum(axis=1, keepdims=True)
    wrong = num - per_class  # by each true class
    pairs = wrong * (wrong - 1)
    alike = per_class * (per_class - 1)
    same = alike.sum(axis=1, keepdims=True) - alike
    return float(np.clip((p * pairs).sum() / max((p * same).sum(), 1.0), 1, 1e4))


def _rival(p: Values, key: Positions) -> Positions:
    """The likeliest class but the key [K]."""
    others = p.copy()
    with_key = np.flatnonzero(key >= 0)
    others[with_key, key[with_key]] = -1
    return np.asarray(others.argmax(axis=1))


def _calibration(
    before: Values, p_wrong: Values, groups: tuple[Positions, Positions], at: Positions, wrong: Mask
) -> tuple[Values, tuple[float, float, float] | None]:
    """Probabilities [K] after looks, where there is a label, and the share that is wrong, with its range.

    Looks alone tell how many are wrong. They were drawn in the order of the probabilities ``before``.
    """
    if not len(at):
        return p_wrong, None
    has = np.flatnonzero(~np.isnan(p_wrong))
    place, (own, pair) = np.searchsorted(has, at), groups
    number = share_of_wrong(before[has], place, wrong)
    odds = logit(np.clip(p_wrong[has], _CLAMP, 1 - _CLAMP))
    least = 0.5 / (len(at) + 1)
    goal = min(max(number[0], least), 1 - least)
    shift = brentq(lambda by: float(expit(odds + by).mean()) - goal, -40, 40)
    after = calibrate(expit(odds + shift), (own[has], pair[has]), place, wrong, *number[1:])
    p_wrong = p_wrong.copy()
    p_wrong[has] = after.p_wrong
    return p_wrong, number


class _Slots:
    """The answers to each item as classes of its own: those given and the key, and any other as the last."""

    def __init__(
        self, item: Positions, label: Positions, key: Positions | None, shape: tuple[int, int]
    ) -> None:
        num_items, self._num_classes = shape
        with_key = np.flatnonzero(key >= 0) if key is not None else np.zeros(0, np.int64)
        items = np.concatenate([item, with_key])
        labels = label if key is None else np.concatenate([label, key[with_key]])
        self._codes = np.unique(items * self._num_classes + labels)
        self._item, self._label = np.divmod(self._codes, self._num_classes)
        size = np.bincount(self._item, minlength=num_items)
        self._slot = np.arange(len(self._codes)) - (size.cumsum() - size)[self._item]
        self.num = int(size.max(initial=0)) + 1
        column = np.arange(self.num)
        self.prior: Values = np.where(column < size[:, None], 0.0, -np.inf)
        self.prior[:, -1] = np.log(self.num)

    def of(self, item: Positions, label: Positions) -> Positions:
        """The slots of labels of items, the last one for an answer not given, -1 where there is no label."""
        code = item * self._num_classes + label
        place = np.minimum(np.searchsorted(self._codes, code), len(self._codes) - 1)
        slot = np.where(self._codes[place] == code, self._slot[place], self.num - 1)
        return np.where(label >= 0, slot, -1)

    def back(self, result: LabelPosterior, looks: tuple[Positions, Positions] | None) -> LabelPosterior:
        """The same for classes, where an answer that nobody gave has no probability but after a look."""
        shape = len(result.best), self._num_classes
        cells = self._item, self._label
        say = csr_array((np.asarray(result.say)[self._item, self._slot], cells), shape=shape)
        p = csr_array((np.asarray(result.p)[self._item, self._slot], cells), shape=shape)
        labels = np.full((shape[0], self.num), -1)
        labels[self._item, self._slot] = self._label
        best = np.where(result.best >= 0, labels[np.arange(shape[0]), result.best], -1)
        p_best = result.p_best
        if looks is not None:
            at, true = (one[looks[1] >= 0] for one in looks)
            p = csr_array(p + csr_array((1 - p[at, true], (at, true)), shape=shape))
            best[at], p_best[at] = true, 1
        return replace(result, p=p, say=say, best=best, p_best=p_best)
