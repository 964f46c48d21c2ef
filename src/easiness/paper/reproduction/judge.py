"""The claims of the paper, row by row as its reading fixes them: statistic, interval, margin, verdict."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations

from easiness.analysis import MIN_GROUP, GroupMatch, Side
from easiness.paper.perturbation import PerturbationCurve, PseudoPatterns, difference_of_losses
from easiness.paper.reproduction.claims import Claim, Statistic, ablation_claims, corruption_claims
from easiness.paper.reproduction.presets import Kind
from easiness.paper.training_sets import TrainingSetStudy
from easiness.paper.validation import Validation
from easiness.studies.matching import Comparison
from easiness.studies.similarity import Similarity

_OTHER_DATA = "the claim is about CIFAR-10 and mini ImageNet, and these are other data"
_ONE_CNN = "needs two CNNs"
_FEW_TRIALS = f"groups of fewer than {MIN_GROUP} trials decide nothing"


@dataclass(frozen=True)
class PaperResults:
    """What the experiments gave; ``easy`` and ``hard`` are at the epoch that resolves that tail best.

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
    """Every row of the table, in its order."""
    return [
        _cnn_pairs(results, "1", "easy", "easy sets of different CNNs match far above chance"),
        _cnn_pairs(results, "2", "hard", "so do hard sets"),
        _mlp_against_cnns(results),
        _alike(results),
        _structure_or_color(results),
        *ablation_claims(results.ablation),
        *corruption_claims(results.corruption),
        _validation(results.validation),
        _batch_norm(results),
        _pseudo(results.pseudo),
    ]


def _pairs(comparison: Comparison, a: Iterable[str], b: Iterable[str], side: Side) -> dict[str, GroupMatch]:
    """Matching rates under ``refine`` of every network of ``a`` with every one of ``b``, by their names."""
    found = {}
    for first in a:
        for second in b:
            i, j = comparison.names.index(first), comparison.names.index(second)
            groups = comparison.cell(i, j, side, "refine").groups
            if groups is not None:
                found[f"{first} and {second}"] = groups
    return found


def _among(comparison: Comparison, names: Iterable[str], side: Side) -> dict[str, GroupMatch]:
    found: dict[str, GroupMatch] = {}
    for first, second in combinations(names, 2):
        found |= _pairs(comparison, [first], [second], side)
    return found


def _half_width(groups: GroupMatch) -> float:
    return (groups.interval[1] - groups.interval[0]) / 2


def _few(groups: Iterable[GroupMatch]) -> str:
    return "" if all(one.decided for one in groups) else _FEW_TRIALS


def _cnn_pairs(results: PaperResults, number: str, side: Side, text: str) -> Claim:
    comparison = results.easy if side == "easy" else results.hard
    pairs, condition = _among(comparison, results.cnns, side), "every CNN pair above 0.2"
    if len(results.cnns) < 2:
        return Claim(number, text, condition, (), not_tested=_ONE_CNN)
    return Claim(
        number,
        text,
        condition,
        tuple(
            Statistic(
                f"{side} sets of {name} (class chance {one.class_chance:.2f})",
                one.rate,
                one.interval,
                "above",
                0.2,
                _few([one]),
            )
            for name, one in pairs.items()
        ),
        note=f"refined sets after epoch {comparison.epoch}; chance {comparison.fraction:g}",
    )


def _mlp_against_cnns(results: PaperResults) -> Claim:
    text = "MLP and CNN easy sets match low in CIFAR-10, high in mini ImageNet"
    condition = "MLP-CNN below (above) half of the CNN-CNN median"
    if results.kind == "other":
        return Claim("3", text, condition, (), not_tested=_OTHER_DATA)
    cnn = list(_among(results.easy, results.cnns, "easy").values())
    if not cnn:
        return Claim("3", text, condition, (), not_tested=_ONE_CNN)
    median = statistics.median(one.rate for one in cnn)
    below = statistics.median(one.rate - one.interval[0] for one in cnn) / 2
    above = statistics.median(one.interval[1] - one.rate for one in cnn) / 2
    statistics_ = []
    for name, one in _pairs(results.easy, results.mlps, results.cnns, "easy").items():
        value = one.rate - median / 2
        # both rates are uncertain: what an interval reaches to either side adds up as squares
        low = value - math.hypot(one.rate - one.interval[0], above)
        high = value + math.hypot(one.interval[1] - one.rate, below)
        statistics_.append(
            Statistic(
                f"easy sets of {name}, less half of the CNN-CNN median",
                value,
                (low, high),
                "above" if results.kind == "photos" else "below",
                0.0,
                _few([one, *cnn]),
            )
        )
    return Claim("3", text, condition, tuple(statistics_), note=_of_which(results.kind))


def _of_which(kind: Kind) -> str:
    return "read as for mini ImageNet" if kind == "photos" else "read as for CIFAR-10"


def _alike(results: PaperResults) -> Claim:
    text = "easy examples of a class look alike, hard ones differ"
    condition = "mean within-class distance: easy below random, hard above easy, in both spaces"
    found = results.similarity
    if isinstance(found, str):
        return Claim("4", text, condition, (), note=found)
    few = "" if found.decided else f"fewer than {MIN_GROUP} trials decide nothing"
    if len(found.classes) < found.num_classes / 2 or found.smallest < MIN_GROUP:
        few = few or (
            f"only {len(found.classes)} of {found.num_classes} classes have easy and hard examples, the "
            f"smallest set {found.smallest}: too few for an interval"
        )
    rows = []
    for space in found.spaces.values():
        easy, hard = space.differences["easy - random"], space.differences["hard - easy"]
        rows += [
            Statistic(f"{space.space} distance, easy - random", easy.value, easy.interval, "below", 0.0, few),
            Statistic(f"{space.space} distance, hard - easy", hard.value, hard.interval, "above", 0.0, few),
        ]
    return Claim(
        "4",
        text,
        condition,
        tuple(rows),
        note=(
            f"{found.model} {found.row.at}, {len(found.classes)} of {found.num_classes} classes; "
            "features of one trained network"
        ),
    )


def _structure_or_color(results: PaperResults) -> Claim:
    text = "early learning rests on structure and high frequency in CIFAR-10, on color in mini ImageNet"
    condition = (
        "easy-set matching lost at alpha = 0, against that lost at tile 0.25 and at r = a quarter of the "
        "side: less than both (more than both)"
    )
    if results.kind == "other":
        return Claim("5", text, condition, (), not_tested=_OTHER_DATA)
    if results.side < 8:
        return Claim("5", text, condition, (), not_tested="images are too small for tiles of a quarter")
    curves = results.curves
    if not curves:
        reason = "the preset leaves out the networks' look at perturbed examples"
        return Claim("5", text, condition, (), not_tested=reason)
    if curves["color"].changes_nothing:
        return Claim("5", text, condition, (), not_tested="the images are grey: they have no color to lose")
    rows = []
    for kind, level, name in (
        ("shuffle", 0.25, "tile 0.25"),
        ("radial", results.side / 4, f"r = {results.side / 4:g}"),
    ):
        one = difference_of_losses(curves["color"], 0.0, curves[kind], level)
        rows.append(
            Statistic(
                f"matching lost at alpha = 0, less that lost at {name}",
                one.value,
                one.interval,
                "above" if results.kind == "photos" else "below",
                0.0,
                "" if one.decided else _FEW_TRIALS,
            )
        )
    return Claim("5", text, condition, tuple(rows), note=_of_which(results.kind))


def _validation(found: Validation) -> Claim:
    text = "misclassified validation examples are mostly hard"
    condition = "more than half of them in the hardest quarter"
    quarter = found.shares_in_hardest[0.25]
    wrong = found.num_wrong / (found.num_validation * found.num_final)
    if not quarter.most > 0.5:  # also where nothing is misclassified
        reason = (
            f"the final models are wrong about {wrong:.0%} of the validation examples, so that no ranking "
            "could put more than half of these into a quarter"
        )
        return Claim("8", text, condition, (), not_tested=reason)
    row = Statistic(
        "share of the misclassified in the hardest quarter",
        quarter.value,
        quarter.interval,
        "above",
        0.5,
        "" if found.decided and found.num_final >= MIN_GROUP else _FEW_TRIALS,
    )
    note = (
        f"{found.num_final} final models after {found.final_epoch} epochs, wrong about {wrong:.0%}; no "
        f"ranking could put more than {quarter.most:.2f} of that into a quarter of the examples"
    )
    return Claim("8", text, condition, (row,), note=note)


def _batch_norm(results: PaperResults) -> Claim:
    text = "in mini ImageNet batch normalization decides which examples are hard"
    condition = "hard-set matching among networks with it above that between with and without"
    if not results.batch_norm:
        reason = "the networks here all have batch normalization, or the data are not mini ImageNet"
        return Claim("9", text, condition, (), not_tested=reason)
    without = [name for name in results.cnns if name not in results.batch_norm]
    among = list(_among(results.hard, results.batch_norm, "hard").values())
    between = list(_pairs(results.hard, results.batch_norm, without, "hard").values())
    value = statistics.mean(m.rate for m in among) - statistics.mean(m.rate for m in between)
    # rates that share a network are not independent: half widths are added up as if all moved together
    margin = statistics.mean(map(_half_width, among)) + statistics.mean(map(_half_width, between))
    row = Statistic(
        "mean hard-set matching among networks with it, less that between with and without",
        value,
        (value - margin, value + margin),
        "above",
        0.0,
        _few([*among, *between]),
    )
    return Claim("9", text, condition, (row,))


def _pseudo(found: PseudoPatterns) -> Claim:
    level = next(one for one in found.levels if one.level == found.level)
    low, high = level.interval
    few = "" if found.num_trials >= MIN_GROUP else f"fewer than {MIN_GROUP} models decide nothing"
    return Claim(
        "10",
        "pseudo patterns exist",
        "more low-pass examples that all N models get right than K * (accuracy at that level)^N",
        (
            Statistic(
                f"examples that all {found.num_trials} models get right at r = {found.level:g}, "
                "less those expected by chance",
                level.count - level.chance,
                (low - level.chance, high - level.chance),
                "above",
                0.0,
                few,
            ),
        ),
        note=(
            f"{found.model} after {found.epoch} epochs, {level.count} of {level.num_examples} "
            f"{found.probe.replace('_', '-')} examples; by class difficulty alone {level.class_chance:.1f}"
        ),
    )
