from __future__ import annotations

import pytest

from easiness.analysis import MIN_GROUP
from easiness.errors import BadInput
from easiness.models import check_model_name
from easiness.studies.paper.presets import (
    LAPTOP,
    OVERNIGHT,
    PAPER,
    PAPER_PHOTOS,
    PRESETS,
    SMOKE,
    find_preset,
)

ALL = pytest.mark.parametrize(
    "preset",
    [SMOKE, LAPTOP, OVERNIGHT, PAPER, PAPER_PHOTOS],
    ids=["smoke", "laptop", "overnight", "paper", "paper, photos"],
)


@ALL
def test_every_network_can_be_had(preset):
    named = {*preset.models, *preset.merged_models, *preset.final_models, preset.ablation_model}
    for name in named:
        check_model_name(name)
    assert len(set(preset.models)) == len(preset.models)
    assert set(preset.batch_norm) <= set(preset.cnns)


@ALL
def test_claims_can_be_decided(preset):
    assert preset.trials // 2 >= MIN_GROUP  # groups are halves
    assert min(preset.merged_trials, preset.final_trials, preset.repetitions) >= MIN_GROUP
    if preset is not OVERNIGHT:  # which leaves claims about several networks to the others
        assert len(preset.cnns) >= 2
        assert preset.mlps


@ALL
def test_rates_have_the_breakpoints_of_the_claims_between_others(preset):
    for rates in (preset.drop_rates, preset.corrupt_rates):
        assert list(rates) == sorted(set(rates))
        assert rates[0] == 0
        assert rates[-1] < 1
    assert preset.drop_rates[0] < 0.6 < preset.drop_rates[-1]
    assert preset.corrupt_rates[0] < 0.3 < preset.corrupt_rates[-1]
    assert 0.6 in preset.drop_rates
    assert {0.3, 0.9} <= set(preset.corrupt_rates)


def test_the_paper_as_it_is_read():
    assert PAPER.models == ("mlp_3", "wrn_16_4", "densenet_bc_100_12", "resnext_29_4x64d")
    assert (PAPER.final_models, PAPER.final_trials, PAPER.final_epochs) == (
        ("wrn_16_4", "resnext_29_4x64d"),
        15,
        300,
    )
    assert set(PAPER_PHOTOS.cnns) == {"alexnet", "vgg11", "vgg11_bn", "resnet18", "densenet121"}
    assert set(PAPER_PHOTOS.batch_norm) == set(PAPER_PHOTOS.cnns) - {"alexnet", "vgg11"}
    assert (set(PAPER_PHOTOS.final_models), PAPER_PHOTOS.final_trials) == ({"resnet18", "densenet121"}, 10)
    for preset in (PAPER, PAPER_PHOTOS):
        assert (preset.limit, preset.repetitions, preset.ablation_epochs) == (None, 5, 300)
        assert preset.recipe == {}


def test_presets_by_name():
    assert [find_preset(name) for name in PRESETS] == [SMOKE, LAPTOP, OVERNIGHT, PAPER]
    assert find_preset("laptop", "mini-imagenet:photos") is LAPTOP
    assert find_preset("paper", "cifar10") is PAPER
    assert find_preset("paper", "mini-imagenet:photos") is PAPER_PHOTOS
    with pytest.raises(BadInput, match=r"preset 'lapto': .*mean laptop"):
        find_preset("lapto")
    with pytest.raises(BadInput, match="smoke, laptop, overnight, paper"):
        find_preset("tiny")
