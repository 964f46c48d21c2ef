"""The design: patterns, how often each is shown and under which labels, their pictures, and the runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
import torch
from torch import Tensor

from easiness.analysis import MIN_GROUP
from easiness.data import Dataset
from easiness.errors import BadInput, nearest
from easiness.inputs import IMAGE, InputKind, Pack, Preparation, Signature, StoredExamples, TensorBank, Traits
from easiness.lazy import Floats, Integers, Mask, Singles
from easiness.paper.options import HypothesisOptions
from easiness.runs import Plan, make_plan
from easiness.spec import LAST, Recipe, Recording, Training, at_least, content_hash

_AT_ONCE = 4096  # pictures
_VERSION = 1  # changes whenever the same patterns would give other pictures

Arm: TypeAlias = Literal["natural", "balanced", "sham", "permuted", "half"]
ARMS: tuple[Arm, ...] = ("natural", "balanced")
CONTROLS: dict[Arm, str] = {
    "sham": "a new random patch in every picture: no pattern is shown twice",
    "permuted": "all labels permuted: patterns say nothing about them",
    "half": "patterns at half the amplitude",
}
FREQUENT = 128
"""Examples an epoch from which on a pattern is frequent: contradiction is judged where these do not lack."""
DECISIVE = 0.25
"""The share of contradicted carriers that decides."""

_PATTERNS, _LABELS = 0, 1  # streams of a study's seed


@dataclass(frozen=True)
class PlantedPreset:
    """Every number of the experiment.

    Pictures have ``side`` x ``side`` pixels of 1/f noise with variance 1 and one patch of ``patch`` x
    ``patch`` values with mean square ``amplitude`` squared. Each class has, for every contradiction,
    ``supports[s]`` patterns with s examples an epoch that bear its label. Networks are trained for
    ``epochs`` epochs by a named ``recipe``, and asked about ``fresh`` new pictures of each pattern.
    """

    name: str
    classes: int = 4
    supports: dict[int, int] = field(default_factory=lambda: {8: 2, 32: 2, 128: 2, 307: 1})
    contradictions: tuple[float, ...] = (0.0, 0.1, 0.25, 0.4)
    side: int = 16
    patch: int = 5
    amplitude: float = 1.5
    networks: tuple[str, ...] = ("wrn_10_1", "densenet_bc_10_6")
    epochs: int = 6
    trials: int = 20
    control_trials: int = 5
    fresh: int = 64
    recipe: str = "short"
    precision: Literal["float32", "bfloat16"] = "float32"

    @property
    def warning(self) -> str:
        """Why its results decide nothing; empty where they do."""
        if self.trials >= MIN_GROUP:
            return ""
        return "so few trials decide nothing; for an answer leave out --preset and give another --out"


# f from 8 to 512: 307 / (1 - 0.4). On seed 901, which is not the study's, the mean easiness of patterns in
# the natural arm is 0.74 and 0.46 after six epochs at this amplitude: neither all right nor all at chance.
FULL = PlantedPreset("full")
SMOKE = PlantedPreset(
    "smoke",
    supports={4: 1, 16: 1, 128: 1},
    contradictions=(0.0, DECISIVE),
    amplitude=3.0,
    networks=("wrn_10_1",),
    epochs=2,
    trials=3,  # fewer than decide anything
    control_trials=2,
    fresh=8,
)
PRESETS = {preset.name: preset for preset in (FULL, SMOKE)}


@dataclass(frozen=True, eq=False)
class PlantedPatterns:
    """Patterns [P]: ``support`` and ``contradiction`` of each, its class ``label``, and its ``patch``."""

    support: Integers
    contradiction: Floats
    label: Integers
    patch: Singles

    def __len__(self) -> int:
        return len(self.support)

    @property
    def frequency(self) -> Floats:
        """f [P], examples an epoch in the natural arm, of which ``f (1 - c)`` are the support."""
        return self.support / (1 - self.contradiction)


class ArmExamples(NamedTuple):
    """Examples [K] of an arm: the ``pattern`` that each carries, its ``label``, and is that its ``own``?"""

    pattern: Integers
    label: Integers
    own: Mask


def patterns_of(preset: PlantedPreset, seed: int) -> PlantedPatterns:
    """The patterns of a study, the same in all arms, networks and trials.

    Every class has as many patterns of each support and contradiction as every other, so that no class is
    more frequent than another.
    """
    cells = [
        (support, contradiction, label)
        for support, number in preset.supports.items()
        for contradiction in preset.contradictions
        for label in range(preset.classes)
        for _ in range(number)
    ]
    support, contradiction, label = (np.array(column) for column in zip(*cells, strict=True))
    random = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(_PATTERNS,)))
    patch = random.standard_normal((len(cells), preset.patch, preset.patch))
    patch /= np.sqrt((patch**2).mean(axis=(1, 2), keepdims=True))
    return PlantedPatterns(support, contradiction, label, patch.astype(np.float32))


def examples_of(arm: Arm, patterns: PlantedPatterns, preset: PlantedPreset, seed: int) -> ArmExamples:
    """The examples of an epoch of an arm, the same in every epoch and trial; only pictures are made anew.

    In the balanced arm the pattern of every f is shown equally often, with the same share under other labels,
    and there are as many examples in all, up to rounding.
    """
    own = patterns.support
    other = np.rint(own * patterns.contradiction / (1 - patterns.contradiction)).astype(np.int64)
    if arm == "balanced":
        each = round((own + other).sum() / len(patterns))
        other = np.rint(each * patterns.contradiction).astype(np.int64)
        own = each - other
    pattern = np.repeat(np.arange(len(patterns)), own + other)
    within = np.concatenate([np.arange(number) for number in own + other])
    is_own = within < own[pattern]
    # the others take turns, beginning elsewhere for every pattern
    turn = 1 + (within - own[pattern] + pattern) % (preset.classes - 1)
    label = np.where(is_own, patterns.label[pattern], (patterns.label[pattern] + turn) % preset.classes)
    if arm == "permuted":
        random = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(_LABELS,)))
        label = random.permutation(label)
    return ArmExamples(pattern, label, is_own)


def noise_filter(side: int) -> Tensor:
    """The matrix that makes 1/f noise [side ** 2] of white noise; every pixel has mean 0 and variance 1.

    The amplitude of a wave is one over its frequency; there is no constant one. Edges go on at the other
    side.
    """
    steps = np.fft.fftfreq(side) * side
    frequency = np.hypot(steps[:, None], steps[None, :])
    frequency[0, 0] = np.inf
    kernel = np.fft.ifft2(1 / frequency).real
    kernel /= np.sqrt((kernel**2).sum())
    rows = [np.roll(kernel, (down, right), (0, 1)).ravel() for down in range(side) for right in range(side)]
    return torch.from_numpy(np.array(rows, np.float32))


@dataclass(frozen=True)
class PatternKind(InputKind, Traits):
    """Patches [p, p] of patterns; networks see each at a random place in 1/f noise, new in every epoch.

    Pictures have ``side`` x ``side`` pixels, and patches ``amplitude`` times the deviation of the noise. With
    ``sham`` a picture gets a patch of its own in place of that of its pattern.
    """

    side: int = 16
    amplitude: float = 1.5
    sham: bool = False

    name = "planted"
    noun, nouns, axes, columns = "pattern", "patterns", IMAGE.axes, ()
    networks = ("wrn_10_1",)
    show, export_form = IMAGE.show, IMAGE.export_form

    def draw(self, patches: Tensor, generator: torch.Generator) -> Tensor:
        """Pictures [n, 1, side, side] of patterns with these patches [n, p, p], some at a time."""
        whiten, side, size = noise_filter(self.side), self.side, patches.shape[1]
        batches = []
        for part in torch.split(self.amplitude * patches, _AT_ONCE):
            num, reach = len(part), torch.arange(size)
            pictures = (torch.randn(num, side * side, generator=generator) @ whiten).view(num, side, side)
            if self.sham:
                part = torch.randn(part.shape, generator=generator)
                part *= self.amplitude / part.square().mean(dim=(1, 2), keepdim=True).sqrt()
            corner = torch.randint(0, side - size + 1, (num, 2), generator=generator)
            rows = corner[:, 0, None, None] + reach[None, :, None]
            columns = corner[:, 1, None, None] + reach[None, None, :]
            pictures[torch.arange(num)[:, None, None], rows, columns] += part
            batches.append(pictures[:, None])
        return torch.cat(batches)

    @property
    def shape(self) -> tuple[int, int, int]:
        return 1, self.side, self.side

    def signature(self, *_: object) -> Signature:
        return Signature(self.shape)

    def join(self, *_: object) -> PatternKind:
        """Both splits have the same settings."""
        return self

    def pack(self, examples: Any, *_: object) -> Pack:
        """The patches of one split."""
        return Pack.of_array(examples.array)

    def bank(
        self,
        values: Any,
        recipe: Recipe,  # noqa: ARG002
        device: torch.device,
        *,
        augment: bool,
        sharers: int,
        seed: int = 0,
    ) -> PatternBank:
        """Pictures made anew for each pass of training; those of a split that is held out are made once."""
        bank = PatternBank(values, self, device, sharers)
        if not augment:
            bank.draw(torch.arange(len(bank)), torch.Generator().manual_seed(seed))
        return bank

    def observation(self, *_: object) -> str:
        return "the picture that was trained on last"


planted_kind = PatternKind  # by which a run that names it is shown


class StoredPatterns(StoredExamples):
    """Patches [K, p, p] of examples; each is identified by its patch and all settings of its pictures."""

    noun = "pattern"

    def __init__(self, patches: Singles, kind: PatternKind) -> None:
        self._items, self._kind = patches, kind

    @property
    def traits(self) -> PatternKind:
        return self._kind

    def _content(self, item: Singles) -> bytes:
        return f"{_VERSION} {self._kind}".encode() + item.astype("<f4").tobytes()


class PatternBank(TensorBank):
    """Pictures of patterns, all made anew for each pass; those of the last one are what is evaluated."""

    def __init__(self, values: Pack, kind: PatternKind, device: torch.device, sharers: int) -> None:
        super().__init__(values, Preparation(), device, sharers=sharers)
        self._kind, self._last = kind, torch.empty(0)

    def draw(self, positions: Tensor, generator: torch.Generator) -> Tensor:
        """Make the pictures of the examples at ``positions`` [K], which are all of them in some order."""
        pictures = self._kind.draw(self.raw(slice(0, len(self))).cpu()[positions], generator)
        self._last = torch.empty_like(pictures)
        self._last[positions] = pictures
        return pictures

    def finish(self, *parts: Tensor) -> Tensor:
        return parts[1]

    def clean(self, batch: slice) -> Tensor:
        return self._last[batch].to(self._device)


@dataclass(frozen=True, eq=False)
class Experiment:
    """The patterns, and for each arm and network its examples and the plan of its run."""

    preset: PlantedPreset
    seed: int
    patterns: PlantedPatterns
    cells: Mapping[tuple[Arm, str], tuple[ArmExamples, Plan]]

    @property
    def runs(self) -> dict[str, Plan]:
        return {"-".join(cell): plan for cell, (_, plan) in self.cells.items()}

    @property
    def note(self) -> str:
        return ": ".join(filter(None, [f"preset {self.preset.name}", self.preset.warning]))


def plan(options: HypothesisOptions) -> Experiment:
    """Plant the patterns, and plan a run for each arm and network; controls have the first network alone."""
    if options.preset not in PRESETS:
        hint = nearest(options.preset, PRESETS)
        raise BadInput(f"preset {options.preset!r}: unknown{hint}; choose {' or '.join(PRESETS)}")
    preset, seed = PRESETS[options.preset], at_least("--seed", options.seed, 0)
    patterns = patterns_of(preset, seed)
    trials = {(arm, network): preset.trials for arm in ARMS for network in preset.networks}
    trials |= {(arm, preset.networks[0]): preset.control_trials for arm in CONTROLS}
    cells = {}
    for (arm, network), num in trials.items():
        examples = examples_of(arm, patterns, preset, seed)
        # no two runs have trials of the same seeds
        own = int(content_hash({"seed": seed, "arm": arm, "network": network}), 16)
        training = Training(network, preset.epochs, own, preset.recipe, precision=preset.precision)
        data = _data(arm, patterns, examples, preset)
        recording = Recording(observe=LAST, keep_weights=False)
        cells[arm, network] = examples, make_plan(data, training, num, recording=recording)
    return Experiment(preset, seed, patterns, cells)


def _data(arm: Arm, patterns: PlantedPatterns, examples: ArmExamples, preset: PlantedPreset) -> Dataset:
    """The examples of an arm; held out are pictures of each pattern under its own label."""
    amplitude = preset.amplitude / (2 if arm == "half" else 1)
    kind = PatternKind(preset.side, amplitude, arm == "sham")

    def split(name: str, pattern: Integers, labels: Integers) -> Dataset:
        return Dataset(
            name="planted patterns",
            source=None,
            split=name,
            ids=np.arange(len(pattern)),
            labels=labels,
            true_labels=patterns.label[pattern],
            classes=tuple(map(str, range(preset.classes))),
            stored=StoredPatterns(patterns.patch[pattern], kind),
            kind=kind,
        )

    fresh = np.repeat(np.arange(len(patterns)), preset.fresh)
    held_out = split("test", fresh, patterns.label[fresh])
    return replace(split("train", examples.pattern, examples.label), held_out=held_out)
