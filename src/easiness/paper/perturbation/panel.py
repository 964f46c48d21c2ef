"""Perturbed examples as they are seen: Figure 3, and the pseudo patterns beside what they were made from."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from easiness.data import Dataset
from easiness.lazy import Axes, Figure, Integers, Singles, pd
from easiness.paper.perturbation.curve import level_name
from easiness.paper.perturbation.looking import View, examples_at, image_shape
from easiness.perturb import (
    find_kind,
    kinds as fitting_kinds,
    perturbation,
)
from easiness.show import FONT_SIZE, INK, new_blank, new_figure

if TYPE_CHECKING:
    from easiness.paper.perturbation.study import PseudoPatterns

_OURS = ("color", "shuffle", "radial", "order", "case")
_LINE = 0.17  # inches
_LETTERS = 100  # in a line
_CELL = 0.74  # inches from picture to picture
_SMALL = 64  # pixels of a side up to which pixels are shown as squares
_NAME_WIDTH = 12  # letters in a line of a class name
_PAIRS = 4  # in a row


class PanelBlock(NamedTuple):
    """Examples [n] at each of the ``levels`` of a kind: texts, or pictures [h, w, c] in [0, 1]."""

    heading: str
    levels: tuple[float, ...]
    examples: Sequence[Sequence[Any]]


def panel_blocks(
    data: Dataset,
    view: View,
    positions: Integers,
    *,
    kinds: Sequence[str] | None = None,
    levels: Mapping[str, Sequence[float]] | None = None,
    seed: int = 0,
) -> list[PanelBlock]:
    """The examples at ``positions`` under kinds of perturbation: ours that fit, at their own levels."""
    of, blocks = data.kind.name, []
    for name in kinds or [one for one in _OURS if one in fitting_kinds(of)]:
        kind = find_kind(name, of)
        own = tuple((levels or {}).get(name, kind.levels(image_shape(data, view))))
        transforms = [perturbation(name, level, seed, of) for level in own]
        examples = _transform(data, view, positions, transforms)
        blocks.append(PanelBlock(f"{kind.name}: {kind.label}", own, examples))
    return blocks


def _transform(
    data: Dataset, view: View, positions: Integers, transforms: Sequence[Callable[..., Any]]
) -> list[Sequence[Any]]:
    if not len(positions):
        return []
    examples = examples_at(data, positions, view)
    outputs = [one(examples, ids=data.ids[positions]) for one in transforms]
    if not isinstance(examples, list):
        outputs = [one.clamp(0, 1).permute(0, 2, 3, 1).numpy() for one in outputs]
    return list(zip(*outputs, strict=True))


def one_per_class(labels: Integers, num: int, seed: int) -> Integers:
    """Positions of ``num`` random examples, of as many classes as there are, in the order of classes."""
    order = np.random.default_rng(seed).permutation(len(labels))
    turn = pd.Series(order).groupby(labels[order]).cumcount()
    first = order[np.argsort(turn, kind="stable")][:num]
    return first[np.argsort(labels[first], kind="stable")]


def draw_panel(data: Dataset, view: View, *, num: int = 5, seed: int = 0, **options: Any) -> Figure:
    """Some examples, each of another class as far as there are classes, under kinds of perturbation.

    A block for each kind, one below the other: a row for each example, a column for each level; a text has a
    line for each. ``options`` are as for `panel_blocks`.
    """
    positions = one_per_class(data.labels, num, seed)
    blocks = panel_blocks(data, view, positions, seed=seed, **options)
    classes = [data.classes[label] for label in data.labels[positions]]
    if isinstance(blocks[0].examples[0][0], str):
        return _draw_texts(
            line
            for block in blocks
            for line in [
                block.heading,
                *_lines_of(classes, [level_name(one) for one in block.levels], block.examples),
                "",
            ]
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
        for row, (name, pictures) in enumerate(zip(names, block.examples, strict=True)):
            write(-0.1, top + row + 0.48, name, ha="right")
            for column, pixels in enumerate(pictures):
                _draw_picture(axes, pixels, column, top + row)
        top += len(names) + gap
    return figure


def draw_patterns(patterns: PseudoPatterns, data: Dataset, view: View, num: int = 12) -> Figure:
    """Pairs of a regular example and what all networks still recognize, with their count and chance.

    ``num`` at most, the best of each class in turn (see `PseudoPatterns.best`).
    """
    at, judges = patterns.at_level, patterns.judges
    models = f"all {patterns.num_trials} {judges}" if patterns.num_trials > 1 else f"the {judges[:-1]}"
    title = (
        f"{at['count']:,} of {at['num_examples']:,} {patterns.probe.replace('_', '-')} examples are right in "
        f"{models} under {patterns.kind} {level_name(patterns.level)}"
    )
    chances = (
        f"by chance {at['chance']:.3g}, within classes {at['class_chance']:.3g}; accuracy "
        f"{at['accuracy']:.3f}, guessing {1 / len(patterns.classes):.3f}. Pairs: regular, perturbed."
    )
    split = data.splits[patterns.probe]
    positions = patterns.positions[patterns.best(num)]
    classes = [data.classes[label] for label in split.labels[positions]]
    one = perturbation(patterns.kind, patterns.level, patterns.seed, data.kind.name)
    pairs = _transform(split, view, positions, [lambda examples, ids: examples, one])  # noqa: ARG005
    if pairs and isinstance(pairs[0][0], str):
        return _draw_texts([title, chances, *_lines_of(classes, ["regular", "perturbed"], pairs)])
    rows = max(1, -(-len(pairs) // _PAIRS))
    figure, axes = _blank(2.25 * _PAIRS, 0.95 + 1.35 * rows, 0.13)
    write = partial(axes.text, color=INK, fontsize=FONT_SIZE, va="center", parse_math=False)
    write(0, 0.2, title, fontweight="bold")
    write(0, 0.56, chances, fontsize=FONT_SIZE - 1)
    if not pairs:
        write(0, 1.2, "there is none to show")
    for place, (name, pair) in enumerate(zip(classes, pairs, strict=True)):
        row, column = divmod(place, _PAIRS)
        x, y = 2.25 * column, 0.85 + 1.35 * row
        for right, pixels in enumerate(pair):
            _draw_picture(axes, pixels, x + right, y)
        name = textwrap.shorten(name, 24, placeholder=" ...")
        write(x + 0.98, y + 1.0, name, fontsize=FONT_SIZE - 1, ha="center", va="top")
    return figure


def _lines_of(
    classes: Sequence[str], names: Sequence[str], examples: Sequence[Sequence[str]]
) -> Iterable[str]:
    for label, texts in zip(classes, examples, strict=True):
        yield f"{label}:"
        for name, text in zip(names, texts, strict=True):
            yield f"    {name}: {textwrap.shorten(text, _LETTERS, placeholder=' ...')}"


def _draw_texts(lines: Iterable[str]) -> Figure:
    rows = list(lines)
    figure = new_figure(7.2, _LINE * (len(rows) + 1))
    for at, line in enumerate(rows):
        y = 1 - (at + 0.5) / (len(rows) + 1)
        figure.text(0.02, y, line, color=INK, fontsize=FONT_SIZE - 1, va="top", parse_math=False)
    return figure


def _blank(width: float, height: float, left: float) -> tuple[Figure, Axes]:
    figure, axes = new_blank(width * _CELL, height * _CELL)
    axes.set(xlim=(-left, width - left), ylim=(height, 0))
    return figure, axes


def _draw_picture(axes: Axes, pixels: Singles, x: float, y: float) -> None:
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
