"""The folder of a paper study: figures, tables, claims and one page about all of it."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from easiness import show
from easiness.analysis import Side
from easiness.data import Dataset
from easiness.errors import BadInput, RunFailed
from easiness.inputs import KINDS, to_pil
from easiness.lazy import Figure, Image
from easiness.pages.paper_page import Illustration, StudyPart, render_study
from easiness.pages.run_part import class_extremes
from easiness.paper import reproduction as paper
from easiness.paper.claims import Claim
from easiness.paper.perturbation import draw_panel, draw_patterns
from easiness.regular_file import sharing
from easiness.runs import recipe_of, run_values
from easiness.store import Run, write_whole
from easiness.studies.matching import Comparison, draw_matching

_DPI = 160
_LETTERS = dict(zip(paper.KINDS, "abc", strict=True))

_MOST_CLASSES = 20
_SIDE = 112  # pixels of each picture
_CAPTION = 0.3  # height below a picture, in its sides
_GAP = 0.5  # between the two blocks
_NAME_WIDTH = 12  # letters in a line of a class name


class Picture(NamedTuple):
    """An example: its position in the run, how many trials are right, and its pixels, uint8 RGBA."""

    position: int
    num_right: int
    pixels: npt.NDArray[np.uint8]


def write_paper(
    plan: paper.PaperPlan, results: paper.PaperResults, runs: Mapping[str, Run], out: Path
) -> list[Claim]:
    """Write ``figures/``, ``tables/``, ``claims.json`` and ``report.html`` below ``out``; each file whole."""
    claims = paper.paper_claims(results)
    folder = _Folder(plan, results, runs)
    with sharing(out):
        parts = list(folder.parts())
    preset = plan.preset
    title = f"Easy and hard examples in {plan.data.name}: the paper's experiments"
    page = render_study(title, f"Preset {preset.name}: {preset.description}", parts, claims)
    document = {
        "preset": preset.name,
        "data": plan.data.name,
        "fingerprint": plan.data.fingerprint,
        "seed": plan.seed,
        "claims": [claim.as_dict() for claim in claims],
    }
    files = {**folder.files, "claims.json": show.json_bytes(document), "report.html": page.encode()}
    try:
        for name, content in files.items():
            (out / name).parent.mkdir(parents=True, exist_ok=True)
            write_whole(out / name, content)
    except OSError as error:
        raise RunFailed(f"{out}: the results cannot be written ({error.strerror or error})") from None
    return claims


@dataclass
class _Folder:
    """The content of the ``files`` of figures and tables, which grow as the parts of the page are made."""

    plan: paper.PaperPlan
    results: paper.PaperResults
    runs: Mapping[str, Run]
    files: dict[str, bytes] = field(default_factory=dict)

    def parts(self) -> Iterator[StudyPart]:
        yield self._runs_part()
        yield self._matching()
        yield self._galleries()
        if self.results.curves:
            yield self._perturbations()
        yield self._pseudo_patterns()
        yield self._training_sets()
        yield self._validation()

    def _figure(
        self, name: str, figure: Figure, label: str, caption: str, sections: Sequence[show.Section] = ()
    ) -> Illustration:
        self.files[f"{paper.FIGURES}/{name}.png"] = show.picture_bytes(figure, ".png", _DPI)
        return Illustration(caption, show.to_svg(figure, key=name, label=label), sections)

    def _tables(self, stem: str, result: show.Result, document: Any = None) -> None:
        if (
            document is None
        ):  # to 15 decimals, so that studies that exist and their reruns hold the same files
            document = json.loads(result.table().to_json(orient="records", double_precision=15))
        files = {
            ".csv": show.file_bytes(result, ".csv"),
            ".json": show.json_bytes(document),
            ".md": show.file_bytes(result, ".md").rstrip(b"\n") + b"\n",
        }
        self.files |= {f"{paper.TABLES}/{stem}{suffix}": content for suffix, content in files.items()}

    def _illustration(self, name: str, result: show.Result, label: str, caption: str) -> Illustration:
        self._tables(name, result)
        return self._figure(name, result.figure(), label, caption, result.sections())

    def _runs_part(self) -> StudyPart:
        """Every run: network, trials, epochs and precision; nothing that differs when it is run again."""
        data = self.plan.data
        rows = [["run", "network", "trials", "epochs", "trained on", "precision"]]
        for name, run in self.runs.items():
            assert run.spec.measured is not None
            trained_on = show.count(self.plan.everything[name].num_trained_on)
            numbers = [str(len(run.trials)), str(run.epochs), trained_on]
            rows.append([name, run.model, *numbers, run.spec.measured.resolved.precision])
        held_out = 0 if data.held_out is None else len(data.held_out)
        lead = (
            f"{show.count(len(data))} examples of {data.num_classes} classes to train on and "
            f"{show.count(held_out)} held out. Chance is {1 / data.num_classes:.3f}. The preset sets what "
            "the paper leaves open and what a smaller machine cannot bear; the table has every run."
        )
        table = show.Section("Runs", f"In the folder trials/; seed {self.plan.seed}.", rows)
        return StudyPart("measured", "Measurements", lead, (), [table])

    def _matching(self) -> StudyPart:
        preset, figures = self.plan.preset, list[Illustration]()
        of_side: dict[Side, Comparison] = {"easy": self.results.easy, "hard": self.results.hard}
        captions = (
            "Table 1: matching rates of easy examples, ties refined. Framed: a network against itself, its "
            "noise ceiling. In italics: undecided.",
            "The same of hard examples.",
        )
        for (side, comparison), caption in zip(of_side.items(), captions, strict=True):
            label = f"A shaded table of matching rates, {side} examples: a row and a column for each network."
            figure = draw_matching(comparison, [side])
            figures.append(self._figure(f"matching-{side}", figure, label, caption))
            self._tables(f"table-1-{side}", comparison, comparison.document())
        lead = (
            f"{preset.trials} trainings of {preset.epochs} epochs of each network. Rates are between groups "
            "of trials that have no trial in common, with ties refined; tables/ has both policies for ties, "
            "with tie masses, class chance and agreement. "
            f"The easy tail is read {self.results.easy.at}, the hard one {self.results.hard.at}: where "
            "halves of the trials agree best."
        )
        return StudyPart("matching", "Matching between architectures (Table 1)", lead, figures)

    def _galleries(self) -> StudyPart:
        figures = []
        first, last = self.plan.preset.cnns[0], self.plan.preset.cnns[-1]
        for model, number, per_side, caption in (
            (first, 1, 3, f"Figure 1: the easiest and the hardest examples of each class, by {first}."),
            (first, 6, 6, "Figure 6: more of them."),
            (last, 7, 6, f"Figure 7: the same by {last}."),
        )[: 3 if last != first else 2]:
            run = self.runs[paper.match_name(model)]
            picture = draw_gallery(gallery(run, self.plan.data, per_side), len(run.trials))
            label = (
                f"Pictures: a row for each class, {per_side} on either side, and how many trials are right."
            )
            figures.append(self._figure(f"figure-{number}", picture, label, caption))
        if not isinstance(self.results.similarity, str):
            caption = "Distances between examples of one class; a faint line for each class."
            label = "Points with intervals for easy, any and hard examples, a panel for each space."
            figures.append(self._illustration("similarity", self.results.similarity, label, caption))
        lead = "Examples in the order of easiness, then of the mean probability of their label."
        return StudyPart("galleries", "Easy and hard examples (Figures 1, 6, 7)", lead, figures)

    def _perturbations(self) -> StudyPart:
        network = self.plan.preset.cnns[0]
        recipe = recipe_of(self.runs[paper.match_name(network)], self.plan.data)
        figures = []
        for kind, curve in self.results.curves.items():
            caption = (
                f"Figure 2 {_LETTERS[kind]}: matching with the regular examples, and accuracy, under {kind}."
            )
            label = "Two line charts against the level: left the matching rates, right the accuracy."
            figures.append(self._illustration(f"figure-2{_LETTERS[kind]}-{kind}", curve, label, caption))
        panel = draw_panel(self.plan.data, recipe, seed=self.plan.seed)
        label = "Pictures: a block for each perturbation, a row for each example, a column for each level."
        figures.append(self._figure("figure-3", panel, label, "Figure 3: the same examples, perturbed."))
        lead = (
            f"The trained networks of {network} see perturbed examples; nothing is trained "
            "again. The thick line compares disjoint groups of trials: where nothing is changed, it "
            "is the noise ceiling. The thin line compares the same models, as in the paper."
        )
        return StudyPart("perturbations", "Perturbations (Figures 2 and 3)", lead, figures)

    def _pseudo_patterns(self) -> StudyPart:
        pseudo, level = self.results.pseudo, self.results.pseudo.at_level
        self._tables("pseudo-patterns", pseudo)
        run = next(run for run in self.runs.values() if str(run.path) == pseudo.run)
        pictures = draw_patterns(pseudo, self.plan.data, recipe_of(run, self.plan.data))
        caption = "Some of the examples that every final model still gets right, and what it saw of them."
        label = "Pairs of pictures: an example as it is, and perturbed."
        lead = (
            f"{level['count']} of {show.count(level['num_examples'])} {pseudo.probe.replace('_', '-')} "
            f"examples are right in all {pseudo.num_trials} final models when only "
            f"frequencies up to {pseudo.level:g} are left. By chance it would be "
            f"{level['chance']:.1f}, and {level['class_chance']:.1f} if the models agreed on classes alone."
        )
        illustration = self._figure("pseudo-patterns", pictures, label, caption, pseudo.sections())
        return StudyPart("pseudo-patterns", "Pseudo patterns", lead, [illustration])

    def _training_sets(self) -> StudyPart:
        ablation = self.results.ablation
        label = "A line chart of held-out accuracy, a line for each policy, with error bars."
        figures = [
            self._illustration(f"figure-4-{name}", replace(study, every_epoch=True), label, caption)
            for name, study, caption in (
                ("ablation", ablation, "Figure 4 a, b: accuracy against the share that is dropped."),
                (
                    "corrupted-labels",
                    self.results.corruption,
                    "Figure 4 c, d: against the share of random labels.",
                ),
            )
        ]
        lead = (
            f"{ablation.model} trained from scratch for {ablation.epochs} epochs, "
            f"{ablation.repetitions} times for each rate and policy, with examples dropped or "
            f"mislabelled by the easiness of {self.plan.preset.cnns[0]}. Error bars are the standard "
            "deviation over repetitions."
        )
        return StudyPart("training-sets", "Ablation and corrupted labels (Figure 4)", lead, figures)

    def _validation(self) -> StudyPart:
        preset, result = self.plan.preset, self.results.validation
        caption = "Figure 5: final models that classify a validation example correctly, against its easiness."
        label = "A line chart with error bars; bars below it count the examples."
        lead = (
            f"Easiness of validation examples is measured on both splits merged ({preset.merged_trials} "
            f"trainings of {preset.merged_epochs} epochs); {result.num_final} final models were trained for "
            f"{result.final_epoch} epochs without them."
        )
        illustrations = [self._illustration("figure-5", result, label, caption)]
        return StudyPart("validation", "Validation examples (Figure 5)", lead, illustrations)


def gallery(run: Run, data: Dataset, per_side: int = 5) -> dict[str, list[list[Picture]]]:
    """The ``per_side`` easiest and hardest examples of each class, by its name, with their pictures."""
    labels = list(range(len(run.classes)))[:_MOST_CLASSES]
    pixels = data.kind.pixels
    if pixels is None:
        kinds = " and ".join(kind.nouns for kind in KINDS if kind.pixels is not None)
        raise BadInput(f"{run.path}: its examples are {data.kind.nouns}; a gallery shows {kinds} alone")
    votes = run.votes()
    extremes = class_extremes(votes, labels, per_side, [-votes.mean_p_label, -votes.num_right])
    positions = np.concatenate([side for pair in extremes for side in pair])
    squares = run_values(run, data, positions, lambda value: _square(pixels(value, data.traits)))
    pictures = iter(map(Picture, positions.tolist(), votes.num_right[positions].tolist(), squares))
    return {
        run.classes[label]: [[next(pictures) for _ in side] for side in pair]
        for label, pair in zip(labels, extremes, strict=True)
    }


def _square(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """The centre square of a picture [height, width, c] as RGBA [side, side, 4], all of one size."""
    height, width, _ = pixels.shape
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = to_pil(np.ascontiguousarray(pixels[top : top + side, left : left + side])).convert("RGBA")
    how = Image.Resampling.NEAREST if side < _SIDE else Image.Resampling.LANCZOS
    return np.array(square.resize((_SIDE, _SIDE), how))


def draw_gallery(rows: Mapping[str, list[list[Picture]]], num_trials: int) -> Figure:
    """A row per class: its easiest left, its hardest right, as squares, with how many trials are right."""
    columns = max(len(side) for row in rows.values() for side in row)
    names = [textwrap.fill(name, _NAME_WIDTH) for name in rows]
    cell = min(0.75, max(0.42, 6.6 / (2 * columns + 2)))  # inches
    letters = max(len(line) for name in names for line in name.split("\n"))
    left = (0.085 * letters + 0.2) / cell
    width, height = left + 2 * columns + _GAP, 0.7 + len(names) * (1 + _CAPTION)
    figure, axes = show.new_blank(width * cell, height * cell)
    words: dict[str, Any] = {"fontsize": show.FONT_SIZE, "parse_math": False}
    sides = (0.0, columns + _GAP)
    for x, title, color in zip(sides, ("easiest", "hardest"), (show.EASY, show.HARD), strict=True):
        axes.text(x, 0.55, title, color=color, fontweight="bold", **words)
    small = {**words, "fontsize": show.FONT_SIZE - 2.5, "color": show.INK}
    if columns > 2:
        axes.text(width - left, 0.55, "below: trials that are right", ha="right", **small)
    for at, (row, name) in enumerate(zip(rows.values(), names, strict=True)):
        top = 0.7 + at * (1 + _CAPTION)
        axes.text(-0.12, top + 0.47, name, color=show.INK, ha="right", va="center", **words)
        for start, side in zip(sides, row, strict=True):
            for column, one in enumerate(side):
                x = start + column
                axes.imshow(one.pixels, extent=(x, x + 0.94, top + 0.94, top), aspect="auto")
                axes.text(
                    x + 0.47, top + 0.98, f"{one.num_right}/{num_trials}", ha="center", va="top", **small
                )
    axes.set(xlim=(-left, width - left), ylim=(height, 0))
    return figure
