"""Perturbed examples as they are seen: Figure 3, and the pseudo patterns beside what they were made from."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from easiness.data import Dataset
from easiness.lazy import Axes, Figure, Integers
from easiness.paper.perturbation.curve import level_name
from easiness.paper.perturbation.looking import SeenAs, examples_at, image_shape
from easiness.perturb import (
    clamp_for_display,
    default_levels,
    find_kind,
    kinds as fitting_kinds,
    perturbation,
)
from easiness.show import FONT_SIZE, INK

if TYPE_CHECKING:
    from easiness.paper.perturbation.study import PseudoPatterns

_OURS = ("color", "shuffle", "radial", "order", "case")
_WIDTH = 7.2  # inches
_LINE = 0.17  # inches
_LETTERS = 100  # in a line
_MOST_LINES = 2  # of a text
_CELL = 0.74  # inches from picture to picture
_SMALL = 64  # pixels of a side up to which pixels are shown as squares
_NAME_WIDTH = 12  # letters in a line of a class name
_PAIRS = 4  # in a row


class PanelBlock(NamedTuple):
    """Examples at the ``levels`` of a kind of perturbation, as they are ``seen`` [n][levels].

    Each is a text, or a picture [h, w, c] cut to [0, 1].
    """

    heading: str
    levels: tuple[float, ...]
    seen: Sequence[Sequence[Any]]


def panel_blocks(
    data: Dataset,
    recipe: SeenAs,
    positions: Integers,
    *,
    kinds: Sequence[str] | None = None,
    levels: Mapping[str, Sequence[float]] | None = None,
    seed: int = 0,
) -> list[PanelBlock]:
    """The examples at ``positions`` under kinds of perturbation: ours that fit, at their own levels."""
    of, blocks = data.kind.name, []
    for kind in kinds or [name for name in _OURS if name in fitting_kinds(of)]:
        known = find_kind(kind, of)
        chosen = tuple((levels or {}).get(kind, default_levels(kind, image_shape(data, recipe), of)))
        made = [perturbation(kind, level, seed, of) for level in chosen]
        seen = _seen(data, recipe, positions, made)
        blocks.append(PanelBlock(f"{known.name}: {known.label}", chosen, seen))
    return blocks


def _seen(
    data: Dataset, recipe: SeenAs, positions: Integers, transforms: Sequence[Callable[..., Any]]
) -> list[Sequence[Any]]:
    """The examples at ``positions`` as each of the transforms changes them."""
    if not len(positions):
        return []
    examples = examples_at(data, positions, recipe)
    changed = [one(examples, ids=data.ids[positions]) for one in transforms]
    if not isinstance(examples, list):
        changed = [clamp_for_display(one).permute(0, 2, 3, 1).numpy() for one in changed]
    return list(zip(*changed, strict=True))


def one_per_class(labels: Integers, num: int, seed: int) -> Integers:
    """Positions of ``num`` random examples, of as many classes as there are, in the order of classes."""
    order = np.random.default_rng(seed).permutation(len(labels))
    turn = np.empty(len(labels), np.int64)
    for label in np.unique(labels):
        members = order[labels[order] == label]
        turn[members] = np.arange(len(members))
    chosen = order[np.argsort(turn[order], kind="stable")][:num]
    return chosen[np.argsort(labels[chosen], kind="stable")]


def draw_panel(data: Dataset, recipe: SeenAs, *, num: int = 5, seed: int = 0, **asked: Any) -> Figure:
    """Some examples, each of another class as far as there are classes, under kinds of perturbation.

    A block for each kind, one below the other: a row for each example, a column for each level. Of texts each
    has a line. ``asked`` is as for `panel_blocks`.
    """
    positions = one_per_class(data.labels, num, seed)
    blocks = panel_blocks(data, recipe, positions, seed=seed, **asked)
    classes = [data.classes[label] for label in data.labels[positions]]
    if isinstance(blocks[0].seen[0][0], str):
        return _draw_texts(
            {
                block.heading: [
                    (name, list(zip(map(level_name, block.levels), texts, strict=True)))
                    for name, texts in zip(classes, block.seen, strict=True)
                ]
                for block in blocks
            }
        )
    names = [textwrap.fill(name, _NAME_WIDTH) for name in classes]
    # room for names at the left, in cells
    left = (0.085 * max(len(line) for name in names for line in name.split("\n")) + 0.15) / _CELL
    head, gap = 0.62, 0.3
    height = len(blocks) * (head + len(names)) + (len(blocks) - 1) * gap
    figure, axes = _blank(left + max(len(block.levels) for block in blocks), height + 0.05, left)
    write = partial(axes.text, color=INK, fontsize=FONT_SIZE, va="center", parse_math=False)
    top = 0.0
    for block in blocks:
        write(0, top + 0.22, block.heading, fontweight="bold")
        for column, level in enumerate(block.levels):
            write(column + 0.48, top + 0.5, level_name(level), fontsize=FONT_SIZE - 1, ha="center")
        top += head
        for row, (name, seen) in enumerate(zip(names, block.seen, strict=True)):
            write(-0.1, top + row + 0.48, name, ha="right")
            for column, pixels in enumerate(seen):
                _picture(axes, pixels, column, top + row)
        top += len(names) + gap
    return figure


def draw_patterns(patterns: PseudoPatterns, data: Dataset, recipe: SeenAs, num: int = 12) -> Figure:
    """Pairs of a regular example and what all networks still recognize, with their count and chance.

    ``num`` at most, the best of each class in turn (see `PseudoPatterns.shown`).
    """
    at, made = patterns.at_level, patterns.made
    models = f"all {patterns.num_trials} {made}" if patterns.num_trials > 1 else f"the {made[:-1]}"
    title = (
        f"{at['count']:,} of {at['num_examples']:,} {patterns.probe.replace('_', '-')} examples are right in "
        f"{models} under {patterns.kind} {level_name(patterns.level)}"
    )
    beside = (
        f"by chance {at['chance']:.3g}, within classes {at['class_chance']:.3g}; accuracy "
        f"{at['accuracy']:.3f}, guessing {1 / len(patterns.classes):.3f}. Pairs: regular, perturbed."
    )
    split = data if patterns.probe == "train" or data.held_out is None else data.held_out
    positions = patterns.positions[patterns.shown(num)]
    classes = [data.classes[label] for label in split.labels[positions]]
    one = perturbation(patterns.kind, patterns.level, patterns.seed, data.kind.name)
    pairs = _seen(split, recipe, positions, [lambda examples, ids: examples, one])  # noqa: ARG005
    if pairs and isinstance(pairs[0][0], str):
        named = zip(classes, pairs, strict=True)
        shown = [(name, list(zip(("regular", "perturbed"), both, strict=True))) for name, both in named]
        return _draw_texts({title: [], beside: shown})
    rows = max(1, -(-len(pairs) // _PAIRS))
    figure, axes = _blank(2.25 * _PAIRS, 0.95 + 1.35 * rows, 0.13)
    write = partial(axes.text, color=INK, fontsize=FONT_SIZE, va="center", parse_math=False)
    write(0, 0.2, title, fontweight="bold")
    write(0, 0.56, beside, fontsize=FONT_SIZE - 1)
    if not pairs:
        write(0, 1.2, "there is none to show")
    for place, (name, both) in enumerate(zip(classes, pairs, strict=True)):
        row, column = divmod(place, _PAIRS)
        x, y = 2.25 * column, 0.85 + 1.35 * row
        for beside_it, pixels in enumerate(both):
            _picture(axes, pixels, x + beside_it, y)
        shortened = textwrap.shorten(name, 24, placeholder=" ...")
        write(x + 0.98, y + 1.0, shortened, fontsize=FONT_SIZE - 1, ha="center", va="top")
    return figure


def _draw_texts(blocks: Mapping[str, Sequence[tuple[str, Sequence[tuple[str, str]]]]]) -> Figure:
    """Groups by the heading of their block, a group of a name and lines: what stands before a text, and it.

    Long texts are shortened, and put on two lines at most.
    """
    from matplotlib.figure import Figure

    rows: list[list[tuple[float, str, dict[str, Any]]]] = []
    for heading, groups in blocks.items():
        rows.append([(0.0, heading, {"fontweight": "bold"})])
        for name, texts in groups:
            rows.append([(0.0, name, {"fontstyle": "italic"})])
            for before, text in texts:
                wrapped = textwrap.wrap(text, _LETTERS, max_lines=_MOST_LINES, placeholder=" ...")
                first, *others = wrapped or [""]
                rows.append([(0.15, before, {}), (0.95, first, {})])
                rows += [[(0.95, other, {})] for other in others]
        rows.append([])
    figure = Figure(figsize=(_WIDTH, _LINE * (len(rows) + 1)))
    write = partial(figure.text, color=INK, fontsize=FONT_SIZE - 1, va="top", parse_math=False)
    for at, row in enumerate(rows):
        for left, text, style in row:
            write(0.02 + left / _WIDTH, 1 - (at + 0.5) / (len(rows) + 1), text, **style)
    return figure


def _blank(width: float, height: float, left: float) -> tuple[Figure, Axes]:
    """A figure of so many cells, its origin ``left`` cells from its left end, at the top."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width * _CELL, height * _CELL))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.set(xlim=(-left, width - left), ylim=(height, 0))
    return figure, axes


def _picture(axes: Axes, pixels: npt.NDArray[np.float32], x: float, y: float) -> None:
    """One picture [h, w, c] in a cell, letterboxed in a square of 0.96 of it."""
    limits = axes.get_xlim(), axes.get_ylim()
    height, width, channels = pixels.shape
    down, right = (0.96 * side / max(height, width) for side in (height, width))
    x, y = x + (0.96 - right) / 2, y + (0.96 - down) / 2
    axes.imshow(
        np.broadcast_to(pixels, (height, width, 3)) if channels == 1 else pixels[..., :3],
        extent=(x, x + right, y + down, y),
        interpolation="nearest" if max(height, width) <= _SMALL else "antialiased",
        aspect="auto",
    )
    axes.set(xlim=limits[0], ylim=limits[1])
