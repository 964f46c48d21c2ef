"""The folder of a paper study: figures, tables, claims and one page about all of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from easiness.analysis import Side
from easiness.errors import RunFailed
from easiness.report.gallery_figure import draw_gallery, gallery
from easiness.report.study_page import Illustration, Part, StudyPage, render_study
from easiness.show import Result, json_bytes, picture_bytes, rendered
from easiness.store import Run, write_whole
from easiness.studies.matching import Comparison, draw_matching
from easiness.studies.paper import (
    FIGURES,
    KINDS,
    TABLES,
    Claim,
    PaperPlan,
    PaperResults,
    facts_section,
    main_recipe,
    match_name,
    paper_claims,
    part_leads,
)
from easiness.studies.perturbation import draw_panel, draw_patterns, pattern_pictures, perturbed_panel
from easiness.studies.training_sets import EveryEpoch

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_DPI = 160
_LETTERS = dict(zip(KINDS, "abc", strict=True))


@dataclass
class _Output:
    figures: dict[str, bytes] = field(default_factory=dict)
    tables: dict[str, bytes] = field(default_factory=dict)


def write_paper(plan: PaperPlan, results: PaperResults, runs: Mapping[str, Run], out: Path) -> list[Claim]:
    """Write ``figures/``, ``tables/``, ``claims.json`` and ``report.html`` below ``out``; each file whole.

    Raises:
        RunFailed: a file cannot be written.
    """
    claims = paper_claims(results)
    output = _Output()
    parts = list(_parts(plan, results, runs, output))
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
    try:
        for name, content in output.figures.items():
            _write(out / FIGURES / name, content)
        for name, content in output.tables.items():
            _write(out / TABLES / name, content)
        _write(out / "claims.json", json_bytes(document))
        _write(out / "report.html", render_study(page).encode())
    except OSError as error:
        raise RunFailed(f"{out}: the results cannot be written ({error.strerror or error})") from None
    return claims


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, content)


def _parts(
    plan: PaperPlan, results: PaperResults, runs: Mapping[str, Run], output: _Output
) -> Iterator[Part]:
    leads = part_leads(plan, results)
    yield Part("measured", "What was measured", leads["measured"], (), [facts_section(plan, runs)])
    yield _matching(results, leads["matching"], output)
    yield _galleries(plan, runs, results, leads["galleries"], output)
    yield from _perturbations(plan, runs, results, leads, output)
    yield _training_sets(results, leads["training-sets"], output)
    yield _validation(results, leads["validation"], output)


def _matching(results: PaperResults, lead: str, output: _Output) -> Part:
    figures = []
    of_side: dict[Side, Comparison] = {"easy": results.easy, "hard": results.hard}
    for side, comparison in of_side.items():
        caption = (
            f"Table 1: matching rates of {side} examples between groups of trials (ties refined, after epoch "
            f"{comparison.epoch}). Framed: a network against itself, its noise ceiling."
        )
        figures.append(_figure(output, f"matching-{side}.png", draw_matching(comparison, [side]), caption))
        _tables(output, f"table-1-{side}", comparison, comparison.document())
    return Part("matching", "Matching between architectures (Table 1)", lead, figures)


def _galleries(
    plan: PaperPlan, runs: Mapping[str, Run], results: PaperResults, lead: str, output: _Output
) -> Part:
    figures = []
    shown = [(plan.preset.cnns[0], "figure-1.png", 3, "Figure 1")]
    shown += [
        (model, f"figure-{number}.png", 6, f"Figure {number}")
        for model, number in zip((plan.preset.cnns[0], plan.preset.cnns[-1]), (6, 7), strict=True)
    ]
    for model, name, per_side, title in shown:
        run = runs[match_name(model)]
        drawn = draw_gallery(gallery(run, plan.data, per_side=per_side))
        caption = f"{title}: the easiest and the hardest examples of each class, by {model}."
        figures.append(_figure(output, name, drawn, caption))
    found, sections = results.similarity, []
    if not isinstance(found, str):
        caption = "Distances between examples of one class."
        figures.append(_figure(output, "similarity.png", found.figure(), caption))
        sections = found.sections()
        _tables(output, "similarity", found)
    return Part("galleries", "Easy and hard examples (Figures 1, 6, 7)", lead, figures, sections)


def _perturbations(
    plan: PaperPlan,
    runs: Mapping[str, Run],
    results: PaperResults,
    leads: Mapping[str, str],
    output: _Output,
) -> Iterator[Part]:
    recipe = main_recipe(runs[match_name(plan.preset.cnns[0])])
    figures, sections = [], []
    for kind, curve in results.curves.items():
        caption = (
            f"Figure 2 {_LETTERS[kind]}: matching with the regular examples, and accuracy, under {kind}."
        )
        stem = f"figure-2{_LETTERS[kind]}-{kind}"
        figures.append(_figure(output, f"{stem}.png", curve.figure(), caption))
        sections += curve.sections()
        _tables(output, stem, curve)
    panel = draw_panel(perturbed_panel(plan.data, recipe, seed=plan.seed))
    figures.append(_figure(output, "figure-3.png", panel, "Figure 3: the same examples, perturbed."))
    yield Part("perturbations", "Perturbations (Figures 2 and 3)", leads["perturbations"], figures, sections)
    pseudo = results.pseudo
    _tables(output, "pseudo-patterns", pseudo)
    pictures = draw_patterns(pattern_pictures(pseudo, plan.data, main_recipe(_run_of(runs, pseudo.run))))
    caption = "Some of the examples that every final model still gets right, and what it saw of them."
    yield Part(
        "pseudo-patterns",
        "Pseudo patterns",
        leads["pseudo-patterns"],
        [_figure(output, "pseudo-patterns.png", pictures, caption)],
        pseudo.sections(),
    )


def _training_sets(results: PaperResults, lead: str, output: _Output) -> Part:
    figures, sections = [], []
    for name, study, caption in (
        ("ablation", results.ablation, "Figure 4 a, b: accuracy against the share that is dropped."),
        ("corrupted-labels", results.corruption, "Figure 4 c, d: against the share of random labels."),
    ):
        figures.append(_figure(output, f"figure-4-{name}.png", study.figure(), caption))
        sections += study.sections()
        _tables(output, f"figure-4-{name}", EveryEpoch(study))
    return Part("training-sets", "Ablation and corrupted labels (Figure 4)", lead, figures, sections)


def _validation(results: PaperResults, lead: str, output: _Output) -> Part:
    found = results.validation
    caption = "Figure 5: final models that classify a validation example correctly, against its easiness."
    _tables(output, "figure-5", found)
    figures = [_figure(output, "figure-5.png", found.figure(), caption)]
    return Part("validation", "Validation examples (Figure 5)", lead, figures, found.sections())


def _run_of(runs: Mapping[str, Run], path: str) -> Run:
    return next(run for run in runs.values() if str(run.path) == path)


def _figure(output: _Output, name: str, figure: Figure, caption: str) -> Illustration:
    content = picture_bytes(figure, ".png", _DPI)
    output.figures[name] = content
    return Illustration(label=caption, caption=caption, png=content)


def _tables(output: _Output, stem: str, result: Result, document: Any = None) -> None:
    if document is None:  # to 15 decimals, so that studies that exist and their reruns hold the same files
        document = json.loads(result.table().to_json(orient="records", double_precision=15))
    output.tables[f"{stem}.csv"] = rendered(result, ".csv")
    output.tables[f"{stem}.json"] = json_bytes(document)
    output.tables[f"{stem}.md"] = rendered(result, ".md").rstrip(b"\n") + b"\n"
