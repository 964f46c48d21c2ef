"""The study of policies in training, in small: each trains, and the page is of what is there."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from PIL import Image

from easiness.errors import BadInput, TrialFailed
from easiness.records import ObservationLog
from easiness.training import StepObserver

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def script():
    """The script, whose folder it needs on the path."""
    sys.path.insert(0, str(ROOT / "benchmarks"))
    try:
        from science import in_training

        yield in_training
    finally:
        sys.path.remove(str(ROOT / "benchmarks"))


def settings(script: ModuleType, **changes):
    return script.Settings(examples=100, batch=10, epochs=4, **changes)


def policy(script: ModuleType, name: str):
    return next(one for one in script.POLICIES if one.name == name)


def batches(script: ModuleType, name: str, rank):
    from science.in_training import batches

    return list(batches(policy(script, name), rank, settings(script), 0))


def test_uniform_sampling_sees_each_example_once_an_epoch(script) -> None:
    found = batches(script, "uniform", np.linspace(0, 1, 100))
    assert len(found) == 40
    for epoch in range(4):
        assert sorted(np.concatenate(found[10 * epoch : 10 * (epoch + 1)])) == list(range(100))


def test_the_pool_grows_from_its_end_of_the_order(script) -> None:
    """Of 40 steps the first is on 20 %, the tenth on 56 %, and from the twentieth on each is on all."""
    easiness = np.random.default_rng(0).permutation(100) / 100  # 0 for the easiest
    easy, hard = (batches(script, name, easiness) for name in ("easy first", "hard first"))
    assert easiness[easy[0]].max() < 0.2 <= 1 - 0.2 <= easiness[hard[0]].min()
    assert all(easiness[easy[step]].max() < 0.2 + 0.04 * step for step in range(20))
    assert sorted(np.concatenate(easy[20:30])) == list(range(100))
    assert all(len(set(batch)) == 10 for batch in easy + hard)


def test_what_is_left_out_is_never_sampled(script) -> None:
    from science.in_training import CLEANED, batches

    kept = np.arange(0, 100, 2)
    found = list(batches(CLEANED, np.linspace(0, 1, 100), settings(script), 0, kept))
    assert sorted(np.concatenate(found[:5])) == kept.tolist()
    assert len(found) == 40


def test_mining_looks_at_twice_as_many(script) -> None:
    assert {len(batch) for batch in batches(script, "mining", np.linspace(0, 1, 100))} == {20}


def test_ranks_are_within_classes_and_weights_1_in_the_mean(script) -> None:
    from science.in_training import weights

    rank = script.places(np.array([3, 0, 2, 1]), np.array([0, 0, 1, 1]))
    assert rank.tolist() == [0.25, 0.75, 0.75, 0.25]
    rank = (np.arange(100) + 0.5) / 100
    hard, easy = (weights(policy(script, f"towards {end}"), rank) for end in ("hard", "easy"))
    assert hard.mean() == pytest.approx(1) == easy.mean()
    assert hard[-1] == pytest.approx(1.495) == easy[0]


def test_what_is_simulated_holds_the_truth(script) -> None:
    """Small form of the table of the page: 48 pages, so that one in twenty may go wrong."""
    rows = script.simulated(5, 6)["rows"]
    assert np.mean([held for _, _, held, _ in rows]) >= 0.85
    assert all(told < 0.05 for _, true, _, told in rows if true == 0)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Noise of three classes, brighter and brighter, to train and to test on."""
    rng = np.random.default_rng(0)
    for split, num in (("train", 20), ("test", 8)):
        for label in range(3):
            folder = tmp_path / "photos" / split / "abc"[label]
            folder.mkdir(parents=True)
            for at in range(num):
                pixels = rng.integers(60 * label, 60 * label + 80, (8, 8, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(folder / f"{at}.png")
    return tmp_path / "photos"


@pytest.mark.long
def test_every_policy_trains_and_the_page_is_of_the_seeds_that_are_whole(
    script, tmp_path, photos, capsys
) -> None:
    runs, page = tmp_path / "runs", tmp_path / "page.md"
    asked = ["--data", photos, "--runs", runs, "--docs", page, "--replicates", 2]
    small = {"examples": 60, "batch": 10, "epochs": 1, "trials": 2, "scoring-epochs": 1, "model": "wrn_10_1"}
    for name, value in small.items():
        asked += [f"--{name}", value]
    script.main([*map(str, asked), "--seeds", "2"])
    told = capsys.readouterr().out
    assert "2 seeds." in told
    added = (
        "on wrong labels (2 seeds): uniform sampling of what `easiness labels RUN --drop-above 0.5` leaves"
    )
    assert added in told
    assert "| Clean labels | uniform |" in page.read_text("utf-8")
    assert page.with_suffix(".svg").read_bytes().startswith(b"<")
    table = (tmp_path / "page" / "policies.csv").read_text("utf-8")
    assert table.count(",towards easy,") == 2  # with clean labels and with wrong ones
    uniform, mined = (script.known(runs)[0]["wrong", name]["forward"] for name in ("uniform", "mining"))
    assert (uniform, mined) == (60, 120)
    # what was trained stays as it is, and a seed that is not whole is left out
    before = {file.name: file.read_bytes() for file in runs.glob("0*.json")}
    (runs / "01-wrong-mining.json").unlink()
    assert len(script.known(runs)) == 1
    script.main([*map(str, asked), "--seeds", "2"])
    again = {file.name: file.read_bytes() for file in runs.glob("0*.json")}
    assert again.keys() == before.keys()
    same = [json.loads(one["01-wrong-mining.json"])["right"] for one in (before, again)]
    assert same[0] == same[1]


def a_log(num: int) -> ObservationLog:
    return ObservationLog(np.arange(num), np.zeros(num, np.int64), 3, keep_logits=np.ones(num, np.bool_))


def end(observer: StepObserver, epoch: int) -> float | None:
    return observer.after_epoch(epoch, None, lambda _: None)  # type: ignore[arg-type]


@pytest.mark.parametrize("at_once", [1, 13, 10**6])
def test_what_the_steps_compute_is_recorded_by_example(at_once):
    generator = torch.Generator().manual_seed(0)
    given = torch.randn(2, 10, 3, generator=generator)
    observer = StepObserver(log := a_log(10), at_once)
    for epoch in (1, 2):
        order = torch.randperm(10, generator=generator)
        for batch in (slice(0, 4), slice(4, 8), slice(8, 10)):
            held = given[epoch - 1][order[batch]]
            observer.stepped(order[batch], held)
            held.fill_(0)  # as a step that is repeated in place does
        right = (given[epoch - 1].argmax(1) == 0).float().mean()
        assert end(observer, epoch) == pytest.approx(float(right))
    kept = log.observations().logits
    assert kept is not None
    np.testing.assert_array_equal(kept.values, given)


def test_an_epoch_that_leaves_examples_out_is_refused():
    observer = StepObserver(a_log(4))
    observer.stepped(torch.tensor([0, 2]), torch.zeros(2, 3))
    with pytest.raises(BadInput, match="2 of 4 ids are missing"):
        end(observer, 1)


@pytest.mark.parametrize("at_once", [1, 10**6])
def test_a_logit_that_is_not_finite_fails_the_trial(at_once):
    observer = StepObserver(a_log(2), at_once)
    spoilt = torch.tensor([[0.0, torch.nan, 0.0], [0.0, 0.0, 0.0]])
    with pytest.raises(TrialFailed, match="epoch 1"):  # noqa: PT012 - in the step or after the epoch
        observer.stepped(torch.tensor([0, 1]), spoilt)
        end(observer, 1)
