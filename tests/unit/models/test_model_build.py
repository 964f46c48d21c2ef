from __future__ import annotations

import pytest
import torch

from easiness.errors import BadInput
from easiness.models import build_model


def test_the_same_generator_state_gives_the_same_network() -> None:
    states = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        states.append(build_model("wrn_10_1", (1, 8, 8), 10).state_dict())
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])
    assert any(not torch.equal(states[0][key], states[2][key]) for key in states[0])


def test_an_unknown_name_is_bad_input() -> None:
    with pytest.raises(BadInput, match="mean wrn_16_4"):
        build_model("wrn164", (3, 32, 32), 10)


@pytest.mark.parametrize("shape", [(32, 32), (3, 0, 32), (-1, 8, 8)])
def test_a_shape_that_is_none_is_bad_input(shape: tuple[int, int, int]) -> None:
    with pytest.raises(BadInput, match="input_shape"):
        build_model("mlp_3", shape, 10)


@pytest.mark.parametrize("num_classes", [1, 0, -3])
def test_fewer_than_two_classes_are_bad_input(num_classes: int) -> None:
    with pytest.raises(BadInput, match=f"num_classes {num_classes}"):
        build_model("mlp_3", (1, 8, 8), num_classes)
