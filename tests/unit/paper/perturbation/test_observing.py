from __future__ import annotations

import shutil
import sys

import numpy as np
import pytest

from easiness import BadInput, Recipe, RunFailed, load_dataset, open_run
from easiness.paper.perturbation.looking import PERTURBED, examples_at, perturbed_probe
from easiness.perturb.registry import _registered
from easiness.records import STATISTICS
from easiness.runs.progress import Progress
from pixels import images_of
from recording import recorded, small_run


class Counting(Progress):
    def __init__(self):
        self.num = 0

    def images(self, num):
        self.num += num


@pytest.fixture(scope="module")
def data():
    return load_dataset("digits", limit=100)


@pytest.fixture
def opened(run_copy):
    return open_run(run_copy)


@pytest.fixture
def own_kind(tmp_path, monkeypatch):
    """Writes a module of the user's own that registers ``fade`` and has it imported anew."""
    known = list(_registered)
    monkeypatch.chdir(tmp_path)

    def write(body):
        (tmp_path / "own_kind.py").write_text(
            "from easiness.perturb import register\n"
            '@register("fade", levels=(0, 1), neutral=0)\n'
            "def fade(level):\n"
            "    def transform(images, ids=None):\n"
            f"        return {body}\n"
            "    return transform\n"
        )
        sys.modules.pop("own_kind", None)
        _registered.clear()
        _registered.extend(known)

    yield write
    sys.modules.pop("own_kind", None)
    _registered.clear()
    _registered.extend(known)


def perturbed_observations(run, data, kind, levels, *, progress=None, **options):
    return perturbed_probe(run, data, kind, levels, **options).observe(progress)


def arrays(observations):
    return [[getattr(seen, name) for name in STATISTICS] for seen in observations]


def assert_same(one, other):
    for a, b in zip(one, other, strict=True):
        for x, y in zip(a, b, strict=True):
            assert np.array_equal(x, y)


def test_a_row_for_each_level_and_the_neutral_one_as_it_was_recorded(opened, data):
    seen = list(perturbed_observations(opened, data, "radial", [100, 2, 0]))
    assert len(seen) == 3
    for trial, one in zip(opened.trials, seen, strict=True):
        assert one.prediction.shape == (3, 100)
        recorded = trial.observations(10)
        for name in STATISTICS:
            assert np.array_equal(getattr(one, name)[0], getattr(recorded, name)[-1])
        assert not np.array_equal(one.loss[1], one.loss[0])
        # without frequencies all images are one to the network
        assert len(np.unique(one.prediction[2])) == 1


def test_what_is_kept_is_read_and_what_is_not_whole_is_made_again(opened, data):
    count = Counting()
    first = arrays(perturbed_observations(opened, data, "shuffle", [1, 0.5], seed=4, progress=count))
    assert count.num == 3 * 2 * 100
    files = sorted((opened.path / PERTURBED).rglob("*.parquet"))
    assert len(files) == 6
    files[0].write_bytes(b"nothing")
    files[1].write_bytes(files[1].read_bytes()[:-100])
    shutil.rmtree(files[5].parent)  # the three of the other level
    again = Counting()
    assert_same(
        first, arrays(perturbed_observations(opened, data, "shuffle", [1, 0.5], seed=4, progress=again))
    )
    assert again.num == 5 * 100
    # one more level takes no other level again, and another seed is another question
    for levels, seed, num in (([1, 0.5, 0.25], 4, 300), ([0.5], 4, 0), ([0.5], 5, 300)):
        more = Counting()
        list(perturbed_observations(opened, data, "shuffle", levels, seed=seed, progress=more))
        assert more.num == num, (levels, seed)


def test_a_file_of_other_examples_is_not_trusted(opened, data):
    list(perturbed_observations(opened, data, "color", [0]))
    (kept,) = (opened.path / PERTURBED).rglob("0000-*.parquet")
    other = small_run(opened.path.parent / "other", model="mlp_3")
    list(perturbed_observations(other, load_dataset("digits", limit=60), "color", [0]))
    (shorter,) = (other.path / PERTURBED).rglob("*.parquet")
    shutil.copy(shorter, kept)
    count = Counting()
    list(perturbed_observations(opened, data, "color", [0], progress=count))
    assert count.num == 100


def test_other_weights_are_looked_at_anew(opened, data):
    list(perturbed_observations(opened, data, "color", [0]))
    longer = small_run(opened.path, model="mlp_3", limit=100, trials=3, epochs=3)
    count = Counting()
    (first, *_) = perturbed_observations(longer, data, "color", [1], progress=count)
    assert np.array_equal(first.loss[0], longer.trials[0].columns(3, ["loss"])["loss"])


def test_accuracy_and_votes_of_held_out_and_left_out_examples(tmp_path):
    data = load_dataset("digits", limit=100, holdout=0.3)
    run = small_run(tmp_path / "run", data, limit=None, trials=2, train_share=0.5)
    for name in ("train", "held_out"):
        looks = perturbed_probe(run, data, "radial", [100, 1], probe=name).look()
        for split, values in looks.accuracy.items():
            assert values.shape == (2, 2)
            recorded = [trial.document.accuracy[split][-1] for trial in run.trials]
            assert values[:, 0].tolist() == recorded
        assert set(looks.accuracy) == ({"train", "left_out"} if name == "train" else {"held_out"})
    regular = perturbed_probe(run, data, "radial", [100, 1]).look().votes[0]
    assert np.array_equal(regular.correct, run.votes().correct)
    assert np.array_equal(regular.p_label, run.votes().p_label)


def test_a_kind_of_ones_own_is_kept_until_its_module_changes(opened, data, own_kind):
    own_kind("images * (1 - level)")
    for expected in (300, 0):
        count = Counting()
        first = arrays(perturbed_observations(opened, data, "own_kind:fade", [1], progress=count))
        assert count.num == expected
    own_kind("images.flip(3) * (1 + level)")
    count = Counting()
    second = arrays(perturbed_observations(opened, data, "own_kind:fade", [1], progress=count))
    assert count.num == 300
    assert not np.array_equal(first[0][1], second[0][1])


def test_a_transform_that_fails_is_named(opened, data, own_kind):
    own_kind("images / 0 - images / 0")
    with pytest.raises(RunFailed, match="not finite under own_kind:fade 1"):
        list(perturbed_observations(opened, data, "own_kind:fade", [1]))
    own_kind("images[:, :, 1:]")
    with pytest.raises(BadInput, match="returned"):
        list(perturbed_observations(opened, data, "own_kind:fade", [1]))


def test_a_run_that_cannot_be_written_to_is_looked_at_all_the_same(opened, data):
    (opened.path / PERTURBED).write_text("in the way of a folder")
    assert len(list(perturbed_observations(opened, data, "color", [0]))) == 3


def test_what_cannot_be_looked_at(data, tmp_path):
    bare = small_run(tmp_path / "bare", keep_weights=False)
    with pytest.raises(BadInput, match="made without weights"):
        perturbed_probe(bare, load_dataset("digits", limit=60), "color", [0])
    own = recorded(tmp_path / "own", np.eye(2)[None, [0, 1, 0, 1]], np.array([0, 1, 0, 1]))
    with pytest.raises(BadInput, match="loop of your own"):
        perturbed_probe(own, data, "color", [0])


def test_pixels_are_those_of_the_examples_in_any_order(data):
    positions = np.array([7, 3, 3, 50])
    assert np.array_equal(examples_at(data, positions, Recipe()), images_of(data)[positions] / 255)
