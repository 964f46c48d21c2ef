from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given, strategies as st

from easiness.studies.suspects.kinds import BY_FEATURES, KINDS, KindEvidence, find_kinds
from easiness.studies.suspects.neighbours import Neighbours, neighbours


def drawn(seed: int, num: int) -> KindEvidence:
    rng = np.random.default_rng(seed)
    p_label = rng.random(num)
    near = Neighbours(rng.uniform(0.5, 2, num), rng.random(num), rng.uniform(0.3, 1.5, num), 10, 3)
    return KindEvidence(
        p_wrong=rng.random(num),
        p_label=p_label,
        p_rival=(1 - p_label) * rng.random(num),
        rival=rng.integers(-1, 3, num),
        first_right=np.where(rng.random(num) < 0.3, np.nan, rng.integers(1, 11, num)),
        num_epochs=10,
        known=rng.uniform(0.6, 1.1),
        near=near,
    )


def rows(e: KindEvidence, where: np.ndarray) -> KindEvidence:
    names = ("p_wrong", "p_label", "p_rival", "rival", "first_right")
    assert e.near is not None
    near = replace(
        e.near, **{name: getattr(e.near, name)[where] for name in ("distance", "own_share", "strength")}
    )
    return replace(e, near=near, **{name: getattr(e, name)[where] for name in names})


seeds = st.integers(0, 2**32 - 1)
sizes = st.integers(1, 60)


@given(seeds, sizes)
def test_permuting_examples_permutes_kinds(seed: int, num: int) -> None:
    evidence, order = drawn(seed, num), np.random.default_rng(seed).permutation(num)
    kinds = find_kinds(evidence).kind
    assert set(kinds) <= {*KINDS, ""}
    assert find_kinds(rows(evidence, order)).kind.tolist() == kinds[order].tolist()


@given(seeds, sizes, sizes)
def test_other_examples_do_not_change_why_one_is_hard(seed: int, num: int, more: int) -> None:
    evidence = drawn(seed, num + more)
    hard = np.flatnonzero(evidence.p_label[:num] < 0.5)
    alone = find_kinds(rows(evidence, np.arange(num))).kind[hard]
    beside = find_kinds(evidence).kind[hard]
    told = ~np.isin(alone, ["", "slow"])  # how late is late depends on the others
    assert beside[told].tolist() == alone[told].tolist()


@given(seeds, sizes)
def test_without_networks_no_kind_of_theirs_is_named(seed: int, num: int) -> None:
    evidence = drawn(seed, num)
    kinds, bare = find_kinds(evidence).kind, find_kinds(replace(evidence, near=None)).kind
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
        assert np.allclose(getattr(alone, name), getattr(beside, name)[:40], atol=1e-6)


@given(seeds, st.floats(0.01, 100))
def test_the_scale_of_features_does_not_matter(seed: int, scale: float) -> None:
    rng = np.random.default_rng(seed)
    features, labels = rng.normal(size=(30, 3)), rng.integers(0, 2, 30)
    once, scaled = (neighbours([f], labels, num_nearest=5) for f in (features, features * scale))
    assert np.allclose(once.distance, scaled.distance)
    assert np.allclose(once.strength, scaled.strength)
