"""How a network is trained, as a frozen value: the paper's settings are the defaults."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_serializer

from easiness.errors import BadInput, nearest
from easiness.regular_file import at_home, read_regular


def _setting(default: Any, description: str, **limits: Any) -> Any:
    return Field(default=default, description=description, **limits)


class ImageSettings(BaseModel):
    """Augmentation and normalization of pictures (Kishida and Nakayama 2019, section 3.1)."""

    translation: float = _setting(0.125, "largest shift as a share of the side (4 of 32 pixels)", ge=0, lt=1)
    flip: float = _setting(0.5, "probability of a horizontal flip", ge=0, le=1)
    crop: int = _setting(
        0, "side in pixels that photos are cropped to; 0: images keep their size", ge=0, le=16384
    )
    crop_scale: float = _setting(0.08, "least share of a photo's area that a random crop takes", gt=0, le=1)
    crop_ratio: float = _setting(4 / 3, "largest aspect ratio of a random crop, upright or across", ge=1)
    crop_share: float = _setting(
        0.875, "share of the short side in the evaluation crop (224 of 256)", ge=0.01, le=1
    )
    reduce: int = _setting(
        1, "side of the blocks of pixels averaged into one, of images without crop", ge=1, lt=2**31
    )
    gcn: bool = _setting(True, "global contrast normalization")
    gcn_epsilon: float = _setting(1e-6, "added to the standard deviation in GCN", gt=0)

    @property
    def resize(self) -> int:
        """Short side in pixels that a photo has before the evaluation crop: 256 for a crop of 224."""
        return int(self.crop / self.crop_share + 0.5)

    def shift(self, side: int) -> int:
        """Largest translation in pixels of an image with this side: 4 for 32 pixels."""
        return int(self.translation * side + 0.5)

    def idle(self) -> set[str]:
        """The settings that change nothing, as the others are: those of a crop where there is none."""
        idle = set[str]() if self.crop else {"crop", "crop_scale", "crop_ratio", "crop_share"}
        return idle | ({"reduce"} if self.reduce == 1 else set())


class SoundSettings(BaseModel):
    """Window, log-mel picture and augmentation (masks as in Park et al., "SpecAugment", 2019) of sounds."""

    seconds: float = _setting(1.0, "seconds of a sound that are heard: its loudest", gt=0, le=60)
    hop: float = _setting(0.02, "seconds from one column of the log-mel picture to the next", ge=0.001, le=1)
    mels: int = _setting(40, "bands of frequency, rows of the log-mel picture", ge=4, le=512)
    time_shift: float = _setting(0.1, "largest shift in time as a share of the window", ge=0, le=0.5)
    gain: float = _setting(6.0, "largest gain in decibels, up or down", ge=0, le=60)
    masks: int = _setting(1, "silenced stretches of time, and as many of frequency", ge=0, le=16)
    time_mask: float = _setting(0.1, "longest silenced stretch of time as a share of the window", ge=0, le=1)
    mel_mask: float = _setting(
        0.1, "widest silenced stretch of frequency as a share of the bands", ge=0, le=1
    )

    @property
    def frames(self) -> int:
        """Columns of the log-mel picture: 50 for a second."""
        return max(1, round(self.seconds / self.hop))


class TextSettings(BaseModel):
    """Length and augmentation of texts."""

    word_dropout: float = _setting(0.0, "probability that a word of a text is left out of a step", ge=0, lt=1)
    max_words: int = _setting(256, "words of a text that are seen, from its beginning", ge=1, le=2048)


RECIPE_VERSION = 1
"""Changes whenever the same recipe would train to other weights; it is part of a trial's identity."""

MOST_BYTES = 2**14
"""Bytes of a recipe in a file, at most: reading TOML takes time that grows with the square of its length."""

_MOST_SHOWN = 80  # characters of a value in an error

IMAGE = "image"
KIND_SETTINGS: Mapping[str, type[BaseModel]] = {
    IMAGE: ImageSettings,
    "text": TextSettings,
    "sound": SoundSettings,
}
"""The part of a recipe that belongs to a kind of examples, by its name; the other kinds have none."""
_LATER = {name for kind, part in KIND_SETTINGS.items() if kind != IMAGE for name in part.model_fields}


class _TrainingSettings(BaseModel):
    batch_size: int = _setting(128, "examples per step", ge=1, lt=2**31)
    alpha: float = _setting(0.001, "step size at the start of the cosine", gt=0)
    beta1: float = _setting(0.9, "decay of the first moment", ge=0, lt=1)
    beta2: float = _setting(0.99, "decay of the second moment", ge=0, lt=1)
    epsilon: float = _setting(1e-8, "added to the root of the second moment", gt=0)
    w_norm: float = _setting(0.05, "normalized weight decay", ge=0)
    period: Annotated[float, Field(gt=0)] | Literal["epochs"] = _setting(
        300.0, 'epochs of the cosine period, T_i; "epochs": as many as are trained'
    )
    label_smoothing: float = _setting(
        0.0, "share of the target that is spread over all classes alike", ge=0, lt=1
    )


class Recipe(SoundSettings, TextSettings, ImageSettings, _TrainingSettings):
    """Optimizer, schedule and augmentation of a trial (Kishida and Nakayama 2019, section 3.1).

    The update is that of Loshchilov and Hutter, "Fixing Weight Decay Regularization in Adam":
    ``theta -= eta_t * (alpha * m / (sqrt(v) + epsilon) + lambda * theta)`` with
    ``lambda = w_norm * sqrt(b / (B * T))`` and ``eta_t = (1 + cos(pi * t / T)) / 2``, where b is the
    batch size, B the number of examples trained on, T the ``period`` and t the epochs so far. A period of
    ``"epochs"`` is as long as the training, whatever its length: the cosine then ends with it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @model_serializer(mode="wrap")
    def _as_before(self, write: Callable[[Any], dict[str, Any]], info: Any) -> dict[str, Any]:
        """In documents without usual settings of kinds that came later: they stay what they were."""
        document = write(self)
        usual = {name for name in _LATER if getattr(self, name) == type(self).model_fields[name].default}
        left_out = usual if info.mode_is_json() else set()
        return {name: value for name, value in document.items() if name not in left_out}

    def identity(self, kind: str = IMAGE) -> dict[str, Any]:
        """The settings that decide what is learned from examples of a kind, by name.

        A setting that is not in use is left out, so that runs from before it existed are still the same.
        """
        idle = {"label_smoothing"} if self.label_smoothing == 0 else set()
        return self.model_dump(mode="json", exclude=idle | self.idle() | settings_of_others(kind))

    def over(self, epochs: int) -> Recipe:
        """The recipe of a training of so many epochs: its ``period`` is a number."""
        return self.model_copy(update={"period": float(epochs)}) if self.period == "epochs" else self

    def anneals(self, epochs: int) -> bool:
        """Has the step size come down to a tenth at the end of a training of so many epochs?

        What is observed before the end is then of an unfinished training, and not what a shorter one gives.
        """
        return self.over(epochs).eta(epochs) <= 0.1

    @property
    def _period(self) -> float:
        assert self.period != "epochs"  # see `over`
        return self.period

    def weight_decay_lambda(self, num_examples: int) -> float:
        """``lambda`` for ``num_examples`` examples trained on."""
        batch = min(self.batch_size, num_examples)
        return self.w_norm * math.sqrt(batch / (num_examples * self._period))

    def torch_weight_decay(self, num_examples: int) -> float:
        """``weight_decay`` for ``torch.optim.AdamW``, which multiplies it by the learning rate.

        With ``lr = eta_t * alpha`` the decay of a step is ``eta_t * lambda`` as the paper has it.
        """
        return self.weight_decay_lambda(num_examples) / self.alpha

    def steps_per_epoch(self, num_examples: int) -> int:
        """Steps in an epoch; a last batch of one example joins the one before it."""
        full, rest = divmod(num_examples, self.batch_size)
        return max(1, full + (rest > 1 or (rest == 1 and full == 0)))

    def eta(self, epochs: float) -> float:
        """Schedule multiplier in [0, 1] after ``epochs`` (a fraction counts) of training."""
        return 0.5 * (1 + math.cos(math.pi * epochs / self._period))


def settings_of_others(kind: str) -> set[str]:
    """The settings of a recipe that belong to other kinds of examples, and mean nothing to this one."""
    return {name for other, part in KIND_SETTINGS.items() if other != kind for name in part.model_fields}


def make_recipe(
    base: dict[str, Any], changes: dict[str, Any], *, origin: str, kind: str | None = None
) -> Recipe:
    """The recipe with ``changes`` (from ``origin``, for the error text) over the defaults in ``base``."""
    unknown = [key for key in changes if key not in Recipe.model_fields]
    if unknown:
        raise BadInput(
            f"{origin}: unknown recipe setting {quote(unknown[0])}{nearest(unknown[0], Recipe.model_fields)}"
        )
    foreign = [key for key in changes if kind is not None and key in settings_of_others(kind)]
    if foreign:
        raise BadInput(f"{origin}: {foreign[0]}: no setting for examples of kind {kind}; leave it out")
    try:
        recipe = Recipe.model_validate({**base, **changes}, strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        key, reason = str(first["loc"][0]), first["msg"]
        if key == "period":
            reason = 'give a finite number of epochs above 0, or "epochs" for as many as are trained'
        raise BadInput(f"{origin}: {key}: {reason}, not {quote(first['input'])}") from None
    if recipe.crop and recipe.reduce > 1:
        raise BadInput(
            f"{origin}: reduce: photos are cropped to {recipe.crop} pixels, which is their size; change "
            "`crop` instead, or set `crop = 0` for images of one size"
        )
    return recipe


def quote(value: Any) -> str:
    """The value for the text of an error, cut to a length: it may be a whole file."""
    try:
        text = repr(value)
    except ValueError:
        text = "an integer of thousands of digits"
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}..."


def read_recipe(path: Path, *, model: str = "") -> dict[str, Any]:
    """The settings for ``model`` in a TOML file.

    Top-level settings are for every model, and ``base`` names the recipe that all of them change. A table
    is for the models whose name, with or without a leading ``timm:``, starts with the table's: ``[vgg]``
    for ``vgg11`` and ``vgg11_bn``. Where several give a setting, the one that matches furthest decides; any
    of them goes before the top level.
    """
    try:
        content = tomllib.loads(read_regular(path, MOST_BYTES).decode())
    except (OSError, ValueError, RecursionError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise BadInput(
            f"{path}: the recipe cannot be read ({reason}); give paper, short or a TOML file"
        ) from None
    base = {key: content.pop(key) for key in ["base"] if key in content}
    # A table with the name of a setting is a setting of the wrong type.
    tables = {k: v for k, v in content.items() if isinstance(v, dict) and k not in Recipe.model_fields}
    settings = {key: value for key, value in content.items() if key not in tables}
    make_recipe({}, settings, origin=str(path))
    for name, table in tables.items():
        make_recipe({}, table, origin=f"{path}: [{name:.80}]")
    for name in _tables_for(model, tables):
        settings.update(tables[name])
    return base | settings


def _tables_for(model: str, tables: Iterable[str]) -> list[str]:
    """The tables whose name ``model`` starts with, the one that says most about it last."""
    bare = model.removeprefix("timm:")
    lengths = {name: len(name) for name in tables if model.startswith(name)}
    lengths |= {name: len(model) - len(bare) + len(name) for name in tables if bare.startswith(name)}
    return sorted(lengths, key=lambda name: (lengths[name], len(name)))


RECIPES: Mapping[str, Mapping[str, Any]] = {
    "paper": {},
    "short": {"period": "epochs", "alpha": 0.003, "translation": 0.0, "crop_scale": 0.35},
}
"""The changes of each named recipe to `Recipe`, whose own settings are the paper's.

``short`` is for trainings of a few epochs: its step size, three times the paper's, comes down to nothing with
the last step, and images are mirrored and hardly moved (docs/results/recipes.md has what it gains).
"""

DEFAULT_RECIPE = "short"
"""The recipe of a new run of ``measure``."""

# torchvision's networks without batch normalization, for which a larger step was not tried
_PAPERS_STEP = {"alexnet", "vgg11", "vgg13", "vgg16", "vgg19", "squeezenet1_0", "squeezenet1_1"}

BASE = "base"
"""Beside settings, the name of the recipe that they change; the paper's where it is left out."""


def named_recipe(name: str, model: str) -> dict[str, Any]:
    """The changes of the named recipe to `Recipe` for a network.

    AlexNet, VGG and SqueezeNet without batch normalization keep the paper's step size in each.
    """
    settings = dict(RECIPES[name])
    if model in _PAPERS_STEP:
        settings.pop("alpha", None)
    return settings


def recipe_settings(recipe: Mapping[str, Any] | str | Path | None, *, model: str = "") -> dict[str, Any]:
    """Settings as a dict, with the name of the recipe that they change under ``base``."""
    if recipe is None:
        return {BASE: "paper"}
    if isinstance(recipe, str) and recipe in RECIPES:
        return {BASE: recipe}
    origin = "recipe"
    if isinstance(recipe, str | Path):
        origin = str(recipe)
        if not at_home(recipe).suffix and not at_home(recipe).is_file():
            raise BadInput(
                f"recipe {origin or repr(origin)}: unknown{nearest(origin, RECIPES)}; "
                f"give {' or '.join(RECIPES)}, or a TOML file"
            )
        recipe = read_recipe(at_home(recipe), model=model)
    if not isinstance(recipe, Mapping):
        raise BadInput(f"recipe {recipe!r}: give {' or '.join(RECIPES)}, a TOML file, or settings as a dict")
    settings = {BASE: "paper", **recipe}
    if settings[BASE] not in tuple(RECIPES):
        raise BadInput(f"{origin}: {BASE}: give {' or '.join(RECIPES)}, not {quote(settings[BASE])}")
    return settings


def describe_recipe(recipe: Recipe) -> str:
    """The named recipe that is nearest, and what differs: ``short, but flip = 0.0``."""
    ours = recipe.model_dump()
    idle = recipe.idle() - {"crop", "reduce"}
    differences = {}
    for name, settings in RECIPES.items():
        theirs = Recipe.model_validate(settings).model_dump()
        differences[name] = [
            f"{key} = {value}" for key, value in ours.items() if value != theirs[key] and key not in idle
        ]
    nearest_name = min(differences, key=lambda name: len(differences[name]))
    changes = differences[nearest_name]
    return nearest_name + (f", but {', '.join(changes)}" if changes else "")
