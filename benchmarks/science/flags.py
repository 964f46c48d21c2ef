"""How many of `confident_learning_flag` differ from cleanlab's, and by which of its rules.

The probabilities are made up, for classes of equal and of unequal sizes and with some of the labels wrong.
cleanlab flags what its confident joint counts off the diagonal, or what its filter by confident learning
finds. Its rule for several classes over their thresholds is repeated here with our thresholds: what differs
from its joint then is due to the 1e-6 that it takes off its own.

    python benchmarks/science/flags.py [--examples 50000]
"""

from __future__ import annotations

import argparse
import itertools

import numpy as np
from cleanlab.count import compute_confident_joint
from cleanlab.filter import find_label_issues
from scipy.special import softmax

from easiness.scoring.held_out import off_the_diagonal

CLASSES = (2, 10, 100)
LARGEST_OVER_SMALLEST = (1, 10, 100)  # sizes of the classes, in geometric steps
WRONG = (0, 0.1, 0.3)  # share of the labels drawn anew
LEAD = (2, 4)  # of the true class's logit over noise of standard deviation 1
HEADER = "classes  sizes  wrong  lead  accuracy  flagged  joint in 1000  by 1e-6 in 1000  filter"


def simulated(num_classes, ratio, wrong, lead, examples):
    """Probabilities [examples, classes], labels [examples], and the accuracy on the true classes."""
    rng = np.random.default_rng(0)
    sizes = ratio ** -np.linspace(0, 1, num_classes)
    true = rng.choice(num_classes, examples, p=sizes / sizes.sum())
    labels = np.where(rng.random(examples) < wrong, rng.integers(0, num_classes, examples), true)
    logits = rng.standard_normal((examples, num_classes))
    logits[np.arange(examples), true] += lead
    return softmax(logits, axis=1), labels, (logits.argmax(axis=1) == true).mean()


def by_the_overall_largest(p, labels):
    """Flags by cleanlab's rule and our thresholds: the largest of all classes, where several reach theirs."""
    thresholds = np.array([p[labels == k, k].mean() for k in range(p.shape[1])])
    reached = p >= thresholds - 1e-9
    num = reached.sum(axis=1)
    suggested = np.where(num > 1, p.argmax(axis=1), reached.argmax(axis=1))
    return (num > 0) & (suggested != labels)


def compared(p, labels):
    """Shares: flagged by us; differing from the joint, and by 1e-6 alone; differing from the filter."""
    ours = off_the_diagonal(p.copy(), labels)
    joint = np.zeros(len(labels), np.bool_)
    joint[compute_confident_joint(labels, p, return_indices_of_off_diagonals=True)[1]] = True
    filtered = find_label_issues(labels, p, filter_by="confident_learning", n_jobs=1)
    # the filter is the joint without the examples that are predicted as labelled
    assert (filtered == joint & (p.argmax(axis=1) != labels)).all()
    by_rounding = by_the_overall_largest(p, labels) != joint
    return ours.mean(), (ours != joint).mean(), by_rounding.mean(), (ours != filtered).mean()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--examples", type=int, default=50_000)
    examples = parser.parse_args().examples
    print(HEADER)
    found = {ratio: [] for ratio in LARGEST_OVER_SMALLEST}
    for num_classes, ratio, wrong, lead in itertools.product(CLASSES, LARGEST_OVER_SMALLEST, WRONG, LEAD):
        p, labels, accuracy = simulated(num_classes, ratio, wrong, lead, examples)
        flagged, joint, rounding, filtered = compared(p, labels)
        found[ratio].append((joint, rounding, filtered))
        print(
            f"{num_classes:7}  1:{ratio:<3}  {wrong:5.0%}  {lead:4}  {accuracy:8.1%}  {flagged:7.1%}"
            f"  {joint * 1e3:13.2f}  {rounding * 1e3:15.2f}  {filtered:6.2%}",
            flush=True,
        )
    for ratio, shares in found.items():
        joint, rounding, filtered = np.max(shares, axis=0)
        print(
            f"sizes 1:{ratio}: at most {joint * 1e3:.2f} in a thousand differ from the joint, "
            f"{rounding * 1e3:.2f} by 1e-6 alone, and {filtered:.2%} from the filter"
        )


if __name__ == "__main__":
    main()
