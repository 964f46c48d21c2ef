from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from easiness import load_dataset, measure, open_run, suspects, write_report
from easiness.spec import Split
from easiness.store import Run
from easiness.studies.suspects import Nearest, nearest_by_class, neighbours
from easiness.studies.suspects.asking import features

NONE = -1


@pytest.fixture(scope="module")
def halves(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Two trials on 60 digits, 20 of them held out; five of each class are left out of training."""
    out = tmp_path_factory.mktemp("nearest") / "run"
    options: dict[str, Any] = {"model": "mlp_2_w8", "trials": 2, "epochs": 1, "precision": "float32"}
    return measure("digits", limit=60, holdout=1 / 3, out=out, **options)


def asked(
    run: Run, positions: list[int], suggested: list[int], split: Split = "train", source: Any = None
) -> Nearest:
    found, why = nearest_by_class(run, np.array(positions), np.array(suggested), split=split, source=source)
    assert found is not None, why
    return found


def expected(
    run: Run, split: Split, at: int, of_class: int, source: Any = None
) -> tuple[list[int], list[float]]:
    """The four nearest of a class by the mean cosine over trials, one example at a time."""
    wanted = {one: np.arange(len(run.examples(one)[0])) for one in ("train", "held_out")}
    trials = list(features(run, wanted, source, "cpu"))  # type: ignore[arg-type]
    means = np.zeros(len(run.labels))
    for one in trials:
        own = one[split][at]
        for other, vector in enumerate(one["train"]):
            means[other] += own @ vector / np.linalg.norm(own) / np.linalg.norm(vector) / len(trials)
    members = [
        one for one in np.flatnonzero(run.labels == of_class).tolist() if (split, one) != ("train", at)
    ]
    order = sorted(members, key=lambda one: -means[one])[: neighbours.NUM_OF_CLASS]
    return order, means[order].tolist()


@pytest.mark.parametrize("split", ["train", "held_out"])
def test_the_nearest_of_two_classes(halves: Run, split: Split) -> None:
    labels = halves.examples(split)[1]
    other = int((labels[7] + 1) % 10)
    found = asked(halves, [7, 3], [other, NONE], split)
    for side, of_class in enumerate((int(labels[7]), other)):
        order, means = expected(halves, split, 7, of_class)
        num = len(order)
        assert found.positions[0, side].tolist() == order + [NONE] * (neighbours.NUM_OF_CLASS - num)
        assert np.allclose(found.similarity[0, side, :num], means, atol=1e-5)
        assert np.isnan(found.similarity[0, side, num:]).all()
    assert (found.positions[1, 1] == NONE).all()
    assert 3 not in found.positions[1] or split == "held_out"


def test_what_was_asked_once_is_kept(halves: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    both = asked(halves, [1, 2], [4, 5])
    calls: list[int] = []

    def counted(run: Run, wanted: Any, *others: Any) -> Any:
        calls.append(len(wanted))
        return features(run, wanted, *others)

    monkeypatch.setattr(neighbours, "features", counted)
    again = asked(open_run(halves.path), [2, 1], [5, 4])
    assert not calls
    assert np.array_equal(again.positions, both.positions[::-1])
    assert np.array_equal(again.similarity, both.similarity[::-1], equal_nan=True)
    more = asked(halves, [1, 2], [4, 6])  # another class is suggested
    assert calls == [1]
    assert np.array_equal(more.positions[0], both.positions[0])
    assert (halves.labels[more.positions[1, 1][more.positions[1, 1] >= 0]] == 6).all()
    asked(halves.first(1), [1, 2], [4, 5])  # other networks
    assert calls == [1, 1]


def test_suspects_ask_for_the_first_ones_in_passing(run_copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = suspects(open_run(run_copy)).ranked
    run = open_run(run_copy)
    where = {one: at for at, one in enumerate(run.ids.tolist())}
    monkeypatch.setattr("easiness.studies.suspects.neighbours.features", None)
    monkeypatch.setattr("easiness.studies.suspects.neighbours.features", None)
    kept = asked(run, [where[one] for one in found["id"]], found["suggested"].tolist())
    assert (run.labels[kept.positions[:, 0]] == found["label"].to_numpy()[:, None]).all()
    assert suspects(run).ranked.equals(found)


def test_a_run_without_networks_says_why(record: Callable[..., Any], noisy_logits: Any) -> None:
    labels = [0, 1, 0, 1]
    run = record(noisy_logits(labels, trials=2, epochs=2), labels)
    assert nearest_by_class(run, np.array([0]), np.array([1])) == (
        None,
        "the run was recorded from a training loop of its own, so it has no networks to ask",
    )


def test_damaged_weights_are_named_and_stop_no_page(run_copy: Path, tmp_path: Path) -> None:
    run = open_run(run_copy)
    (weights, *_) = sorted(run_copy.glob("trials/*/weights.safetensors"))
    weights.write_bytes(weights.read_bytes()[:-1])
    found, why = nearest_by_class(run, np.array([0]), np.array([1]))
    assert found is None
    assert str(weights) in why
    write_report([run], tmp_path / "page.html")


def test_of_a_run_on_features_these_are_looked_at(tmp_path: Path) -> None:
    digits = load_dataset("digits", limit=60)
    data = load_dataset((digits.array.reshape(60, -1).astype(np.float32), digits.labels), holdout=1 / 3)
    run = measure(data, features="inputs", trials=5, out=tmp_path / "run")
    order, means = expected(run, "held_out", 5, 2, data)
    found = asked(run, [5], [2], "held_out", data)
    assert found.positions[0, 1, : len(order)].tolist() == order
    assert np.allclose(found.similarity[0, 1, : len(order)], means, atol=1e-5)
    assert nearest_by_class(run, np.array([4]), np.array([2]))[1].startswith("the run does not say where")
