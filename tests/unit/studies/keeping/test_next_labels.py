"""Whom to label next: the rules by hand, the replay with known truth, and a pool of digits."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.datasets import load_digits

import easiness
from easiness import BadInput
from easiness.show import file_bytes
from easiness.studies.keeping import (
    MARGIN,
    PICKS,
    RANDOM,
    RARE,
    LabelledVectors,
    NextLabels,
    best_rule,
    near_of,
    replay,
)
from easiness.studies.keeping.replay import Candidates, NearestRows

PIXELS = [f"p{at}" for at in range(64)]
NUM, COPIES = 240, 7


def test_near_examples_are_alike_in_units_of_the_local_scale():
    # two clouds of the same shape, one ten times as wide: what is alike in one is so in the other
    cloud = np.random.default_rng(0).normal(size=(30, 3)).astype(np.float32)
    near = near_of(np.concatenate([cloud, 10 * cloud + 100]), num=20)
    assert (near.nearest[:, 0] == np.arange(60)).all()
    assert (near.alike[:, 0] == 1).all()
    assert near.alike[:30] == pytest.approx(near.alike[30:], abs=1e-2)
    assert near.cover(np.array([3]))[3] == 1
    assert not near.cover(np.array([3]))[30:].any()


def test_what_is_rare_and_uncertain_covers_what_no_label_does():
    # 0 has a label and is near to 1; 2 and 3 are near to each other, 4 is alone and sure
    nearest = np.array([[0, 1], [1, 0], [2, 3], [3, 2], [4, 0]])
    alike = np.array([[1, 0.9], [1, 0.9], [1, 0.8], [1, 0.8], [1, 0]], np.float32)
    near = NearestRows(nearest, alike)
    judged = Candidates(np.array([1, 2, 3, 4]), np.array([0]), np.array([0.0, 0.5, 0.4, 0.9]))
    # they add .1, .5 + .8 * .6 = .98, .6 + .8 * .5 = 1 and .1; behind 3 then 2 adds .2 * .5 = .1
    assert PICKS[RARE](near, judged, 1).tolist() == [2]
    assert judged.pool[PICKS[MARGIN](near, judged, 2)].tolist() == [1, 3]
    assert judged.pool[PICKS[RANDOM](near, judged, 2)].tolist() == [1, 2]
    assert sorted(PICKS[RARE](near, judged, 4).tolist()) == [0, 1, 2, 3]


def test_picks_are_those_of_a_greedy_search_that_looks_at_all():
    rng = np.random.default_rng(1)
    near = near_of(rng.normal(size=(80, 4)).astype(np.float32), num=10)
    judged = Candidates(np.arange(5, 80), np.arange(5), rng.random(75))
    covered, weights = near.cover(judged.labelled_at).astype(float), np.append(np.zeros(5), 1 - judged.margin)
    for place in PICKS[RARE](near, judged, 12):
        adds = (weights[near.nearest] * (near.alike - covered[near.nearest]).clip(min=0)).sum(axis=1)
        assert adds[judged.pool[place]] == pytest.approx(adds[5:].max(), rel=1e-5)
        own = near.nearest[judged.pool[place]]
        covered[own] = np.maximum(covered[own], near.alike[judged.pool[place]])


def _world(num: int, seed: int) -> LabelledVectors:
    """Four classes, of which the last two are rare, in noise."""
    rng = np.random.default_rng(seed)
    labels = rng.choice(4, num, p=[0.46, 0.46, 0.04, 0.04])
    x = 2 * np.random.default_rng(0).normal(size=(4, 6))[labels] + rng.normal(size=(num, 6))
    return LabelledVectors(torch.tensor(x / 6, dtype=torch.float32), torch.tensor(labels), np.arange(num), 4)


def test_a_rule_that_always_takes_the_same_examples_is_not_recommended():
    # such a rule has no advantage, though in these data its picks may happen to be good ones
    found, naive = 0, 0
    for world in range(6):
        lots = np.random.default_rng([world, 7]).random(120)

        def same(_, judged, num, lots=lots):
            return np.argsort(lots[judged.pool])[:num]

        examples = _world(120, 2 * world), _world(150, 2 * world + 1)
        rules = {RARE: same, MARGIN: same, RANDOM: PICKS[RANDOM]}
        replayed = replay(*examples, 15, rules, seeds=6, seed=world, starts=())
        found += best_rule(replayed) != RANDOM
        own, base = (replayed[replayed["rule"] == rule].iloc[0] for rule in (RARE, RANDOM))
        naive += easiness.analysis.paired_gain(base["right"], own["right"], 0.975).interval[0] > own["low"]
    assert found == 0
    assert naive == 6


def test_a_rule_that_knows_better_is_recommended_and_wrong_labels_cost_it():
    def finds_rare(_, judged, num):
        return np.argsort(-rare[judged.pool], kind="stable")[:num]

    some, test = _world(900, 1), _world(400, 2)
    rare = np.isin(some.labels.numpy(), [2, 3]).astype(float)
    rules = {RARE: finds_rare, MARGIN: PICKS[MARGIN], RANDOM: PICKS[RANDOM]}
    replayed = replay(some, test, 10, rules, seeds=6, starts=(20,))
    assert replayed["start"].tolist() == [20] * 3 + [450] * 3
    assert replayed["gain"][0] > 0.01
    assert best_rule(replayed) == RARE
    wrong = replay(some, test, 10, rules, seeds=6, starts=(20,), wrong=0.5)
    assert wrong["accuracy"][0] < replayed["accuracy"][0]


@pytest.fixture(scope="module")
def found(tmp_path_factory) -> tuple[NextLabels, Path]:
    """A run on digits with a held-out split, and a pool that has copies of labelled ones and of its own."""
    folder = tmp_path_factory.mktemp("pool")
    x, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(y))
    x, y = x[order].astype(np.float32), y[order]
    rows = pd.DataFrame(x, columns=PIXELS).assign(label=y)
    own = rows[: NUM + 200].assign(split=["train"] * NUM + ["test"] * 200)
    own.to_csv(folder / "own.csv", index=False)
    pool = pd.concat([rows[600:800], rows[:COPIES], rows[600:603]]).drop(columns="label")
    pool.to_csv(folder / "pool.csv", index=False)
    data = easiness.load_dataset(folder / "own.csv", inputs=PIXELS, label="label")
    run = easiness.measure(data, features="inputs", trials=5, out=folder / "run")
    return easiness.next(run, pool=folder / "pool.csv", picks=20, seeds=5), folder


def test_copies_are_left_out_and_counted(found):
    result, _ = found
    assert COPIES <= result.num_copies <= COPIES + 2  # of digits some are nearly the same anyway
    assert 3 <= result.num_repeated <= 5
    assert result.num_looked_at + result.num_copies + result.num_repeated == result.num_pool
    assert not set(result.table()["id"]) & set(range(200, 200 + COPIES))


def test_texts_that_ask_alike_are_no_copies_and_those_with_other_spaces_are(tmp_path):
    things = ["a caldera", "an atom", "gold", "a lamp", "rust", "a fuse", "a comet", "salt", "a reef", "wax"]
    asked = ["What is {} ?", "Who found {} first ?", "Where is {} made ?"]
    texts = [one.format(thing) for thing in things for one in asked]
    own = pd.DataFrame({"text": texts, "label": [0, 1, 0] * len(things), "film": [0, 0, 1] * len(things)})
    own["film"] += 2 * (np.arange(len(own)) // 6)
    own.to_csv(tmp_path / "own.csv", index=False)
    new = [f"What is {thing} ?" for thing in ("an echo", "a fjord", "glass", "ice", "jade", "a kiln")]
    pd.DataFrame({"text": [*new, "What is  gold ?", "What is a  kiln ?"]}).to_csv(tmp_path / "pool.csv")
    data = easiness.load_dataset(tmp_path / "own.csv", text="text", group="film")
    run = easiness.measure(data, features="hashed", trials=5, out=tmp_path / "run")
    found = easiness.next(run, pool=tmp_path / "pool.csv", picks=2, seeds=5)
    assert (found.num_copies, found.num_repeated, found.num_looked_at) == (1, 1, len(new))
    # one of each text that is not tested on, however many are of one film
    last = found.replays.iloc[-1]
    assert last["start"] + last["pool"] == len(texts) - last["right"].shape[1]


def test_the_recommended_picks_come_first(found):
    table = found[0].table()
    assert table["rule"][0] == found[0].rule
    assert table.groupby("rule")["id"].nunique().to_dict() == {RARE: 20, MARGIN: 20, RANDOM: 20}
    assert table[table["rule"] == MARGIN]["margin"].is_monotonic_increasing


def test_the_page_shows_the_picks_where_they_are_pictures(found):
    result, folder = found
    pixels = pd.read_csv(folder / "pool.csv").to_numpy().reshape(-1, 8, 8)
    pool = easiness.load_dataset(((15 * pixels).astype(np.uint8), np.arange(len(pixels)) % 2))
    page = file_bytes(replace(result, pool=pool), ".html").decode()
    assert page.count('<img src="data:image/') == 20
    assert "<img" not in file_bytes(result, ".html").decode()  # rows of a table


def test_the_replay_is_judged_where_most_are_labelled(found):
    result, _ = found
    assert set(result.replays["start"]) == {NUM // 2}
    assert result.rule == best_rule(result.replays)
    beats = (result.replays["low"][result.replays["rule"] != RANDOM] > 0).any()
    assert ("label at random" in result.headline) == (not beats)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"picks": 500}, "has 210 examples"),
        ({"picks": 209}, "has (19|20)[0-9] new examples"),
        ({"picks": 20_001}, "--picks 20001"),
        ({"pool": "gone.csv"}, "gone.csv"),
    ],
)
def test_what_cannot_be_done_is_refused(found, options, message):
    _, folder = found
    with pytest.raises(BadInput, match=message):
        easiness.next(easiness.open_run(folder / "run"), **{"pool": folder / "pool.csv", **options})


def test_a_run_on_vectors_of_your_own_takes_a_file_of_them(tmp_path):
    x, y = load_digits(return_X_y=True)
    np.savez(tmp_path / "own.npz", x=x[:160].reshape(-1, 8, 8).astype(np.uint8), y=y[:160])
    np.save(tmp_path / "own.npy", x[:160])
    np.save(tmp_path / "pool.npy", x[200:260])
    run = easiness.measure(
        tmp_path / "own.npz", features=tmp_path / "own.npy", trials=5, out=tmp_path / "run", progress=False
    )
    result = easiness.next(run, pool=tmp_path / "pool.npy", picks=5, seeds=5)
    assert set(result.table()["id"]) <= set(range(60))
    np.save(tmp_path / "other.npy", x[200:260, :9])
    with pytest.raises(BadInput, match="vectors of 9 values"):
        easiness.next(run, pool=tmp_path / "other.npy", picks=5)
