from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from easiness.analysis import membership
from easiness.report.run_part import class_galleries
from recording import believing


def _logits(predictions: Any, sureness: Any, num_classes: int) -> Any:
    """Logits [trials, 1, examples, classes] that predict so, the more clearly the larger the sureness."""
    return (np.eye(num_classes)[np.array(predictions)] * np.array(sureness)[None, :, None])[:, None]


def difficulty_of(run: Any) -> Any:
    return run.scores()["difficulty"].to_numpy()


def test_examples_are_ordered_by_difficulty(record: Callable[..., Any]) -> None:
    labels = [0, 0, 0, 0, 1, 1, 2]
    predictions = [[0, 0, 1, 0, 1, 0, 2], [0, 0, 2, 1, 1, 2, 2], [0, 0, 2, 2, 1, 2, 2]]
    run = record(_logits(predictions, [1, 3, 3, 3, 2, 2, 1], 3), labels, classes=["a", "b", "c"])
    a, b, c = class_galleries(run, run.votes(), difficulty_of(run), per_side=2, max_classes=20)
    # examples 0 and 1 are right in all three trials, 1 more clearly; 3 in one; 2 in none
    assert [one.id for one in a.easiest] == ["1", "0"]
    assert [one.id for one in a.hardest] == ["2", "3"]
    assert (a.hardest[0].num_right, a.hardest[0].predicted, a.hardest[0].num_predicted) == (0, "c", 2)
    # 0, 1 and 2 are each predicted once for example 3: the first class of equals
    assert (a.hardest[1].num_right, a.hardest[1].predicted, a.hardest[1].num_predicted) == (1, "a", 1)
    p = np.exp(3) / (np.exp(3) + 2)
    assert np.isclose(a.easiest[0].p_label, p)
    assert [one.id for one in (*b.easiest, *b.hardest)] == ["4", "5"]
    assert c.easiest == c.hardest  # a class of one example
    assert (c.num_examples, c.easiest[0].id) == (1, "6")


def test_of_many_classes_the_hardest_are_shown(record: Callable[..., Any]) -> None:
    labels = np.arange(30) % 5
    right = np.arange(30) // 5 < np.array([5, 2, 4, 0, 3])[labels]  # so many of the six of each class
    logits = np.eye(5)[np.where(right, labels, (labels + 1) % 5)]
    run = record([[logits], [logits]], labels)
    galleries = class_galleries(run, run.votes(), difficulty_of(run), per_side=2, max_classes=3)
    assert [gallery.label for gallery in galleries] == [3, 1, 4]
    for gallery in galleries:
        positions = [one.position for one in gallery]
        assert len(set(positions)) == 4
        assert set(labels[positions]) == {gallery.label}


def test_examples_say_how_probably_they_are_among_the_outermost(record: Callable[..., Any]) -> None:
    labels = np.arange(60) % 3
    run = record(believing(labels, 8, 1), labels)
    counts = run.votes().correct.sum(axis=0)
    for options, fraction in (({}, 0.1), ({"fraction": 0.3}, 0.3)):
        expected = membership(counts, 8, fraction)
        galleries = class_galleries(run, run.votes(), difficulty_of(run), 5, 20, **options)
        shown = [one for gallery in galleries for one in gallery]
        assert len(shown) == 3 * 2 * 5
        for one in shown:
            assert one.p_easy == expected.p_easy[one.position]
            assert one.p_hard == expected.p_hard[one.position]
        assert max(one.p_hard for one in shown) > 2 * fraction
