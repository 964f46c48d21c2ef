"""What a perturbation costs of the matching rate, and which of two perturbations costs more."""

from __future__ import annotations

from easiness.analysis import Side, Ties
from easiness.errors import BadInput
from easiness.studies.perturbation.match import Loss, loss_between, replicated_loss, with_interval
from easiness.studies.perturbation.perturbed_sets import PerturbedSets


def lost(curve: PerturbedSets, level: float, side: Side = "easy", ties: Ties = "refine") -> Loss:
    """The matching rate between disjoint groups at the neutral level (the ceiling) less that at ``level``.

    Raises:
        BadInput: the curve has no such point.
    """
    return loss_between(curve.at(curve.neutral, side, ties), curve.at(level, side, ties))


def difference_of_losses(
    curve_a: PerturbedSets,
    level_a: float,
    curve_b: PerturbedSets,
    level_b: float,
    side: Side = "easy",
    ties: Ties = "refine",
) -> Loss:
    """How much more is lost at ``level_a`` of the one perturbation than at ``level_b`` of the other.

    Below 0 where the first costs less. Each replicate takes the same trials for both.

    Raises:
        BadInput: the curves are not of one run with one seed and fraction, or have no such point.
    """
    for name in ("run", "epoch", "trials", "seed", "fraction"):
        ours, theirs = getattr(curve_a, name), getattr(curve_b, name)
        if ours != theirs:
            raise BadInput(
                f"the curves of {curve_a.kind} and {curve_b.kind} differ in {name} ({ours} and {theirs}): "
                "losses can be compared between curves of one run with one seed and fraction"
            )
    value_a, replicates_a, decided_a = replicated_loss(
        curve_a.at(curve_a.neutral, side, ties), curve_a.at(level_a, side, ties)
    )
    value_b, replicates_b, decided_b = replicated_loss(
        curve_b.at(curve_b.neutral, side, ties), curve_b.at(level_b, side, ties)
    )
    if replicates_a.shape != replicates_b.shape:
        raise BadInput(
            f"the curves of {curve_a.kind} and {curve_b.kind} have {len(replicates_a)} and "
            f"{len(replicates_b)} replicates: make them with the same number"
        )
    return with_interval(value_a - value_b, replicates_a - replicates_b, decided_a and decided_b)
