"""What is planted: matched cells, fair classes, and an arm without frequency."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from easiness.errors import BadInput
from easiness.studies.hypothesis.design import FULL, SMOKE, examples_of, find_preset, patterns_of
from easiness.studies.hypothesis.pictures import FreshBank, Pictures, noise_filter


def test_every_class_has_the_same_patterns_and_f_goes_from_8_to_512():
    patterns = patterns_of(FULL, 0)
    assert len(patterns) == 112
    assert (patterns.frequency.min(), round(patterns.frequency.max())) == (8, 512)
    cells = [
        sorted(zip(patterns.support[own].tolist(), patterns.contradiction[own].tolist(), strict=True))
        for own in (patterns.label == label for label in range(FULL.classes))
    ]
    assert all(one == cells[0] for one in cells)
    np.testing.assert_allclose((patterns.patch**2).mean(axis=(1, 2)), 1, rtol=1e-6)


def test_the_natural_arm_matches_support_and_spreads_contradiction_evenly():
    patterns = patterns_of(FULL, 0)
    examples = examples_of("natural", patterns, FULL, 0)
    own = np.bincount(examples.pattern[examples.own], minlength=len(patterns))
    other = np.bincount(examples.pattern[~examples.own], minlength=len(patterns))
    np.testing.assert_array_equal(own, patterns.support)
    assert (np.abs(own + other - patterns.frequency) <= 0.5).all()
    labels = patterns.label[examples.pattern]
    np.testing.assert_array_equal(examples.label == labels, examples.own)
    assert np.ptp(np.bincount(examples.label)) / len(examples) < 0.005
    steep = np.flatnonzero((patterns.support == 307) & (patterns.contradiction == 0.4))[0]
    others = examples.label[(examples.pattern == steep) & ~examples.own]
    counts = np.bincount(others, minlength=FULL.classes)
    assert counts[patterns.label[steep]] == 0
    assert np.ptp(np.delete(counts, patterns.label[steep])) <= 1


def test_the_balanced_arm_has_the_same_patterns_equally_often():
    patterns = patterns_of(FULL, 0)
    natural, balanced = (examples_of(arm, patterns, FULL, 0) for arm in ("natural", "balanced"))
    counts = np.bincount(balanced.pattern)
    assert np.ptp(counts) == 0
    assert abs(len(balanced) - len(natural)) <= len(patterns) / 2
    other = np.bincount(balanced.pattern[~balanced.own], minlength=len(patterns))
    assert (np.abs(other - counts * patterns.contradiction) <= 0.5).all()


def test_permuted_labels_are_the_same_in_number():
    patterns = patterns_of(SMOKE, 3)
    natural, permuted = (examples_of(arm, patterns, SMOKE, 3) for arm in ("natural", "permuted"))
    np.testing.assert_array_equal(np.sort(natural.label), np.sort(permuted.label))
    assert 0.6 < (natural.label != permuted.label).mean() < 0.9


def test_noise_falls_as_one_over_the_frequency_and_has_variance_one():
    side = 16
    white = torch.randn(4000, side * side, generator=torch.Generator().manual_seed(1))
    noise = (white @ noise_filter(side)).view(-1, side, side)
    assert abs(float(noise.var()) - 1) < 0.05
    power = torch.fft.fft2(noise).abs().square().mean(dim=0)
    assert float(power[0, 0]) < 1e-6 * float(power[0, 1])
    assert abs(float(power[0, 1] / power[0, 4]) - 16) < 3


def test_a_bank_makes_other_pictures_for_every_pass_and_has_the_last():
    patterns = patterns_of(SMOKE, 0)
    examples = examples_of("natural", patterns, SMOKE, 0)
    bank = FreshBank(Pictures(patterns, SMOKE, "natural"), examples, torch.device("cpu"))
    order, generator = torch.randperm(len(bank)), torch.Generator().manual_seed(5)
    drawn = bank.draw(order, generator)
    first = bank.finish(*bank.fetch(order[:7], drawn[:7])).clone()
    assert first.shape == (7, 1, 16, 16)
    torch.testing.assert_close(first, bank.last[order[:7]])
    bank.draw(order, generator)
    assert not torch.equal(first, bank.last[order[:7]])


@pytest.mark.parametrize(("arm", "low", "high"), [("natural", 2.8, 4), ("half", 1.3, 2.3), ("sham", 0, 1.2)])
def test_arms_differ_in_patches_alone(arm, low, high):
    patterns = patterns_of(SMOKE, 0)
    same = torch.full((3000,), 4)
    pictures = Pictures(patterns, SMOKE, arm).make(same, torch.Generator().manual_seed(2))[:, 0]
    patch = torch.from_numpy(patterns.patch[4])
    found = torch.nn.functional.conv2d(pictures[:, None], patch[None, None]).amax(dim=(1, 2, 3)) / 25
    # the patch answers itself with its amplitude; noise and new patches answer by chance
    assert low < found.mean() < high


def test_an_unknown_preset_is_named():
    with pytest.raises(BadInput, match=r"preset 'smok': unknown .did you mean smoke"):
        find_preset("smok")
