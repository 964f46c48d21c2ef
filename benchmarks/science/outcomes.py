"""Do rates, p_hard and bands of outcomes hold, and what do adaptive rollouts gain? CRUXEval's answers.

31 models answered 800 questions ten times each. Some of the rollouts of each model are held back, and what
the others foretell is held to them. Then rates are drawn from the mixtures that are fitted to all ten, so
that the truth is known, and rollouts of them in other numbers.
"""

from __future__ import annotations

import sys
import time
from itertools import combinations
from pathlib import Path

import numpy as np
from scipy.special import ndtr
from scipy.stats import binom

import easiness as ez
from easiness.analysis import PairedCounts, allot, fit_rates, rate_agreements, select

sys.path.insert(0, str(Path(__file__).parents[1]))  # the folder that all benchmarks are in

from kit.science import calibration_error, options, publish

BAND, FRACTION = (0.2, 0.8), 0.1
BIN = 200  # items of a bin
HELD_BACK = (2, 4, 6, 8)  # rollouts that are seen, of ten
NUMBERS = (2, 4, 8, 16, "1 to 16")  # rollouts of an item that are drawn
PAIRS = 60  # of models, drawn
FIRST, ROUNDS, EACH = 4, 2, 2  # rollouts of each item, then rounds of as many more for each on average
UNIFORM = (8, 12)


def rollouts(folder):
    """Whether each rollout is right, by model: [items, rollouts] each."""
    table = folder / "cruxeval-output.csv.gz"
    runs = ez.record(table, progress=False)
    right = {}
    for run in runs:
        rows = run.outcomes.rows.assign(trial=run.outcomes.rows["trial"].astype(int))
        right[run.model] = rows.pivot(index="item", columns="trial", values="correct").to_numpy()
    return right


def numbers_of(num, size, draw):
    return draw.integers(1, 17, size) if num == "1 to 16" else np.full(size, num)


def count_shares(rates, num):
    """The probability [K, num + 1] of each number of right rollouts of ``num`` further ones."""
    of_point = binom.pmf(np.arange(num + 1), num, rates.probability[:, None])
    return (rates.posterior @ of_point)[rates.kind]


def foretold(right, seen, draw):
    """How well ``seen`` rollouts of each item foretell the others: a dict of numbers."""
    order = draw.permuted(np.tile(np.arange(right.shape[1]), (len(right), 1)), axis=1)
    mixed = np.take_along_axis(right, order, axis=1)
    known, rest = mixed[:, :seen].sum(axis=1), mixed[:, seen:]
    rates = fit_rates(np.full(len(right), float(seen)), known)
    count, num = rest.sum(axis=1).astype(int), rest.shape[1]
    shares = count_shares(rates, num)
    below = np.cumsum(shares, axis=1)
    at = np.arange(len(count))
    # a count is in the interval for as much of it as lies there: counts are few
    low, high = below[at, count] - shares[at, count], below[at, count]
    inside = np.clip(np.minimum(high, 0.95) - np.maximum(low, 0.05), 0, None) / np.maximum(high - low, 1e-12)
    share = rest.mean(axis=1)
    return {
        "off": calibration_error(rates.expected, share),
        "inside": inside.mean(),
        "error": ((rates.expected - share) ** 2).mean(),
        "raw": ((known / seen - share) ** 2).mean(),
    }


def off_in_bins(p, came):
    """How far a probability [R, K] is from what came, in bins of 200 items, each the mean over R draws."""
    order = np.argsort(p, axis=1)
    p, came = (np.take_along_axis(one, order, axis=1).reshape(len(one), -1, BIN) for one in (p, came))
    return (p - came).mean(axis=(0, 2))


def mixture_of(right):
    return fit_rates(np.full(len(right), float(right.shape[1])), right.sum(axis=1))


def true_rates(mixture, draw):
    """A rate for each item, drawn from its posterior, anywhere in the cell of a point of the grid."""
    step = mixture.places[1] - mixture.places[0]
    ends = np.cumsum(mixture.posterior, axis=1)[mixture.kind]
    at = (ends < draw.random((len(ends), 1)) * ends[:, -1:]).sum(axis=1)
    return ndtr(mixture.places[at] + step * draw.uniform(-0.5, 0.5, len(ends)))


def drawn(right, num, repeats, draw):
    """How far p_hard, p_easy and p_between are off in the worst bin, where rates are of a fitted mixture."""
    size, mixture = len(right), mixture_of(right)
    names = ("p_hard", "p_easy", "p_between")
    p, came = ({name: np.empty((repeats, size)) for name in names} for _ in range(2))
    for at in range(repeats):
        true = true_rates(mixture, draw)
        trials = numbers_of(num, size, draw)
        rates = fit_rates(trials.astype(float), draw.binomial(trials, true).astype(float))
        for side in ("hard", "easy"):
            p[f"p_{side}"][at] = rates.belongs(FRACTION, side)
            came[f"p_{side}"][at] = select(true, FRACTION, side)
        p["p_between"][at] = rates.between(*BAND)
        came["p_between"][at] = (true >= BAND[0]) & (true <= BAND[1])
    return {name: np.abs(off_in_bins(p[name], came[name])).max() for name in names}


def agreements(right, num, draw):
    """How far agreement of pairs of models is off, how often its interval holds it, how often it is untold.

    The rates of both models are drawn from the posterior of the same items, so that models have in common
    what they have.
    """
    mixtures = {name: mixture_of(one) for name, one in right.items()}
    pairs = list(combinations(mixtures.values(), 2))
    off, inside, blank = [], [], 0
    for at in draw.choice(len(pairs), PAIRS, replace=False):
        true = [true_rates(one, draw) for one in pairs[at]]
        counts = []
        for rates in true:
            trials = numbers_of(num, len(rates), draw)
            counts += [trials.astype(float), draw.binomial(trials, rates).astype(float)]
        for side, told in rate_agreements(PairedCounts(*counts), FRACTION).items():
            ours, theirs = (select(rates, FRACTION, side) for rates in true)
            truth = float(ours @ theirs) / ours.sum()
            if np.isnan(told.rate):
                blank += 1
                continue
            off.append(told.rate - truth)
            inside.append(told.low <= truth <= told.high)
    texts = (f"{np.mean(off):+.3f}", f"{np.mean(inside):.3f}") if off else ("", "")
    return *texts, f"{blank / (2 * PAIRS):.2f}"


def decided(trials, right, true, member):
    """The share of items of which it is rightly said whether they are in a set."""
    rates = fit_rates(trials, right.astype(float))
    if member == "band":
        p, is_in = rates.between(*BAND), (true >= BAND[0]) & (true <= BAND[1])
    else:
        p, is_in = rates.belongs(FRACTION, "hard"), select(true, FRACTION, "hard") >= 0.5
    return float(((p >= 0.5) == is_in).mean())


def adaptive(right, member, draw):
    """The shares decided rightly by adaptive rollouts, by as many uniform ones, and by half as many more."""
    size, mixture = len(right), mixture_of(right)
    true = true_rates(mixture, draw)
    trials = np.full(size, float(FIRST))
    hits = draw.binomial(FIRST, true).astype(float)
    for _ in range(ROUNDS):
        rates = fit_rates(trials, hits)
        tail = rates.band(*BAND) if member == "band" else rates.tail(FRACTION, "hard")
        more = allot(rates, EACH * size, tail).more
        trials, hits = trials + more, hits + draw.binomial(more, true)
    counts = [(trials, hits), *((np.full(size, float(num)), draw.binomial(num, true)) for num in UNIFORM)]
    return [decided(*one, true, member) for one in counts]


def gain_text(shares):
    """The mean gain [models, draws] of the first over each of the others, with its interval over models."""
    from scipy.stats import t

    means = np.mean(shares, axis=1)
    texts = [f"{one:.3f}" for one in means.mean(axis=0)]
    for at in range(1, means.shape[1]):
        gains = means[:, 0] - means[:, at]
        reach = t.ppf(0.975, len(gains) - 1) * gains.std(ddof=1) / np.sqrt(len(gains))
        texts.append(f"{gains.mean():+.3f} [{gains.mean() - reach:+.3f}, {gains.mean() + reach:+.3f}]")
    return texts


def main():
    given = options(__doc__, "--data", more={"--repeats": 20, "--seed": 0})
    began = time.process_time()
    right = rollouts(given.data)
    cost = [("248,000 rollouts recorded and read", f"{time.process_time() - began:.1f}")]
    streams = [np.random.default_rng(one) for one in np.random.SeedSequence(given.seed).spawn(4)]
    ahead, worst, paired, gains = [], [], [], []
    for seen in HELD_BACK:
        every = [foretold(one, seen, streams[0]) for one in right.values()]
        ahead.append((str(seen), *(f"{np.mean([one[key] for one in every]):.3f}" for key in every[0])))
    for num in NUMBERS:
        every = [drawn(one, num, given.repeats, streams[1]) for one in right.values()]
        worst.append((str(num), *(f"{max(one[key] for one in every):.3f}" for key in every[0])))
        print(worst[-1], flush=True)
    began = time.process_time()
    for num in NUMBERS[1:]:
        paired.append((str(num), *agreements(right, num, streams[2])))
        print(paired[-1], flush=True)
    cost.append(("agreement of a pair", f"{(time.process_time() - began) / PAIRS / len(NUMBERS[1:]):.2f}"))
    for member in ("band", "hardest"):
        shares = [[adaptive(one, member, streams[3]) for _ in range(given.repeats)] for one in right.values()]
        gains.append((MEMBERS[member], *gain_text(np.array(shares))))
        print(gains[-1], flush=True)
    tables = {"held-back": (FORETOLD, ahead), "cost": (COST, cost)}
    publish(given.docs, "outcomes", tables, (OFF, worst), (AGREEMENT, paired), (GAIN, gains))


MEMBERS = {"band": "between 0.2 and 0.8", "hardest": "the hardest tenth"}
FORETOLD = (
    "rollouts seen, of 10", "rate held back: off", "count in its 90 % range", "squared error",
    "of the observed rate",
)  # fmt: skip
OFF = ("rollouts", "p_hard off", "p_easy off", "p_between off")
AGREEMENT = ("rollouts of either", "off", "interval holds it", "not told")
GAIN = (
    "decided rightly",
    "8 adaptive",
    *(f"{num} uniform" for num in UNIFORM),
    *(f"gain on {num}" for num in UNIFORM),
)
COST = ("what", "seconds of a processor")


if __name__ == "__main__":
    main()
