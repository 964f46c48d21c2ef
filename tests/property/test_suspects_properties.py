"""Planted duplicates are found in any order; labels are more probably wrong the lower their margin."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st

from easiness.analysis import LabelEvidence, label_noise
from easiness.data import load_dataset
from easiness.inputs.text import near
from easiness.store import Row
from easiness.studies.suspects.conflicts import find_conflicts
from easiness.studies.suspects.kinds import BY_FEATURES, KINDS, find_kinds
from easiness.studies.suspects.neighbours import neighbours


@given(st.integers(0, 2**32 - 1), st.integers(4, 30), st.integers(2, 10))
def test_distinct_random_pictures_are_in_no_conflict(seed: int, num: int, num_held_out: int) -> None:
    pictures = np.random.default_rng(seed).integers(0, 256, (num + num_held_out, 24, 28, 3), dtype=np.uint8)
    labels = np.arange(num + num_held_out) % 2
    train, held_out = (pictures[:num], labels[:num]), (pictures[num:], labels[num:])
    assert find_conflicts(load_dataset(train, held_out=held_out)).pairs.empty


@given(st.integers(0, 2**32 - 1), st.integers(6, 30), st.integers(2, 10))
def test_what_was_planted_is_found_whatever_the_order(seed: int, num: int, num_held_out: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 256, (num, 26, 26, 3), dtype=np.uint8)
    held_out = rng.integers(0, 256, (num_held_out, 26, 26, 3), dtype=np.uint8)
    labels = np.arange(num) % 2
    x[1], x[4] = x[0], x[2]  # labels 0 and 1; 0 and 0
    held_out[0] = x[3]
    held_out[1] = np.clip(x[5].astype(int) + rng.integers(-3, 4, x[5].shape), 0, 255)
    order, other_order = rng.permutation(num), rng.permutation(num_held_out)
    where, other_where = np.argsort(order), np.argsort(other_order)
    held_out_labels = np.zeros(num_held_out, np.int64)
    data = load_dataset(
        (x[order], labels[order]), held_out=(held_out[other_order], held_out_labels[other_order])
    )
    found = find_conflicts(data)
    columns = ["kind", "id_a", "id_b", "label_a", "label_b"]
    rows = {kind: rest for kind, *rest in found.pairs[columns].to_numpy().tolist()}
    assert len(rows) == len(found.pairs) == 4
    assert {*rows["two labels"][:2]} == {where[0], where[1]}
    assert {*rows["duplicate"][:2]} == {where[2], where[4]}
    assert rows["in both splits"] == [where[3], other_where[0], 1, 0]
    assert rows["nearly in both splits"] == [where[5], other_where[1], 1, 0]


runs_of_words = st.lists(
    st.sampled_from(["what", "is", "the", "name", "of", "a", "river", "Peru"]), max_size=9
)


@given(st.lists(runs_of_words.map(" ".join), min_size=1, max_size=12), st.integers(1, 11))
def test_near_texts_are_all_that_are_alike(texts: list[str], num: int) -> None:
    looks = []
    for some in (texts[num:], texts[:num]):
        looks.append(near.FoldedTexts(len(some)))
        for at, text in enumerate(some):
            looks[-1].keep(at, text)
    found = {
        pair
        for block in near.near_texts(*looks)
        for pair in zip(block.train.tolist(), block.held_out.tolist(), strict=True)
    }
    for at, text in enumerate(texts[:num]):
        for train_at, train in enumerate(texts[num:]):
            both, either = near._runs(text) & near._runs(train), near._runs(text) | near._runs(train)
            alike = len(both) / len(either) >= near.ALIKE or near._typed_alike(text, train)
            assert ((train_at, at) in found) == alike


@st.composite
def evidences(draw) -> LabelEvidence:
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    num, num_classes = draw(st.integers(2, 200)), draw(st.sampled_from([2, 3, 10]))
    labels = rng.integers(num_classes, size=num)
    lead = rng.gamma(draw(st.sampled_from([2, 8])), 1, num)
    wrong = rng.random(num) < draw(st.sampled_from([0, 0.1, 0.4]))
    margin = np.where(wrong, -lead, lead) + rng.normal(0, 1, num)
    rival = np.where(margin < 0, (labels + rng.integers(1, num_classes, num)) % num_classes, -1)
    return LabelEvidence(labels, margin, lead, rival, float(rng.uniform(0.3, 1)), num_classes)


@pytest.mark.long
@given(evidences(), st.randoms(use_true_random=False))
@settings(max_examples=5)
def test_the_order_of_examples_does_not_matter(told, random):
    order = np.array(random.sample(range(len(told.labels)), len(told.labels)))
    fields = {name: getattr(told, name)[order] for name in ("labels", "margin", "lead", "rival")}
    found, shuffled = label_noise(told), label_noise(replace(told, **fields))
    np.testing.assert_allclose(shuffled.p_wrong, found.p_wrong[order], rtol=1e-6, atol=1e-9)


@pytest.mark.long
@given(evidences())
@settings(max_examples=8)
def test_the_lower_the_margin_the_more_probable(told):
    """Among examples that differ in nothing but the margin: label, and the class they are taken for."""
    found = label_noise(told)
    assert np.isfinite(found.p_wrong).all()
    assert ((found.p_wrong >= 0) & (found.p_wrong <= 1)).all()
    same = told.labels * told.num_classes + told.rival + 1000 * (told.rival < 0)
    for pair in np.unique(same):
        own = np.flatnonzero(same == pair)
        own = own[np.argsort(told.margin[own], kind="stable")]
        assert (np.diff(found.p_wrong[own]) <= 1e-9).all()
        assert (np.diff(found.suspicion[own]) <= 1e-9).all()
    ranked = np.argsort(-found.suspicion, kind="stable")
    assert (np.diff(found.p_wrong[ranked]) <= 1e-9).all()


def drawn(seed: int, num: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    p_label = rng.random(num)
    columns = {
        "p_wrong": rng.random(num),
        "p_label": p_label,
        "p_rival": (1 - p_label) * rng.random(num),
        "rival": rng.integers(-1, 3, num),
        "first_right": np.where(rng.random(num) < 0.3, np.nan, rng.integers(1, 11, num)),
        "strength": rng.uniform(0.3, 1.5, num),
    }
    return pd.DataFrame(columns)


def kinds_of(table: pd.DataFrame, seed: int) -> Any:
    return find_kinds(table, Row(10), np.random.default_rng(seed).uniform(0.6, 1.1))[0]


seeds = st.integers(0, 2**32 - 1)
sizes = st.integers(1, 60)


@given(seeds, sizes)
def test_permuting_examples_permutes_kinds(seed: int, num: int) -> None:
    table, order = drawn(seed, num), np.random.default_rng(seed).permutation(num)
    kinds = kinds_of(table, seed)
    assert set(kinds) <= {*KINDS, ""}
    assert kinds_of(table.iloc[order], seed).tolist() == kinds[order].tolist()


@given(seeds, sizes, sizes)
def test_other_examples_do_not_change_why_one_is_hard(seed: int, num: int, more: int) -> None:
    table = drawn(seed, num + more)
    hard = np.flatnonzero(table["p_label"][:num] < 0.5)
    alone, beside = kinds_of(table[:num], seed)[hard], kinds_of(table, seed)[hard]
    told = ~np.isin(alone, ["", "slow"])  # how late is late depends on the others
    assert beside[told].tolist() == alone[told].tolist()


@given(seeds, sizes)
def test_without_networks_no_kind_of_theirs_is_named(seed: int, num: int) -> None:
    table = drawn(seed, num)
    kinds, bare = kinds_of(table, seed), kinds_of(table.drop(columns="strength"), seed)
    assert not np.isin(bare, BY_FEATURES).any()
    same = ~np.isin(kinds, BY_FEATURES)
    assert bare[same].tolist() == kinds[same].tolist()


@given(seeds)
def test_a_class_elsewhere_does_not_change_the_neighbours_of_others(seed: int) -> None:
    rng = np.random.default_rng(seed)
    features = rng.uniform(0.5, 1, (40, 3))
    labels = rng.integers(0, 2, 40)
    elsewhere = np.concatenate(
        [np.pad(features, ((0, 0), (0, 2))), np.pad(rng.uniform(0.5, 1, (20, 2)), ((0, 0), (3, 0)))]
    )
    alone = neighbours([features], labels, num_nearest=5)
    beside = neighbours([elsewhere], np.concatenate([labels, np.full(20, 2)]), num_nearest=5)
    for name in ("distance", "own_share", "strength"):
        assert np.allclose(alone[name], beside[name][:40], atol=1e-6)


@given(seeds, st.floats(0.01, 100))
def test_the_scale_of_features_does_not_matter(seed: int, scale: float) -> None:
    rng = np.random.default_rng(seed)
    features, labels = rng.normal(size=(30, 3)), rng.integers(0, 2, 30)
    once, scaled = (neighbours([f], labels, num_nearest=5) for f in (features, features * scale))
    assert np.allclose(once["distance"], scaled["distance"])
    assert np.allclose(once["strength"], scaled["strength"])
