"""The claims of the paper, row by row as its reading fixes them: statistic, interval, margin, verdict."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations, product

from easiness import analysis
from easiness.analysis import MIN_GROUP, GroupMatch
from easiness.paper.claims import Claim, Contrast, Side, Statistic
from easiness.paper.perturbation import PerturbationCurve, PseudoPatterns
from easiness.paper.reproduction.presets import Kind
from easiness.paper.training_sets import (
    AccuracyCurve,
    TrainingSetStudy,
    breakdown,
    contrast,
    differences,
    steps,
)
from easiness.paper.validation import Validation
from easiness.studies.matching import Comparison
from easiness.studies.similarity import Similarity

_CLAIMS = {
    "1": ("easy sets of different CNNs match far above chance", "every CNN pair above 0.2"),
    "2": ("so do hard sets", "every CNN pair above 0.2"),
    "3": (
        "MLP and CNN easy sets match low in CIFAR-10, high in mini ImageNet",
        "MLP-CNN below (above) half of the CNN-CNN median",
    ),
    "4": (
        "easy examples of a class look alike, hard ones differ",
        "mean within-class distance: easy below random, hard above easy, in both spaces",
    ),
    "5": (
        "early learning rests on structure and high frequency in CIFAR-10, on color in mini ImageNet",
        "easy-set matching lost at alpha = 0, against that lost at tile 0.25 and at r = a quarter of the "
        "side: less than both (more than both)",
    ),
    "6a": (
        "dropping hard examples hurts steadily",
        "accuracy below random's at every rate tested, and falling",
    ),
    "6b": (
        "dropping easy ones hurts sharply past about 0.6",
        "loss per rate beyond 0.6 at least twice that before",
    ),
    "6c": ("random is best", "random at or above both at every rate"),
    "7a": (
        "corrupting easy labels breaks down from about 0.3",
        "loss per rate beyond 0.3 at least twice that before",
    ),
    "7b": (
        "and fails under heavy noise, where corrupting hard ones still learns",
        "at 0.9: easy within 2 points of chance or worse, hard at least twice chance",
    ),
    "7c": ("corrupting hard ones degrades steadily", "falling at every step"),
    "8": (
        "misclassified validation examples are mostly hard",
        "more than half of them in the hardest quarter",
    ),
    "9": (
        "in mini ImageNet batch normalization decides which examples are hard",
        "hard-set matching among networks with it above that between with and without",
    ),
    "10": (
        "pseudo patterns exist",
        "more low-pass examples that all N models get right than K * (accuracy at that level)^N",
    ),
}
"""The claims with what has to be seen for each to hold, in the order of the table."""

_OTHER_DATA = "the claim is about CIFAR-10 and mini ImageNet, and these are other data"
_ONE_CNN = "needs two CNNs"
_READINGS: dict[Kind, tuple[Side, str]] = {
    "small": ("below", "read as for CIFAR-10"),
    "photos": ("above", "read as for mini ImageNet"),
}
"""The side of its margin on which a claim about both data sets needs a value, by the kind of data."""
_FEW = "fewer than {} {} decide nothing"
_FEW_TRIALS = f"groups of {_FEW.format(MIN_GROUP, 'trials')}"
_FEW_REPETITIONS = _FEW.format(MIN_GROUP, "repetitions")


@dataclass(frozen=True)
class PaperResults:
    """Results of the experiments; ``easy`` and ``hard`` are at the epoch that resolves that tail best.

    ``similarity`` is why there is none, where no class has enough easy and hard examples. ``side`` is the
    shorter one of the images in pixels. ``curves`` are empty where nothing was perturbed.
    """

    kind: Kind
    mlps: tuple[str, ...]
    cnns: tuple[str, ...]
    batch_norm: tuple[str, ...]
    side: int
    easy: Comparison
    hard: Comparison
    curves: Mapping[str, PerturbationCurve]
    similarity: Similarity | str
    ablation: TrainingSetStudy
    corruption: TrainingSetStudy
    validation: Validation
    pseudo: PseudoPatterns


def paper_claims(results: PaperResults) -> list[Claim]:
    return [
        _cnn_pairs(results, "1", "easy", results.easy),
        _cnn_pairs(results, "2", "hard", results.hard),
        _mlp_against_cnns(results),
        _alike(results.similarity),
        _structure_or_color(results),
        *ablation_claims(results.ablation),
        *corruption_claims(results.corruption),
        _validation(results.validation),
        _batch_norm(results),
        _pseudo(results.pseudo),
    ]


def _claim(number: str, *statistics: Statistic, not_tested: str = "", note: str = "") -> Claim:
    return Claim(number, *_CLAIMS[number], statistics, not_tested, note)


def _statistic(
    name: str, one: Contrast, side: Side, margin: float = 0.0, few: str = _FEW_REPETITIONS
) -> Statistic:
    return Statistic(name, one.value, one.interval, side, margin, "" if one.decided else few)


def _pairs(
    comparison: Comparison, pairs: Iterable[tuple[str, str]], side: analysis.Side
) -> dict[str, GroupMatch]:
    """Matching rates of pairs of networks under ``refine``, by their names."""
    place = comparison.names.index
    groups = {f"{a} and {b}": comparison.cell(place(a), place(b), side, "refine").groups for a, b in pairs}
    return {names: one for names, one in groups.items() if one is not None}


def _cnn_pairs(results: PaperResults, number: str, side: analysis.Side, comparison: Comparison) -> Claim:
    if len(results.cnns) < 2:
        return _claim(number, not_tested=_ONE_CNN)
    rows = []
    for names, one in _pairs(comparison, combinations(results.cnns, 2), side).items():
        name = f"{side} sets of {names} (class chance {one.class_chance:.2f})"
        rate = Contrast(one.rate, one.interval, one.decided)
        rows.append(_statistic(name, rate, "above", 0.2, _FEW_TRIALS))
    note = f"refined sets {comparison.at}; chance {comparison.fraction:g}"
    return _claim(number, *rows, note=note)


def _mlp_against_cnns(results: PaperResults) -> Claim:
    if results.kind == "other":
        return _claim("3", not_tested=_OTHER_DATA)
    cnn = list(_pairs(results.easy, combinations(results.cnns, 2), "easy").values())
    if not cnn:
        return _claim("3", not_tested=_ONE_CNN)
    median = statistics.median(one.rate for one in cnn)
    below = statistics.median(one.rate - one.interval[0] for one in cnn) / 2
    above = statistics.median(one.interval[1] - one.rate for one in cnn) / 2
    side, note = _READINGS[results.kind]
    rows = []
    for names, one in _pairs(results.easy, product(results.mlps, results.cnns), "easy").items():
        value = one.rate - median / 2
        # both rates are uncertain: what an interval reaches to either side adds up as squares
        low = value - math.hypot(one.rate - one.interval[0], above)
        high = value + math.hypot(one.interval[1] - one.rate, below)
        rate = Contrast(value, (low, high), all(groups.decided for groups in (one, *cnn)))
        name = f"easy sets of {names}, less half of the CNN-CNN median"
        rows.append(_statistic(name, rate, side, few=_FEW_TRIALS))
    return _claim("3", *rows, note=note)


def _alike(result: Similarity | str) -> Claim:
    if isinstance(result, str):
        return _claim("4", note=result)
    few = "" if result.is_decided else _FEW.format(MIN_GROUP, "trials")
    classes = f"{len(result.classes)} of {result.num_classes} classes"
    if len(result.classes) < result.num_classes / 2 or result.smallest < MIN_GROUP:
        sparse = f"only {classes} have easy and hard examples, the smallest set {result.smallest}"
        few = few or f"{sparse}: too few for an interval"
    rows = []
    sides: dict[str, Side] = {"easy - random": "below", "hard - easy": "above"}
    for space, (name, side) in product(result.by_class, sides.items()):
        value, *interval = result.of(space, name)[["value", "low", "high"]]
        rows.append(Statistic(f"{space} distance, {name}", value, tuple(interval), side, 0.0, few))
    note = f"{result.model} {result.row.at}, {classes}; features of one trained network"
    return _claim("4", *rows, note=note)


def _structure_or_color(results: PaperResults) -> Claim:
    curves = results.curves
    reasons = {
        _OTHER_DATA: results.kind == "other",
        "images are too small for tiles of a quarter": results.side < 8,
        "the preset leaves out the networks' look at perturbed examples": not curves,
        "the images are grey: they have no color to lose": curves and curves["color"].changes_nothing,
    }
    for reason, applies in reasons.items():
        if applies:
            return _claim("5", not_tested=reason)
    side, note = _READINGS[results.kind]
    quarter = results.side / 4
    rows = []
    for kind, level, name in (("shuffle", 0.25, "tile 0.25"), ("radial", quarter, f"r = {quarter:g}")):
        one = curves["color"].lost_more(0.0, curves[kind], level)
        what = f"matching lost at alpha = 0, less that lost at {name}"
        rows.append(_statistic(what, one, side, few=_FEW_TRIALS))
    return _claim("5", *rows, note=note)


def _falls(curve: AccuracyCurve, what: str) -> Iterator[Statistic]:
    for (low, high), one in steps(curve).items():
        yield _statistic(f"{what}, from rate {low:g} to {high:g}", one, "below")


def _below(a: AccuracyCurve, b: AccuracyCurve, what: str) -> Iterator[Statistic]:
    for rate, one in differences(a, b).items():
        yield _statistic(f"{what}, at rate {rate:g}", one, "below")


def _breaks(curve: AccuracyCurve, at: float, what: str) -> Iterator[Statistic]:
    after, excess = breakdown(curve, at)
    yield _statistic(f"loss per rate beyond {at:g}, {what}", after, "above")
    yield _statistic(f"the same, less twice that before {at:g}", excess, "above")


def _accuracy_note(study: TrainingSetStudy) -> str:
    least = study.rates[0]
    right = study.curves["random"][least].mean()
    what = f"{study.model}, {study.repetitions} repetitions of {study.epochs} epochs"
    return f"{what}, right about {right:.0%} of the held-out examples at rate {least:g}"


def ablation_claims(study: TrainingSetStudy) -> list[Claim]:
    easy, hard, random = (study.curves[policy] for policy in ("easy", "hard", "random"))
    hard_less = list(_below(hard, random, "hard dropped - random dropped"))
    easy_less = _below(easy, random, "easy dropped - random dropped")
    note = _accuracy_note(study)
    return [
        _claim("6a", *hard_less, *_falls(hard, "change, hard dropped"), note=note),
        _claim("6b", *_breaks(easy, 0.6, "easy dropped"), note=note),
        _claim("6c", *easy_less, *hard_less, note=note),
    ]


def corruption_claims(study: TrainingSetStudy) -> list[Claim]:
    easy, hard = study.curves["easy"], study.curves["hard"]
    chance, note = study.chance, _accuracy_note(study)
    if 2 * chance >= 1:
        noise = _claim("7b", not_tested="twice chance is more than any network can reach", note=note)
    else:
        low, high = (contrast([(1, curve[0.9])]) for curve in (easy, hard))
        noise = _claim(
            "7b",
            _statistic("accuracy, easy relabelled at 0.9", low, "below", chance + 0.02),
            _statistic("accuracy, hard relabelled at 0.9", high, "above", 2 * chance),
            note=note,
        )
    return [
        _claim("7a", *_breaks(easy, 0.3, "easy relabelled"), note=note),
        noise,
        _claim("7c", *_falls(hard, "change, hard relabelled"), note=note),
    ]


def _validation(result: Validation) -> Claim:
    quarter = result.hardest(0.25)
    wrong = f"wrong about {result.num_wrong / (result.num_validation * result.num_final):.0%}"
    if not quarter["most"] > 0.5:  # also where nothing is misclassified
        reason = (
            f"the final models are {wrong} of the validation examples, so that no ranking could put more "
            "than half of these into a quarter"
        )
        return _claim("8", not_tested=reason)
    few = "" if result.is_decided and result.num_final >= MIN_GROUP else _FEW_TRIALS
    what = "share of the misclassified in the hardest quarter"
    note = (
        f"{result.num_final} final models after {result.final_epoch} epochs, {wrong}; no ranking could put "
        f"more than {quarter['most']:.2f} of that into a quarter of the examples"
    )
    value, *interval = map(float, quarter[["value", "low", "high"]])
    return _claim("8", Statistic(what, value, (interval[0], interval[1]), "above", 0.5, few), note=note)


def _batch_norm(results: PaperResults) -> Claim:
    own = results.batch_norm
    if not own:
        reason = "the networks here all have batch normalization, or the data are not mini ImageNet"
        return _claim("9", not_tested=reason)
    others = [one for one in results.cnns if one not in own]
    among = list(_pairs(results.hard, combinations(own, 2), "hard").values())
    between = list(_pairs(results.hard, product(own, others), "hard").values())
    value = statistics.mean(one.rate for one in among) - statistics.mean(one.rate for one in between)
    # rates that share a network are not independent: half widths are added up as if all moved together
    widths = (statistics.mean(one.interval[1] - one.interval[0] for one in of) / 2 for of in (among, between))
    margin = sum(widths)
    what = "mean hard-set matching among networks with it, less that between with and without"
    rate = Contrast(value, (value - margin, value + margin), all(one.decided for one in [*among, *between]))
    return _claim("9", _statistic(what, rate, "above", few=_FEW_TRIALS))


def _pseudo(patterns: PseudoPatterns) -> Claim:
    level, num = patterns.at_level, patterns.num_trials
    what = (
        f"examples that all {num} models get right at r = {patterns.level:g}, less those expected by chance"
    )
    value, low, high = (level[one] - level["chance"] for one in ("count", "low", "high"))
    few = "" if num >= MIN_GROUP else _FEW.format(MIN_GROUP, "models")
    note = (
        f"{patterns.model} after {patterns.row.number} epochs, {level['count']} of {level['num_examples']} "
        f"{patterns.probe.replace('_', '-')} examples; by class difficulty alone {level['class_chance']:.1f}"
    )
    return _claim("10", Statistic(what, value, (low, high), "above", 0.0, few), note=note)
