"""Frozen settings of the paper's experiments, and the folder of a study, which goes on with its own."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from easiness import runs
from easiness.errors import BadInput, RunFailed, nearest
from easiness.regular_file import read_regular
from easiness.spec import ALL, LAST, Precision
from easiness.store import (
    ASIDE,
    check_no_links,
    later,
    own_version,
    read_json,
    sweep,
    write_whole,
)

if TYPE_CHECKING:
    from easiness.data import Dataset
    from easiness.paper.reproduction.study import PaperPlan

DOCUMENT = "study.json"
RUNS = "trials"
PAGE = "report.html"
_MOST_OF_A_PAGE = 2**28  # bytes, far more than one with all pictures comes to
FIGURES = "figures"
TABLES = "tables"

Kind: TypeAlias = Literal["small", "photos", "other"]
"""CIFAR-10 (``small``), mini ImageNet (``photos``), or data of which the paper says nothing."""

_SOURCES: dict[str, Kind] = {"cifar10": "small", "mini-imagenet": "photos"}

_CIFAR10 = frozenset(
    {"airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"}
)
_OF_MINI_IMAGENET = frozenset({"sea snake", "butternut squash"})  # ImageNet has them too


@dataclass(frozen=True, kw_only=True)
class Preset:
    """Every number that the paper leaves open or that a smaller machine cannot bear.

    ``source`` is used where none is given, and ``limit`` as for `load_dataset`; ``holdout`` is held out
    where the source has no held-out split. Matching, galleries, perturbations and scores come from
    ``trials`` trainings of ``epochs`` epochs of each of ``mlps`` and ``cnns``; the perturbations,
    galleries and the ranking for ablation from ``cnns[0]``. Final models are trained ``final_trials``
    times for ``final_epochs`` epochs, which is then their cosine period; the last of ``final_models``
    gives the pseudo patterns. Examples to drop or relabel are drawn class by class with ``balanced``.
    ``recipe`` changes the recipe of all; where ``learned`` is given, it is that of the models that are
    tested: the final ones, and those trained on what is left or spoiled. ``observe`` says after which epochs
    all are looked at. Without ``perturbed`` nothing looks at perturbed examples but the final models.
    """

    name: str
    description: str
    source: str | None = "cifar10"
    limit: int | None = None
    holdout: float = 0.2
    mlps: tuple[str, ...]
    cnns: tuple[str, ...]
    trials: int = 10
    epochs: int
    merged_models: tuple[str, ...]
    merged_trials: int = 10
    merged_epochs: int = 3
    final_models: tuple[str, ...]
    final_trials: int = 5
    final_epochs: int
    ablation_model: str
    drop_rates: tuple[float, ...] = (0.0, 0.3, 0.6, 0.9)
    corrupt_rates: tuple[float, ...] = (0.0, 0.3, 0.6, 0.9)
    repetitions: int = 5
    ablation_epochs: int
    balanced: bool = False
    precision: Precision = "auto"
    recipe: dict[str, Any] = field(default_factory=dict)
    batch_norm: tuple[str, ...] = ()
    learned: dict[str, Any] | None = None
    observe: str = ALL
    perturbed: bool = True

    @property
    def models(self) -> tuple[str, ...]:
        return (*self.mlps, *self.cnns)


SMOKE = Preset(
    name="smoke",
    description="every experiment on a small scale, to see that all of it works; decides nothing",
    source="digits",
    mlps=("mlp_3_w64",),
    cnns=("wrn_10_1", "densenet_bc_10_6", "resnext_11_1x4d_b8"),
    epochs=3,
    merged_models=("wrn_10_1",),
    merged_trials=5,
    final_models=("wrn_10_1",),
    final_epochs=4,
    ablation_model="mlp_3_w64",
    ablation_epochs=5,
    balanced=True,  # so few examples that a class could lose all of them
    # what auto takes could differ from one machine to another
    precision="float32",
    recipe={"batch_size": 32},
)

LAPTOP = Preset(
    name="laptop",
    description="CIFAR-10 with narrow networks of the paper's four families, on two cores and no GPU",
    # 400 of each class: a set of a tenth is 400 examples, a rate of 0.9 still leaves 40 of a class
    limit=4000,
    mlps=("mlp_3",),
    cnns=("wrn_16_1", "densenet_bc_16_8", "resnext_11_2x8d_b16"),
    # groups of five trials are the smallest that decide anything; so short trials repeat well, and their
    # sets are those of early training
    epochs=3,
    merged_models=("wrn_16_1",),
    final_models=("densenet_bc_16_8", "wrn_16_1"),
    final_epochs=8,
    # two thirds of the study's trainings are these, so they are of the cheapest network
    ablation_model="wrn_10_1",
    ablation_epochs=5,
    balanced=True,  # nine tenths drawn mainly among the hard would leave no cat
    # so few examples give so few steps that smaller ones learn more
    recipe={"batch_size": 64},
)

OVERNIGHT = Preset(
    name="overnight",
    description="claims 4, 6 to 8 and 10 on CIFAR-10 with one network trained to its end; two cores, no GPU",
    limit=20_000,
    # what other networks, and perturbed examples, say is left to the other presets: all of the time is for
    # models that have learned
    mlps=(),
    cnns=("wrn_16_1",),
    perturbed=False,
    epochs=4,
    merged_models=("wrn_16_1",),
    final_models=("wrn_16_1",),
    final_epochs=10,
    ablation_model="wrn_16_1",
    # those that the claims name: relabelling keeps the number of steps, so that a rate more is an hour
    corrupt_rates=(0.0, 0.3, 0.9),
    ablation_epochs=10,
    balanced=True,  # mainly hard ones at 0.9 would leave hardly a cat
    # six times the paper's step, down to nothing after the last epoch: 0.74 of the held-out are right
    learned={"alpha": 0.006},
    observe=LAST,  # nobody asks for more, and it is a quarter of the time
)

_PAPER_RATES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)

PAPER = Preset(
    name="paper",
    description="the paper's settings for CIFAR-10; for GPUs",
    mlps=("mlp_3",),
    cnns=("wrn_16_4", "densenet_bc_100_12", "resnext_29_4x64d"),
    trials=20,
    epochs=4,
    merged_models=("wrn_16_4", "resnext_29_4x64d"),
    merged_trials=20,
    merged_epochs=4,
    final_models=("wrn_16_4", "resnext_29_4x64d"),
    final_trials=15,
    final_epochs=300,
    ablation_model="wrn_16_4",
    drop_rates=_PAPER_RATES,
    corrupt_rates=_PAPER_RATES,
    ablation_epochs=300,
)

PAPER_PHOTOS = replace(
    PAPER,
    description="the paper's settings for mini ImageNet; for GPUs",
    source=None,
    cnns=("resnet18", "alexnet", "vgg11", "vgg11_bn", "densenet121"),
    epochs=10,
    merged_models=("resnet18", "densenet121"),
    merged_epochs=10,
    final_models=("densenet121", "resnet18"),
    final_trials=10,
    ablation_model="resnet18",
    batch_norm=("resnet18", "vgg11_bn", "densenet121"),
)

PRESETS = {preset.name: preset for preset in (SMOKE, LAPTOP, OVERNIGHT, PAPER)}


def find_preset(name: str, source: object = None) -> Preset:
    """The preset of this name; ``paper`` has other networks for ``mini-imagenet:FOLDER``."""
    if name not in PRESETS:
        raise BadInput(f"preset {name!r}: unknown{nearest(name, PRESETS)}; choose {', '.join(PRESETS)}")
    if name == PAPER.name and isinstance(source, str) and source.startswith("mini-imagenet:"):
        return PAPER_PHOTOS
    return PRESETS[name]


def kind_of(data: Dataset) -> Kind:
    """The one of these data sets that the source of the data names.

    Files and arrays of the user's own do not say where they are from: those go by the names of the classes.
    """
    source = (data.source or "").partition(":")[0]
    if source in _SOURCES:
        return _SOURCES[source]
    names = set(data.classes)
    if names == _CIFAR10:
        return "small"
    return "photos" if names >= _OF_MINI_IMAGENET else "other"


def is_study(out: Path) -> bool:
    return (out / DOCUMENT).is_file()


def is_damaged_study(out: Path) -> bool:
    try:
        return is_study(out) and not _flat(read_json(out / DOCUMENT))
    except (OSError, ValueError):
        return True


def study_page(out: Path) -> str:
    again = "run the same `easiness paper all` again"
    try:
        return read_regular(out / PAGE, _MOST_OF_A_PAGE).decode()
    except FileNotFoundError:
        raise BadInput(f"{out}: the study has no {PAGE} yet; {again} to finish it") from None
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no UTF-8"
        raise BadInput(f"{out / PAGE}: cannot be read ({why}); {again} to write it anew") from None


def check_folder(plan: PaperPlan, out: Path) -> None:
    """Make sure that ``out`` is this study, or could become it."""
    runs.check_study_folder(out)
    if out.exists() and not out.is_dir():
        raise BadInput(f"{out}: is a file; give a folder for the study (--out)")
    document = out / DOCUMENT
    if not is_study(out):
        # a study that was killed before it was described has only what the kill left
        names = sorted(one.name for one in out.iterdir()) if out.is_dir() else []
        foreign = [name for name in names if not name.startswith(ASIDE)]
        if foreign:
            raise BadInput(
                f"{out}: neither empty nor a study (it holds {foreign[0]!r}); choose another --out"
            )
        return
    try:
        there = read_json(document)
    except (OSError, ValueError):
        raise BadInput(f"{document}: is damaged; choose another --out") from None
    error = later(document, there)
    there, here = _flat(there), _flat(_settings(plan))
    if error is not None and (there.get("format", 1) != 1 or there.keys() - here.keys() - {"version"}):
        raise error  # it has settings that are not known here
    for name, value in here.items():
        if there.get(name) != value:
            raise BadInput(
                f"{out}: this study cannot be continued with other settings: {name} is {there.get(name)} "
                f"there, {value} here; choose another --out"
            )


def _flat(settings: Any) -> dict[str, Any]:
    """The settings with those of the preset beside the others."""
    if not isinstance(settings, dict) or not isinstance(settings.get("preset"), dict):
        return {}
    preset = {f"preset {name}": value for name, value in settings["preset"].items()}
    return preset | {name: value for name, value in settings.items() if name != "preset"}


def describe_folder(plan: PaperPlan, out: Path) -> None:
    """Make the folder and write down what the study was begun with; remove what killed writers left."""
    check_no_links(out)
    try:
        out.mkdir(parents=True, exist_ok=True)
        for folder in (out, out / FIGURES, out / TABLES):
            sweep(folder)
        if not is_study(out):
            settings = {**_settings(plan), "version": own_version()}
            write_whole(out / DOCUMENT, (json.dumps(settings, indent=1) + "\n").encode())
    except OSError as error:
        raise RunFailed(f"{out}: cannot be written to ({error.strerror}); choose another --out") from None


def _settings(plan: PaperPlan) -> dict[str, Any]:
    data, preset = plan.data, json.loads(json.dumps(asdict(plan.preset)))
    del preset["description"]  # words
    return {
        "preset": preset,
        "seed": plan.seed,
        "examples": len(data),
        "fingerprint": data.fingerprint,
        "held_out_fingerprint": None if data.held_out is None else data.held_out.fingerprint,
    }
