"""The folder of a paper study: figures, tables, claims and one page about all of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from easiness.analysis import Side
from easiness.errors import RunFailed
from easiness.pages.gallery_figure import draw_gallery, gallery
from easiness.pages.paper_page import Illustration, Part, StudyPage, render_study
from easiness.paper import reproduction as paper
from easiness.paper.claims import Claim
from easiness.paper.perturbation import draw_panel, draw_patterns
from easiness.regular_file import shared
from easiness.runs import recipe_of
from easiness.show import Result, Section, count, json_bytes, picture_bytes, rendered, to_svg
from easiness.store import Run, write_whole
from easiness.studies.matching import Comparison, draw_matching

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_DPI = 160
_LETTERS = dict(zip(paper.KINDS, "abc", strict=True))


def write_paper(
    plan: paper.PaperPlan, results: paper.PaperResults, runs: Mapping[str, Run], out: Path
) -> list[Claim]:
    """Write ``figures/``, ``tables/``, ``claims.json`` and ``report.html`` below ``out``; each file whole."""
    claims = paper.paper_claims(results)
    folder = _Folder(plan, results, runs)
    with shared(out):
        parts = list(folder.parts())
    preset = plan.preset
    page = StudyPage(
        title=f"Easy and hard examples in {plan.data.name}: the paper's experiments",
        subtitle=f"Preset {preset.name}: {preset.description}",
        parts=parts,
        claims=claims,
    )
    document = {
        "preset": preset.name,
        "data": plan.data.name,
        "fingerprint": plan.data.fingerprint,
        "seed": plan.seed,
        "claims": [claim.as_dict() for claim in claims],
    }
    files = {**folder.files, "claims.json": json_bytes(document), "report.html": render_study(page).encode()}
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

    def parts(self) -> Iterator[Part]:
        """The parts of the page, in its order."""
        yield self._measured()
        yield self._matching()
        yield self._galleries()
        if self.results.curves:
            yield self._perturbations()
        yield self._pseudo_patterns()
        yield self._training_sets()
        yield self._validation()

    def _figure(
        self, name: str, figure: Figure, label: str, caption: str, sections: Sequence[Section] = ()
    ) -> Illustration:
        """A file of the folder, and the same figure in the page, in whose theme it is drawn."""
        self.files[f"{paper.FIGURES}/{name}.png"] = picture_bytes(figure, ".png", _DPI)
        return Illustration(caption, to_svg(figure, key=name, label=label), sections)

    def _tables(self, stem: str, result: Result, document: Any = None) -> None:
        if (
            document is None
        ):  # to 15 decimals, so that studies that exist and their reruns hold the same files
            document = json.loads(result.table().to_json(orient="records", double_precision=15))
        files = {
            ".csv": rendered(result, ".csv"),
            ".json": json_bytes(document),
            ".md": rendered(result, ".md").rstrip(b"\n") + b"\n",
        }
        self.files |= {f"{paper.TABLES}/{stem}{suffix}": content for suffix, content in files.items()}

    def _shown(self, name: str, result: Result, label: str, caption: str) -> Illustration:
        """The tables and the figure of a result."""
        self._tables(name, result)
        return self._figure(name, result.figure(), label, caption, result.sections())

    def _measured(self) -> Part:
        """Every run: network, trials, epochs and precision; nothing that differs when it is run again."""
        data = self.plan.data
        rows = [["run", "network", "trials", "epochs", "trained on", "precision"]]
        for name, run in self.runs.items():
            assert run.spec.measured is not None
            trained_on = count(self.plan.everything[name].num_trained_on)
            numbers = [str(len(run.trials)), str(run.epochs), trained_on]
            rows.append([name, run.model, *numbers, run.spec.measured.resolved.precision])
        held_out = 0 if data.held_out is None else len(data.held_out)
        lead = (
            f"{count(len(data))} examples of {data.num_classes} classes to train on and {count(held_out)} "
            f"held out. Chance is {1 / data.num_classes:.3f}. What the paper leaves open, and what a smaller "
            "machine cannot bear, is set by the preset; the table has every run."
        )
        table = Section("Runs", f"In the folder trials/; seed {self.plan.seed}.", rows)
        return Part("measured", "What was measured", lead, (), [table])

    def _matching(self) -> Part:
        preset, figures = self.plan.preset, list[Illustration]()
        of_side: dict[Side, Comparison] = {"easy": self.results.easy, "hard": self.results.hard}
        for side, comparison in of_side.items():
            caption = f"The same of {side} examples."
            if not figures:
                caption = (
                    f"Table 1: matching rates of {side} examples, ties refined. Framed: a network against "
                    "itself, its noise ceiling. In italics: undecided."
                )
            label = f"A shaded table of matching rates, {side} examples: a row and a column for each network."
            drawn = draw_matching(comparison, [side])
            figures.append(self._figure(f"matching-{side}", drawn, label, caption))
            self._tables(f"table-1-{side}", comparison, comparison.document())
        lead = (
            f"{preset.trials} trainings of {preset.epochs} epochs of each network. Rates are between groups "
            "of trials that have no trial in common, with ties refined; tables/ has both policies for ties, "
            "with tie masses, class chance and agreement. "
            f"The easy tail is read after epoch {self.results.easy.epoch}, the hard one after epoch "
            f"{self.results.hard.epoch}: where halves of the trials agree best."
        )
        return Part("matching", "Matching between architectures (Table 1)", lead, figures)

    def _galleries(self) -> Part:
        figures = []
        first, last = self.plan.preset.cnns[0], self.plan.preset.cnns[-1]
        for model, number, per_side, caption in (
            (first, 1, 3, f"Figure 1: the easiest and the hardest examples of each class, by {first}."),
            (first, 6, 6, "Figure 6: more of them."),
            (last, 7, 6, f"Figure 7: the same by {last}."),
        )[: 3 if last != first else 2]:
            drawn = draw_gallery(
                gallery(self.runs[paper.match_name(model)], self.plan.data, per_side=per_side)
            )
            label = (
                f"Pictures: a row for each class, {per_side} on either side, and how many trials are right."
            )
            figures.append(self._figure(f"figure-{number}", drawn, label, caption))
        if not isinstance(self.results.similarity, str):
            caption = "Distances between examples of one class; a faint line for each class."
            label = "Points with intervals for easy, any and hard examples, a panel for each space."
            figures.append(self._shown("similarity", self.results.similarity, label, caption))
        lead = "Examples in the order of easiness, then of the mean probability of their label."
        return Part("galleries", "Easy and hard examples (Figures 1, 6, 7)", lead, figures)

    def _perturbations(self) -> Part:
        network = self.plan.preset.cnns[0]
        recipe = recipe_of(self.runs[paper.match_name(network)], self.plan.data)
        figures = []
        for kind, curve in self.results.curves.items():
            caption = (
                f"Figure 2 {_LETTERS[kind]}: matching with the regular examples, and accuracy, under {kind}."
            )
            label = "Two line charts against the level: left the matching rates, right the accuracy."
            figures.append(self._shown(f"figure-2{_LETTERS[kind]}-{kind}", curve, label, caption))
        panel = draw_panel(self.plan.data, recipe, seed=self.plan.seed)
        label = "Pictures: a block for each perturbation, a row for each example, a column for each level."
        figures.append(self._figure("figure-3", panel, label, "Figure 3: the same examples, perturbed."))
        lead = (
            f"The trained networks of {network} see perturbed examples; nothing is trained "
            "again. The thick line compares disjoint groups of trials: where nothing is changed, it "
            "is the noise ceiling. The thin line compares the same models, as in the paper."
        )
        return Part("perturbations", "Perturbations (Figures 2 and 3)", lead, figures)

    def _pseudo_patterns(self) -> Part:
        pseudo, level = self.results.pseudo, self.results.pseudo.at_level
        self._tables("pseudo-patterns", pseudo)
        run = next(run for run in self.runs.values() if str(run.path) == pseudo.run)
        pictures = draw_patterns(pseudo, self.plan.data, recipe_of(run, self.plan.data))
        caption = "Some of the examples that every final model still gets right, and what it saw of them."
        label = "Pairs of pictures: an example as it is, and perturbed."
        lead = (
            f"{level['count']} of {count(level['num_examples'])} {pseudo.probe.replace('_', '-')} "
            f"examples are right in all {pseudo.num_trials} final models when only "
            f"frequencies up to {pseudo.level:g} are left. By chance it would be "
            f"{level['chance']:.1f}, and {level['class_chance']:.1f} if the models agreed on classes alone."
        )
        shown = self._figure("pseudo-patterns", pictures, label, caption, pseudo.sections())
        return Part("pseudo-patterns", "Pseudo patterns", lead, [shown])

    def _training_sets(self) -> Part:
        ablation = self.results.ablation
        label = "A line chart of held-out accuracy, a line for each policy, with error bars."
        figures = [
            self._shown(f"figure-4-{name}", replace(study, every_epoch=True), label, caption)
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
        return Part("training-sets", "Ablation and corrupted labels (Figure 4)", lead, figures)

    def _validation(self) -> Part:
        preset, found = self.plan.preset, self.results.validation
        caption = "Figure 5: final models that classify a validation example correctly, against its easiness."
        label = "A line chart with error bars; bars below it count the examples."
        lead = (
            f"Easiness of validation examples is measured on both splits merged ({preset.merged_trials} "
            f"trainings of {preset.merged_epochs} epochs); {found.num_final} final models were trained for "
            f"{found.final_epoch} epochs without them."
        )
        shown = [self._shown("figure-5", found, label, caption)]
        return Part("validation", "Validation examples (Figure 5)", lead, shown)
