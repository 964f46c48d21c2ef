"""Probabilities of wrong labels do not hang on the order of examples, and fall as the margin grows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given, settings, strategies as st

from easiness.analysis import LabelEvidence, label_noise


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


@given(evidences(), st.randoms(use_true_random=False))
@settings(max_examples=5)
def test_the_order_of_examples_does_not_matter(told, random):
    order = np.array(random.sample(range(len(told.labels)), len(told.labels)))
    fields = {name: getattr(told, name)[order] for name in ("labels", "margin", "lead", "rival")}
    found, shuffled = label_noise(told), label_noise(replace(told, **fields))
    np.testing.assert_allclose(shuffled.p_wrong, found.p_wrong[order], rtol=1e-6, atol=1e-9)


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
