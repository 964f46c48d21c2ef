"""The easiest and the hardest examples of each class, as pictures (Figures 1, 6 and 7 of the paper)."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from easiness.analysis import Votes, tie_order
from easiness.errors import BadInput, nearest
from easiness.inputs import KINDS, to_pil
from easiness.runs import data_of, run_values
from easiness.show import EASY, FONT_SIZE, HARD, INK
from easiness.store import Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MOST_CLASSES = 20
_LARGEST_SIDE = 112  # pixels kept of larger pictures
_CAPTION = 0.3  # height below a picture, in its sides
_GAP = 0.5  # between the two blocks
_NAME_WIDTH = 12  # letters in a line of a class name


@dataclass(frozen=True)
class Picture:
    """An example: its position in the run, how many trials are right, and uint8 pixels [side, side, c]."""

    position: int
    num_right: int
    pixels: npt.NDArray[np.uint8] = field(repr=False)


@dataclass(frozen=True)
class GalleryRow:
    """A class: its easiest examples, easiest first, and its hardest, hardest first."""

    name: str
    easiest: list[Picture]
    hardest: list[Picture]


@dataclass(frozen=True)
class Gallery:
    """Pictures of the classes of a run, read after ``epoch``."""

    model: str
    epoch: int
    num_trials: int
    rows: list[GalleryRow]


def class_extremes(
    votes: Votes, labels: Iterable[int], per_side: int, difficulty: npt.NDArray[np.float64] | None = None
) -> list[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]:
    """Positions of the easiest, easiest first, and the hardest, hardest first, for each of ``labels``.

    Examples are ordered by ``difficulty`` [K], or without it as in the paper, by easiness and its ties by the
    mean probability of the label; what still ties by a hash of the id. No example is on both sides, unless
    its class has no other.
    """
    by: list[npt.NDArray[Any]] = [] if difficulty is None else [difficulty]
    if difficulty is None:
        by = [-votes.mean_p_label, -votes.num_right]
    ranked = np.lexsort((tie_order(votes.keys, 0), *by))
    chosen = []
    for label in labels:
        members = ranked[votes.labels[ranked] == label]
        num = min(per_side, max(1, len(members) // 2))
        chosen.append((members[:num], members[::-1][:num]))
    return chosen


def gallery(
    run: Run,
    data: Any = None,
    *,
    per_side: int = 5,
    classes: Sequence[str] | None = None,
    at: float | None = None,
) -> Gallery:
    """The ``per_side`` easiest and hardest examples of each class, with their pictures."""
    if per_side < 1:
        raise BadInput(f"per_side {per_side}: must be at least 1")
    labels = list(range(len(run.classes)))[:_MOST_CLASSES] if classes is None else _labels(run, classes)
    data = data_of(run, data)
    pixels = data.kind.pixels
    if pixels is None:
        shown = " and ".join(kind.nouns for kind in KINDS if kind.pixels is not None)
        raise BadInput(f"{run.path}: its examples are {data.kind.nouns}; a gallery shows {shown} alone")
    votes = run.votes(run.resolve_at(at))
    counts = votes.num_right
    extremes = class_extremes(votes, labels, per_side)
    positions = np.concatenate([side for pair in extremes for side in pair])
    squares = run_values(run, data, positions, lambda value: _square(pixels(value, data.traits)))
    pictures = {
        at: Picture(at, int(counts[at]), square)
        for at, square in zip(positions.tolist(), squares, strict=True)
    }
    rows = [
        GalleryRow(run.classes[label], *([pictures[at] for at in side.tolist()] for side in pair))
        for label, pair in zip(labels, extremes, strict=True)
    ]
    return Gallery(run.model, votes.epoch, votes.num_trials, rows)


def _labels(run: Run, classes: Sequence[str]) -> list[int]:
    for name in classes:
        if name not in run.classes:
            raise BadInput(f"{run.path}: has no class {name!r}{nearest(name, run.classes)}")
    if not classes:
        raise BadInput("classes: none was given; name at least one")
    return [run.classes.index(name) for name in classes]


def _square(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """The centre square of a picture [height, width, c], larger ones at `_LARGEST_SIDE` pixels."""
    from PIL import Image

    height, width, channels = pixels.shape
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = np.ascontiguousarray(pixels[top : top + side, left : left + side])
    if side <= _LARGEST_SIDE:
        return square
    small = np.array(to_pil(square).resize((_LARGEST_SIDE, _LARGEST_SIDE), Image.Resampling.LANCZOS))
    return small[..., None] if channels == 1 else small


def draw_gallery(shown: Gallery) -> Figure:
    """A row per class: its easiest examples on the left, its hardest on the right.

    Pictures are cut to their centre square. Below each: how many trials are right.
    """
    from matplotlib.figure import Figure

    columns = max(max(len(row.easiest), len(row.hardest)) for row in shown.rows)
    names = [textwrap.fill(row.name, _NAME_WIDTH) for row in shown.rows]
    cell = min(0.75, max(0.42, 6.6 / (2 * columns + 2)))  # inches
    letters = max(len(line) for name in names for line in name.split("\n"))
    left = (0.085 * letters + 0.2) / cell
    width, height = left + 2 * columns + _GAP, 0.7 + len(names) * (1 + _CAPTION)
    figure = Figure(figsize=(width * cell, height * cell))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(-left, width - left), ylim=(height, 0))
    axes.set_axis_off()
    right = columns + _GAP
    for x, title, color in ((0.0, "easiest", EASY), (right, "hardest", HARD)):
        axes.text(x, 0.55, title, color=color, fontsize=FONT_SIZE, fontweight="bold", va="baseline")
    if columns > 2:
        axes.text(
            width - left,
            0.55,
            "below: trials that are right",
            color=INK,
            fontsize=FONT_SIZE - 2.5,
            ha="right",
            va="baseline",
        )
    for at, (row, name) in enumerate(zip(shown.rows, names, strict=True)):
        top = 0.7 + at * (1 + _CAPTION)
        axes.text(
            -0.12, top + 0.47, name, color=INK, fontsize=FONT_SIZE, ha="right", va="center", parse_math=False
        )
        _draw_block(axes, row.easiest, shown.num_trials, 0.0, top)
        _draw_block(axes, row.hardest, shown.num_trials, right, top)
    return figure


def _draw_block(axes: Axes, block: list[Picture], num_trials: int, left: float, top: float) -> None:
    limits = axes.get_xlim(), axes.get_ylim()
    for column, one in enumerate(block):
        x = left + column
        small = len(one.pixels) < _LARGEST_SIDE // 2
        axes.imshow(
            np.broadcast_to(one.pixels, (*one.pixels.shape[:2], 3)),
            extent=(x, x + 0.94, top + 0.94, top),
            interpolation="nearest" if small else "antialiased",
            aspect="auto",
        )
        axes.text(
            x + 0.47,
            top + 0.98,
            f"{one.num_right}/{num_trials}",
            color=INK,
            fontsize=FONT_SIZE - 2.5,
            ha="center",
            va="top",
        )
    axes.set(xlim=limits[0], ylim=limits[1])
