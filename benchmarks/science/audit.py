"""Do an audit's intervals hold, whatever p_wrong is worth, and how many looks do they save?

Labels of which it is known which are wrong are audited hundreds of times, with p_wrong that is right, too
sure, as of labels that people mix up, worth nothing, and upside down; and by random draws, without one.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
from scipy.stats import hypergeom

from easiness import load_dataset, measure, suspects
from easiness.analysis import (
    Strata,
    draw_in_sequence,
    most_wrong,
    stratify,
    wealth_of_looks,
    wrong_in_strata,
)
from easiness.analysis.audit import allocate

sys.path.insert(0, str(Path(__file__).parents[1]))  # the folder that all benchmarks are in

from kit.science import options, publish

KINDS = ("calibrated", "overconfident", "people", "useless", "inverted")
"""The worth of p_wrong: right; three times too sure; half of the wrong labels overlooked and some sound ones
suspected; nothing, in the same distribution; the most suspicious ones last."""

SHARPNESS = 0.3  # of a beta distribution: most labels are surely right or surely wrong


def world(kind, num_wrong, num, rng):
    """p_wrong [num], falling, and which labels are wrong, exactly ``num_wrong`` of them."""
    mean = max(num_wrong, 0.4) / num
    if kind == "people":
        wrong = np.arange(num) < num_wrong
        overlooked = rng.beta(1.8 * mean, 3, num)
        seen = np.where(rng.random(num) < 0.5, overlooked, rng.beta(5, 1.5, num))
        suspected = np.where(
            rng.random(num) < 0.03, rng.beta(0.5, 0.5, num), rng.beta(0.9 * mean + 0.01, 3, num)
        )
        p = np.where(wrong, seen, suspected)
    else:
        p = rng.beta(SHARPNESS * mean, SHARPNESS * (1 - mean), num).clip(1e-12, 1 - 1e-12)
        wrong = np.zeros(num, np.bool_)
        wrong[np.argsort(rng.exponential(size=num) * (1 - p) / p)[:num_wrong]] = True
        if kind == "useless":
            rng.shuffle(wrong)
        if kind == "inverted":
            p[np.argsort(p)] = np.sort(p)[::-1].copy()
        if kind == "overconfident":
            odds = (p / (1 - p)) ** 3
            p = odds / (1 + odds)
    order = np.argsort(-p, kind="stable")
    return p[order], wrong[order]


def counts(strata: Strata, looks, wrong, times, rng):
    """How many wrong labels are seen in each stratum, in so many draws [times, H]."""
    parts = np.split(wrong, strata.ends[:-1])
    return np.stack(
        [
            rng.hypergeometric(part.sum(), len(part) - part.sum(), num, times)
            for part, num in zip(parts, looks, strict=True)
        ],
        axis=1,
    )


def intervals(sizes, looks, seen, confidence=0.975):
    """Estimate, lower and upper bound [3, times] of counts seen [times, H]."""
    some, which = np.unique(seen, axis=0, return_inverse=True)
    total = sum(sizes)
    found = [
        (
            wrong_in_strata(sizes, looks, one),
            total - most_wrong(sizes, looks, np.subtract(looks, one), confidence),
            most_wrong(sizes, looks, one, confidence),
        )
        for one in some
    ]
    return np.array(found, np.float64)[which.ravel()].T


def at_random(p_wrong):
    """One stratum: an audit by simple random draws."""
    return Strata(np.array([len(p_wrong)]), np.ones(1), p_wrong.mean(keepdims=True))


SIZES, LOOKS = (2_000, 50_000), (50, 100, 300)
SHARES = {"none": 0, "five": None, "1 %": 0.01, "5 %": 0.05, "20 %": 0.2, "40 %": 0.4}
MORE = (0.4, 0.6, 0.8, 0.9, 1, 1.1, 1.2, 1.4, 1.7, 2.2, 3, 4, 5.5)
"""Random draws, over the looks of an audit, that its width is compared with."""

PLANTED = (0.01, 0.05, 0.2)
ALPHA = 0.05


@cache
def width_at_random(size, num_wrong, looks):
    """The mean width of the interval from random draws, exactly."""
    seen = np.arange(looks + 1)
    p = hypergeom.pmf(seen, size, num_wrong, looks)
    some = seen[p > 1e-6]
    wide = [
        most_wrong([size], [looks], [k], 0.975) - size + most_wrong([size], [looks], [looks - k], 0.975)
        for k in some
    ]
    return float(np.average(wide, weights=p[some]))


def looks_at_random(size, num_wrong, looks, width):
    tried = sorted({min(round(looks * more), size) for more in MORE})
    widths = [width_at_random(size, num_wrong, one) for one in tried]
    return float(np.interp(-width, np.negative(widths), tried))


def audited(p_wrong, wrong, looks, times, rng):
    """How often the interval holds, looks for one at random, and how many standard errors it is off."""
    strata, size, num_wrong = stratify(p_wrong, looks), len(wrong), int(wrong.sum())
    num = allocate(strata, looks)
    found, low, high = intervals(strata.sizes, num, counts(strata, num, wrong, times, rng))
    held = np.mean((low <= num_wrong) & (num_wrong <= high))
    as_many = looks_at_random(size, num_wrong, looks, np.mean(high - low))
    error = (np.mean(found) - num_wrong) / max(np.std(found) / np.sqrt(times), 1e-9)
    return held, looks / as_many, error if np.std(found) else 0.0


def fixed(times):
    """A row for each kind of p_wrong and number of wrong labels, a cell for each size and number of looks."""
    cells = {}
    for size in SIZES:
        for name, share in SHARES.items():
            num_wrong = 5 if share is None else round(share * size)
            for kind in KINDS:
                rng = np.random.default_rng([size, num_wrong, KINDS.index(kind)])
                p_wrong, wrong = world(kind, num_wrong, size, rng)
                for looks in LOOKS:
                    cells[kind, name, size, looks] = audited(p_wrong, wrong, looks, times, rng)
            print(size, name, flush=True)
    return cells


def in_sequence(times, size, at_most, most_looks, parts):
    """Rows: how often a bound is ever below the truth, and looks until it is below ``at_most``.

    Of these ``parts`` of it labels are wrong.
    """
    rows, rng = [], np.random.default_rng(0)
    for part in parts:
        num_wrong = round(part * at_most * size)
        for kind in KINDS:
            p_wrong, wrong = world(kind, num_wrong, size, rng)
            strata = stratify(p_wrong, round(-np.log(ALPHA) / at_most))
            ever, needed = stopped(strata, wrong, at_most, most_looks, times, rng)
            _, alone = stopped(at_random(p_wrong), wrong, at_most, most_looks, times, rng)
            ever = f"{ever:.3f}" if num_wrong else "–"
            share = f"{100 * part * at_most:g} %"
            rows.append((f"{size:,}", share, kind, ever, text(needed, most_looks), text(alone, most_looks)))
            print(*rows[-1], flush=True)
    return rows


def text(looks, most_looks):
    return f"{looks:.0f}" if looks <= most_looks else f"> {most_looks}"


def stopped(strata, wrong, at_most, most_looks, times, rng):
    """How often the true number is refuted at any look, and the median of looks until the share is."""
    ranks = np.stack([draw_in_sequence(strata, most_looks, rng) for _ in range(times)])
    tried = np.tile([max(wrong.sum(), 1), np.floor(at_most * len(wrong)) + 1], (times, 1)).astype(float)
    refuted = wealth_of_looks(strata, strata.of(ranks), wrong[ranks], tried).log >= -np.log(ALPHA)
    target = refuted[:, :, 1]
    needed = np.where(target.any(axis=0), target.argmax(axis=0) + 1, most_looks + 1)
    return refuted[:, :, 0].any(axis=0).mean(), np.median(needed)


def digits(times):
    rows, rng = [], np.random.default_rng(0)
    data = load_dataset("digits")
    for share in PLANTED:
        other = (data.labels + rng.integers(1, 10, len(data))) % 10
        chosen = rng.permutation(len(data)) < share * len(data)
        given = np.where(chosen, other, data.labels)
        with tempfile.TemporaryDirectory() as folder:
            run = measure(
                replace(data, labels=given), model="mlp_3", trials=3, epochs=10, out=Path(folder, "run")
            )
            ranked = suspects(run, pictures=False).ranked
        wrong = np.isin(ranked["id"], data.ids[chosen])
        p_wrong = ranked["p_wrong"].to_numpy()
        for looks in LOOKS:
            held, saved, _ = audited(p_wrong, wrong, looks, times, rng)
            cells = (f"{held:.3f}", f"{saved:.2f}")
            rows.append((f"{100 * share:g} %", str(wrong.sum()), str(looks), *cells))
            print(*rows[-1], flush=True)
    return rows


def main():
    asked = options(__doc__, more={"--times": 500})
    cells, real = fixed(asked.times), digits(asked.times)
    sequences = in_sequence(asked.times, 2_000, 0.03, 400, (0, 0.25, 0.5, 1, 5))
    sequences += in_sequence(asked.times // 2, 50_000, 0.01, 800, (0, 0.5, 1))
    flat = [(*key, f"{held:.3f}", f"{ratio:.2f}") for key, (held, ratio, _) in cells.items()]
    fixed_looks = ("p_wrong", "wrong", "labels", "looks", "holds", "looks for one at random")
    networks = ("planted", "wrong", "looks", "holds", "looks for one at random")
    at_any = ("labels", "wrong", "p_wrong", "ever refuted", "looks", "looks at random")
    small = [
        (
            kind,
            f"{min(held for key, (held, *_) in cells.items() if key[0] == kind):.3f}",
            *(f"{cells[kind, name, SIZES[1], 100][1]:.2f}" for name in SHARES),
        )
        for kind in KINDS
    ]
    header = ("p_wrong", "least share that holds", *(f"looks, {name} wrong" for name in SHARES))
    whole = {
        "fixed-looks": (fixed_looks, flat),
        "networks": (networks, real),
        "at-any-look": (at_any, sequences),
    }
    publish(asked.docs, "audit", whole, (header, small))


if __name__ == "__main__":
    main()
