"""The design: patterns, how often each is shown, how often under another label, and the arms."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from easiness.analysis import MIN_GROUP
from easiness.errors import BadInput, nearest

Arm: TypeAlias = Literal["natural", "balanced", "sham", "permuted", "half"]
ARMS: tuple[Arm, ...] = ("natural", "balanced")
CONTROLS: dict[Arm, str] = {
    "sham": "a new random patch in every picture: no pattern is shown twice",
    "permuted": "all labels permuted: patterns say nothing about them",
    "half": "patterns at half the amplitude",
}
FREQUENT = 128
"""Examples an epoch from which on a pattern is frequent: contradiction is judged where these do not lack."""
JUDGED = 0.25
"""The share of contradicted carriers that is judged."""

_PATTERNS, _LABELS = 0, 1  # streams of a study's seed


@dataclass(frozen=True)
class Preset:
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
FULL = Preset("full")
SMOKE = Preset(
    "smoke",
    supports={4: 1, 16: 1, 128: 1},
    contradictions=(0.0, JUDGED),
    amplitude=3.0,
    networks=("wrn_10_1",),
    epochs=2,
    trials=3,  # fewer than decide anything
    control_trials=2,
    fresh=8,
)
PRESETS = {preset.name: preset for preset in (FULL, SMOKE)}


def find_preset(name: str) -> Preset:
    """The preset of this name."""
    if name not in PRESETS:
        raise BadInput(f"preset {name!r}: unknown{nearest(name, PRESETS)}; choose {' or '.join(PRESETS)}")
    return PRESETS[name]


@dataclass(frozen=True, eq=False)
class Patterns:
    """Patterns [P]: ``support`` and ``contradiction`` of each, its class ``label``, and its ``patch``."""

    support: npt.NDArray[np.int64]
    contradiction: npt.NDArray[np.float64]
    label: npt.NDArray[np.int64]
    patch: npt.NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.support)

    @property
    def frequency(self) -> npt.NDArray[np.float64]:
        """f [P], examples an epoch in the natural arm, of which ``f (1 - c)`` are the support."""
        return self.support / (1 - self.contradiction)


@dataclass(frozen=True, eq=False)
class Examples:
    """Examples [K] of an arm: the ``pattern`` that each carries, its ``label``, and is that its ``own``?"""

    pattern: npt.NDArray[np.int64]
    label: npt.NDArray[np.int64]
    own: npt.NDArray[np.bool_]


def patterns_of(preset: Preset, seed: int) -> Patterns:
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
    return Patterns(support, contradiction, label, patch.astype(np.float32))


def examples_of(arm: Arm, patterns: Patterns, preset: Preset, seed: int) -> Examples:
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
    return Examples(pattern, label, is_own)
