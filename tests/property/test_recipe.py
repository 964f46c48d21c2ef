from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import example, given, settings, strategies as st

from easiness.spec import Recipe, make_recipe, read_recipe
from easiness.training.loop import batches

counts = st.integers(1, 3000)
sizes = st.integers(1, 200)


@given(counts, sizes)
@example(129, 128)
@example(1, 128)
@example(257, 128)
@example(3, 1)
@settings(deadline=None)
def test_the_schedule_counts_the_steps_that_the_loop_takes(num, size):
    assert Recipe(batch_size=size).steps_per_epoch(num) == len(batches(num, size))


@given(counts, sizes)
@example(129, 128)
@settings(deadline=None)
def test_batches_cut_an_epoch_without_a_lonely_example(num, size):
    cut = batches(num, size)
    assert [i for b in cut for i in range(num)[b]] == list(range(num))
    lengths = [b.stop - b.start for b in cut]
    assert all(length == min(size, num) for length in lengths[:-1])
    assert lengths[-1] <= size + 1
    if num > 1 and size > 1:
        assert min(lengths) > 1


@given(st.floats(1, 1000), st.floats(0, 1), st.floats(0, 1))
@settings(deadline=None)
def test_eta_falls_from_1_to_0_and_is_symmetric(period, a, b):
    recipe = Recipe(period=period)
    early, late = sorted((a, b))
    assert 0 <= recipe.eta(late * period) <= recipe.eta(early * period) + 1e-12
    assert recipe.eta(a * period) + recipe.eta((1 - a) * period) == pytest.approx(1)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "batch_size": st.integers(1, 10**6),
            "alpha": st.floats(1e-12, 1e6),
            "beta1": st.floats(0, 0.999),
            "epsilon": st.floats(1e-30, 1),
            "w_norm": st.floats(0, 10),
            "period": st.integers(1, 1000) | st.floats(1e-3, 1000),
            "flip": st.floats(0, 1),
            "gcn": st.booleans(),
        },
    )
)
@settings(deadline=None)
def test_a_recipe_comes_back_from_toml_and_json(settings_given):
    expected = Recipe.model_validate(settings_given)
    lines = [f"{key} = {str(v).lower()}" for key, v in settings_given.items()]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "recipe.toml"
        path.write_text("\n".join(lines))
        assert make_recipe({}, read_recipe(path), origin="recipe.toml") == expected
    assert Recipe.model_validate_json(expected.model_dump_json()) == expected
