from __future__ import annotations

import math
import tempfile
from pathlib import Path

import pytest
from hypothesis import example, given, strategies as st

from easiness.errors import BadInput
from easiness.spec import (
    DEFAULT_RECIPE,
    RECIPES,
    Recipe,
    describe_recipe,
    make_recipe,
    named_recipe,
    read_recipe,
    recipe_settings,
)
from easiness.training.loop import batches


def test_the_defaults_are_those_of_the_paper():
    recipe = Recipe()
    assert (recipe.alpha, recipe.beta1, recipe.beta2) == (0.001, 0.9, 0.99)
    assert (recipe.w_norm, recipe.period, recipe.batch_size) == (0.05, 300, 128)
    assert (recipe.flip, recipe.gcn) == (0.5, True)


@pytest.mark.parametrize(
    ("batch_size", "num_examples", "period", "expected"),
    [
        (128, 50_000, 300, 1.46059e-4),  # CIFAR-10: 0.05 * sqrt(128 / 1.5e7)
        (100, 400, 25, 5e-3),  # 0.05 * sqrt(1 / 100)
    ],
)
def test_weight_decay(batch_size, num_examples, period, expected):
    recipe = Recipe(batch_size=batch_size, period=period)
    assert recipe.weight_decay_lambda(num_examples) == pytest.approx(expected, rel=1e-5)
    assert recipe.torch_weight_decay(num_examples) == pytest.approx(1000 * expected, rel=1e-5)


def test_eta_is_half_a_cosine():
    recipe = Recipe(period=300)
    assert recipe.eta(0) == 1
    assert recipe.eta(150) == pytest.approx(0.5)
    assert recipe.eta(300) == pytest.approx(0, abs=1e-12)
    assert recipe.eta(100) == pytest.approx(0.75)  # (1 + cos 60 degrees) / 2
    assert recipe.eta(0.5) == pytest.approx(0.5 * (1 + math.cos(math.pi / 600)))


@pytest.mark.parametrize(("side", "pixels"), [(32, 4), (8, 1), (28, 4), (224, 28), (3, 0), (4, 1)])
def test_shift_is_an_eighth_of_the_side(side, pixels):
    assert Recipe().shift(side) == pixels


def test_changes_go_over_the_base_and_the_base_over_the_defaults():
    recipe = make_recipe({"flip": 0.0, "alpha": 0.5}, {"alpha": 0.25}, origin="recipe")
    assert recipe == Recipe(flip=0.0, alpha=0.25)


@pytest.fixture
def toml(tmp_path: Path):
    def write(text: str | bytes) -> Path:
        path = tmp_path / "mine.toml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def read(path: Path) -> Recipe:
    return make_recipe({}, read_recipe(path), origin=str(path))


@pytest.mark.parametrize(("name", "value", "usual"), [("reduce", 2, 1), ("label_smoothing", 0.1, 0.0)])
def test_settings_of_later_are_part_of_the_identity_only_where_they_are_used(toml, name, value, usual):
    changed = read(toml(f"{name} = {value}\n"))
    assert changed.identity() == {**Recipe().identity(), name: value}
    assert make_recipe({}, {name: usual}, origin="recipe").identity() == Recipe().identity()


def test_photos_are_not_reduced_but_images_of_one_size_are():
    photos = {"crop": 224, "batch_size": 64}
    with pytest.raises(BadInput, match=r"reduce: .* cropped to 224"):
        make_recipe(photos, {"reduce": 2}, origin="recipe")
    assert make_recipe(photos, {"reduce": 2, "crop": 0}, origin="recipe").reduce == 2


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("batchsize = 64", ["'batchsize'", "did you mean batch_size?"]),
        ("[alpha]\nflip = 0.1", ["alpha", "number"]),
        ("[vgg]\nbatchsize = 64", ["[vgg]: ", "'batchsize'", "did you mean batch_size?"]),
        ("[vgg]\nalpha = -0.1", ["[vgg]: ", "alpha", "greater than 0", "-0.1"]),
        ("alpha = 0\n[vgg]\nalpha = 0.1", ["alpha", "greater than 0"]),
        ("[vgg.bn]\nalpha = 0.1", ["[vgg]: ", "'bn'"]),
        ("[[vgg]]\nalpha = 0.1", ["'vgg'"]),
        ('batch_size = "64"', ["batch_size", "integer", "'64'"]),
        ("batch_size = true", ["batch_size", "integer", "True"]),
        ("batch_size = 0", ["batch_size", "1", "not 0"]),
        ("flip = 1.5", ["flip", "less than or equal to 1", "1.5"]),
        ("gcn = 1", ["gcn", "boolean"]),
        ("alpha = -0.1", ["alpha", "greater than 0", "-0.1"]),
        ("period = inf", ["period", "finite"]),
        ("w_norm = nan", ["w_norm", "finite"]),
        ("crop = 64\nreduce = 2", ["reduce", "64 pixels", "`crop = 0`"]),
        ("alpha: 0.1", ["cannot be read", "line 1"]),
        (b"alpha = 0.1 # \xff", ["cannot be read"]),
        ("alpha = " + "[" * 1000, ["cannot be read", "recursion"]),
        ("[" + "a." * 1000 + "b]\nc = 1", ["unknown recipe setting 'a'"]),
        ("#" * 2**14 + "\n", ["larger than 16 KiB"]),
        ("crop = 16385", ["crop", "16384, not 16385"]),
    ],
)
def test_a_bad_file_is_one_line_that_names_file_and_setting(toml, text, parts):
    path = toml(text)
    with pytest.raises(BadInput) as caught:
        read(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    for part in parts:
        assert part in message.removeprefix(f"{path}: ")


def test_a_missing_file_and_a_folder_are_named(tmp_path):
    for path in (tmp_path / "none.toml", tmp_path):
        with pytest.raises(BadInput, match="recipe cannot be") as caught:
            read_recipe(path)
        assert str(path) in str(caught.value)
        assert "\n" not in str(caught.value)


FAMILIES = """
alpha = 0.01
flip = 0.0
[vgg]
alpha = 0.02
period = 30
[vgg11_bn]
alpha = 0.03
[vit]
alpha = 0.04
["timm:"]
period = 60
["timm:vit"]
alpha = 0.05
[vit_tiny]
alpha = 0.06
["vit_small.augreg"]
alpha = 0.07
"""


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("", {"alpha": 0.01, "flip": 0.0}),
        ("resnet18", {"alpha": 0.01, "flip": 0.0}),
        ("my_vgg:make", {"alpha": 0.01, "flip": 0.0}),  # a name starts with the table's
        ("vgg11", {"alpha": 0.02, "flip": 0.0, "period": 30}),
        ("vgg11_bn", {"alpha": 0.03, "flip": 0.0, "period": 30}),
        ("timm:vgg11_bn", {"alpha": 0.03, "flip": 0.0, "period": 30}),
        ("timm:resnet18", {"alpha": 0.01, "flip": 0.0, "period": 60}),
        ("vit_b_16", {"alpha": 0.04, "flip": 0.0}),
        ("timm:vit_base", {"alpha": 0.05, "flip": 0.0, "period": 60}),
        ("timm:vit_tiny_patch16_224", {"alpha": 0.06, "flip": 0.0, "period": 60}),
        ("timm:vit_small.augreg_in21k", {"alpha": 0.07, "flip": 0.0, "period": 60}),
    ],
)
def test_a_table_is_for_the_models_of_that_family(toml, model, expected):
    assert read_recipe(toml(FAMILIES), model=model) == expected


def named(name: str) -> Recipe:
    return Recipe.model_validate(RECIPES[name])


def test_the_paper_is_what_recipe_is_without_settings():
    assert named("paper") == Recipe()
    assert DEFAULT_RECIPE in RECIPES


def test_the_short_recipe_anneals_whatever_the_length():
    short = named("short")
    for epochs in (1, 10, 400):
        assert short.over(epochs).eta(0) == 1
        assert short.over(epochs).eta(epochs) == pytest.approx(0, abs=1e-12)
        assert short.anneals(epochs)
    assert not Recipe().anneals(10)
    assert Recipe().anneals(300)
    assert Recipe().over(10) == Recipe()
    # (1 + cos(pi x)) / 2 = 0.1 at x = acos(-0.8) / pi = 0.795
    assert not Recipe(period=100).anneals(79)
    assert Recipe(period=100).anneals(80)


def test_a_period_of_the_trainings_length_is_one_identity_and_a_number_another():
    assert Recipe(period="epochs").identity()["period"] == "epochs"
    assert Recipe(period=10).identity() == Recipe(period="epochs").over(10).identity()
    assert Recipe.model_validate_json(Recipe(period="epochs").model_dump_json()) == Recipe(period="epochs")


@pytest.mark.parametrize("period", [0, -1.0, "ten", "", True, None])
def test_a_period_is_a_number_or_the_word(period):
    with pytest.raises(BadInput, match=r'^mine: period: .*"epochs"'):
        make_recipe({}, {"period": period}, origin="mine")


@pytest.mark.parametrize("name", RECIPES)
def test_a_name_is_settings_of_nothing_but_a_base(name):
    assert recipe_settings(name) == {"base": name}
    assert describe_recipe(named(name)) == name


def test_networks_without_batch_normalization_keep_the_papers_step():
    short = named("short")
    for model, alpha in (("vgg11", 0.001), ("vgg11_bn", 0.003), ("wrn_16_4", 0.003)):
        recipe = Recipe.model_validate(named_recipe("short", model))
        assert recipe == short.model_copy(update={"alpha": alpha})
        assert named_recipe("paper", model) == {}


def test_settings_change_the_papers_recipe_unless_they_say_another(tmp_path):
    assert recipe_settings(None) == {"base": "paper"}
    assert recipe_settings({"alpha": 0.1}) == {"base": "paper", "alpha": 0.1}
    assert recipe_settings({"alpha": 0.1, "base": "short"}) == {"base": "short", "alpha": 0.1}
    file = tmp_path / "mine.toml"
    file.write_text('base = "short"\nalpha = 0.1\n[vgg]\nalpha = 0.2\n')
    assert recipe_settings(file) == {"base": "short", "alpha": 0.1}
    assert recipe_settings(str(file), model="vgg11") == {"base": "short", "alpha": 0.2}


def test_a_file_may_have_the_name_of_a_recipe(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "short").write_text("alpha = 0.1\n")
    assert recipe_settings("./short") == {"base": "paper", "alpha": 0.1}
    assert recipe_settings("short") == {"base": "short"}


def test_an_unknown_base_is_one_line(tmp_path):
    file = tmp_path / "mine.toml"
    for text, shown in (('base = "shrot"\n', "'shrot'"), ("base = 3\n", "3"), ("[base]\n", "{}")):
        file.write_text(text)
        with pytest.raises(BadInput, match=rf"mine.toml: base: .*not {shown}$"):
            recipe_settings(file)


@pytest.mark.parametrize(
    ("recipe", "shown"),
    [(3, "3: "), (["short"], r"\['short'\]: "), ("", "'': "), ("shrot", "shrot: .*mean short")],
)
def test_what_is_no_recipe_is_one_line(recipe, shown):
    with pytest.raises(BadInput, match=f"^recipe {shown}.*paper or short"):
        recipe_settings(recipe)


def test_a_recipe_is_described_by_what_differs_from_the_nearest_name():
    assert describe_recipe(named("short").model_copy(update={"flip": 0.0})) == "short, but flip = 0.0"
    assert describe_recipe(Recipe(batch_size=32, alpha=0.002)) == "paper, but batch_size = 32, alpha = 0.002"
    # how photos are cropped matters where they are
    uncropped = named("short").model_copy(update={"crop_scale": 0.08})
    assert describe_recipe(uncropped) == "short"
    assert (
        describe_recipe(uncropped.model_copy(update={"crop": 64}))
        == "short, but crop = 64, crop_scale = 0.08"
    )


counts = st.integers(1, 3000)
sizes = st.integers(1, 200)


@given(counts, sizes)
@example(129, 128)
@example(1, 128)
@example(257, 128)
@example(3, 1)
def test_the_schedule_counts_the_steps_that_the_loop_takes(num, size):
    assert Recipe(batch_size=size).steps_per_epoch(num) == len(batches(num, size))


@given(counts, sizes)
@example(129, 128)
def test_batches_cut_an_epoch_without_a_lonely_example(num, size):
    cut = batches(num, size)
    assert [i for b in cut for i in range(num)[b]] == list(range(num))
    lengths = [b.stop - b.start for b in cut]
    assert all(length == min(size, num) for length in lengths[:-1])
    assert lengths[-1] <= size + 1
    if num > 1 and size > 1:
        assert min(lengths) > 1


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
def test_a_recipe_comes_back_from_toml_and_json(chosen):
    expected = Recipe.model_validate(chosen)
    lines = [f"{key} = {str(v).lower()}" for key, v in chosen.items()]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "recipe.toml"
        path.write_text("\n".join(lines))
        assert make_recipe({}, read_recipe(path), origin="recipe.toml") == expected
    assert Recipe.model_validate_json(expected.model_dump_json()) == expected
