"""The folder of a paper study: figures, tables, claims and one page about all of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from easiness.analysis import Side
from easiness.data import Dataset
from easiness.errors import RunFailed
from easiness.pages.examples import FoundExamples, Named, are_small, found_within, room_for
from easiness.pages.gallery_figure import draw_gallery, gallery
from easiness.pages.template import render_page
from easiness.paper import reproduction as paper
from easiness.paper.perturbation import draw_panel, draw_patterns, pattern_pictures, perturbed_panel
from easiness.paper.training_sets import EveryEpoch
from easiness.regular_file import shared
from easiness.runs import recipe_of
from easiness.show import (
    Result,
    Section,
    ShownExample,
    capitalized,
    json_bytes,
    listed,
    picture_bytes,
    rendered,
    to_svg,
)
from easiness.store import Run, write_whole
from easiness.studies.keeping import NextLabels
from easiness.studies.matching import Comparison, draw_matching
from easiness.studies.patterns import Patterns

if TYPE_CHECKING:
    from matplotlib.figure import Figure


_MOST_PICKS = 100


@dataclass(frozen=True)
class Gallery:
    """Examples with a ``title`` and a sentence: of each its id, what is shown, its name, and lines below.

    A line is a bold word and what follows it. All are ``found``, and ``pixelated`` where they are small.
    """

    title: str
    lead: str
    rows: Sequence[tuple[object, ShownExample | None, str, Sequence[tuple[str, str]]]]
    found: FoundExamples
    pixelated: bool


def result_page(result: Result) -> str:
    """The page of a result, HTML that loads nothing from the network."""
    first, *others = result.sections()
    label = f"{first.title}; the tables below have the numbers."
    drawn = Illustration("", to_svg(result.figure(), key="result", label=label))
    part = Part("result", "What was tried", "", [drawn], [first, *others])
    notices = [*result.notices, *first.notices]
    page = StudyPage(first.title, capitalized(result.headline), [part], notices=notices)
    return render_study(page, list(galleries_of(result)))


def galleries_of(result: Result) -> Iterator[Gallery]:
    """Examples that a result is about, where there are pictures of them, or sounds or texts."""
    if isinstance(result, Patterns):
        yield from _explained(result)
    if isinstance(result, NextLabels) and result.pool is not None:
        yield from _picks(result, result.pool)


def _picks(found: NextLabels, pool: Dataset) -> Iterator[Gallery]:
    """The first picks of the rule that is recommended."""
    first = found.picks[found.picks["rule"] == found.rule].head(_MOST_PICKS)
    wanted: list[Named] = [("train", one) for one in first["id"].tolist()]
    examples = FoundExamples.of(pool, wanted, room_for(0), "those to label")
    if not examples.with_pictures:
        return
    rows = []
    for name, (_, one) in zip(wanted, first.iterrows(), strict=True):
        lines = [(f"{one['rank']}.", one["predicted"])]
        lines.append(("", f"margin {one['margin']:.2f}, rarity {one['rarity']:.2f}"))
        rows.append((name[1], examples.named[name], f"Example {name[1]}", lines))
    yield Gallery(
        "To label first",
        f"The first {len(rows):,} by the rule {found.rule}: the class predicted, how much likelier it is "
        "than the second, and how rare the example is.",
        rows,
        examples,
        are_small(pool),
    )


def _explained(found: Patterns) -> Iterator[Gallery]:
    """The examples that are explained least."""
    ids = {title: found.examples["id"].iloc[some].tolist() for title, some in found.leftover.items()}
    wanted: list[Named] = [(found.split, one) for some in ids.values() for one in some]
    examples = found_within(found.run, found.data, wanted)
    lead = (
        f"Class; {found.score}; how many of its class lie near, and the share of other classes among the "
        f"{found.around.nearest} nearest; what is left over."
    )
    for section in found.sections()[-len(ids) :]:
        if not ids[section.title]:
            continue
        rows = []
        for one, (_, name, value, frequency, contradiction, left) in zip(
            ids[section.title], section.rows[1:], strict=True
        ):
            lines = [(name, value), ("", f"{frequency} near, {contradiction} other"), ("", left)]
            shown = examples.named.get((found.split, one))
            rows.append((one, shown, f"Example {one} of class {name}", lines))
        yield Gallery(section.title, lead, rows, examples, are_small(found.data))


@dataclass(frozen=True)
class Illustration:
    """A figure as an ``svg`` element, and the tables of its numbers."""

    caption: str
    svg: str
    sections: Sequence[Section] = ()


@dataclass(frozen=True)
class Part:
    """An experiment: a sentence or two, figures with their numbers, and tables that belong to no figure.

    The tables are folded.
    """

    key: str
    title: str
    lead: str = ""
    figures: Sequence[Illustration] = ()
    sections: Sequence[Section] = ()


@dataclass(frozen=True)
class StudyPage:
    """The page of a study: titles, a part for each experiment, and claims."""

    title: str
    subtitle: str
    parts: Sequence[Part]
    claims: Sequence[paper.Claim] = ()
    notices: Sequence[str] = ()


def render_study(page: StudyPage, galleries: Sequence[Gallery] = ()) -> str:
    """The page as HTML that loads nothing from the network; the same content gives the same text."""
    return render_page(
        "study.html",
        page=page,
        verdicts=_in_words(page.claims),
        galleries=galleries,
        examples=galleries[0].found if galleries else None,
        pixelated=bool(galleries) and galleries[0].pixelated,
    )


_VERBS = {
    "holds": ("holds", "hold"),
    "does not hold": ("does not", "do not"),
    "undecided": ("is undecided", "are undecided"),
    "not tested here": ("is not tested here", "are not tested here"),
}


def _in_words(claims: Sequence[paper.Claim]) -> str:
    """``4 hold, 7 are undecided and 3 are not tested here``."""
    counts = paper.count_verdicts(claims).items()
    return listed([f"{number} {_VERBS[verdict][number > 1]}" for verdict, number in counts if number])


_DPI = 160
_LETTERS = dict(zip(paper.KINDS, "abc", strict=True))


@dataclass
class _Output:
    figures: dict[str, bytes] = field(default_factory=dict)
    tables: dict[str, bytes] = field(default_factory=dict)


def write_paper(
    plan: paper.PaperPlan, results: paper.PaperResults, runs: Mapping[str, Run], out: Path
) -> list[paper.Claim]:
    """Write ``figures/``, ``tables/``, ``claims.json`` and ``report.html`` below ``out``; each file whole."""
    claims = paper.paper_claims(results)
    output = _Output()
    with shared(out):
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
            _write(out / paper.FIGURES / name, content)
        for name, content in output.tables.items():
            _write(out / paper.TABLES / name, content)
        _write(out / "claims.json", json_bytes(document))
        _write(out / "report.html", render_study(page).encode())
    except OSError as error:
        raise RunFailed(f"{out}: the results cannot be written ({error.strerror or error})") from None
    return claims


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, content)


def _parts(
    plan: paper.PaperPlan, results: paper.PaperResults, runs: Mapping[str, Run], output: _Output
) -> Iterator[Part]:
    leads = paper.part_leads(plan, results)
    yield Part("measured", "What was measured", leads["measured"], (), [paper.facts_section(plan, runs)])
    yield _matching(results, leads["matching"], output)
    yield _galleries(plan, runs, results, leads["galleries"], output)
    if results.curves:
        yield _perturbations(plan, runs, results, leads["perturbations"], output)
    yield _pseudo_patterns(plan, runs, results, leads["pseudo-patterns"], output)
    yield _training_sets(results, leads["training-sets"], output)
    yield _validation(results, leads["validation"], output)


def _matching(results: paper.PaperResults, lead: str, output: _Output) -> Part:
    figures: list[Illustration] = []
    of_side: dict[Side, Comparison] = {"easy": results.easy, "hard": results.hard}
    for side, comparison in of_side.items():
        caption = f"The same of {side} examples."
        if not figures:
            caption = (
                f"Table 1: matching rates of {side} examples, ties refined. Framed: a network against "
                "itself, its noise ceiling. In italics: undecided."
            )
        label = f"A shaded table of matching rates, {side} examples: a row and a column for each network."
        drawn = draw_matching(comparison, [side])
        figures.append(_figure(output, f"matching-{side}.png", drawn, label, caption))
        _tables(output, f"table-1-{side}", comparison, comparison.document())
    return Part("matching", "Matching between architectures (Table 1)", lead, figures)


def _galleries(
    plan: paper.PaperPlan, runs: Mapping[str, Run], results: paper.PaperResults, lead: str, output: _Output
) -> Part:
    figures = []
    first, last = plan.preset.cnns[0], plan.preset.cnns[-1]
    for model, number, per_side, caption in (
        (first, 1, 3, f"Figure 1: the easiest and the hardest examples of each class, by {first}."),
        (first, 6, 6, "Figure 6: more of them."),
        (last, 7, 6, f"Figure 7: the same by {last}."),
    )[: 3 if last != first else 2]:
        drawn = draw_gallery(gallery(runs[paper.match_name(model)], plan.data, per_side=per_side))
        label = f"Pictures: a row for each class, {per_side} on either side, and how many trials are right."
        figures.append(_figure(output, f"figure-{number}.png", drawn, label, caption))
    found = results.similarity
    if not isinstance(found, str):
        caption = "Distances between examples of one class; a faint line for each class."
        label = "Points with intervals for easy, any and hard examples, a panel for each space."
        figures.append(_figure(output, "similarity.png", found.figure(), label, caption, found.sections()))
        _tables(output, "similarity", found)
    return Part("galleries", "Easy and hard examples (Figures 1, 6, 7)", lead, figures)


def _perturbations(
    plan: paper.PaperPlan,
    runs: Mapping[str, Run],
    results: paper.PaperResults,
    lead: str,
    output: _Output,
) -> Part:
    recipe = recipe_of(runs[paper.match_name(plan.preset.cnns[0])], plan.data)
    figures = []
    for kind, curve in results.curves.items():
        caption = (
            f"Figure 2 {_LETTERS[kind]}: matching with the regular examples, and accuracy, under {kind}."
        )
        label = "Two line charts against the level: left the matching rates, right the accuracy."
        stem = f"figure-2{_LETTERS[kind]}-{kind}"
        figures.append(_figure(output, f"{stem}.png", curve.figure(), label, caption, curve.sections()))
        _tables(output, stem, curve)
    panel = draw_panel(perturbed_panel(plan.data, recipe, seed=plan.seed))
    label = "Pictures: a block for each perturbation, a row for each example, a column for each level."
    caption = "Figure 3: the same examples, perturbed."
    figures.append(_figure(output, "figure-3.png", panel, label, caption))
    return Part("perturbations", "Perturbations (Figures 2 and 3)", lead, figures)


def _pseudo_patterns(
    plan: paper.PaperPlan,
    runs: Mapping[str, Run],
    results: paper.PaperResults,
    lead: str,
    output: _Output,
) -> Part:
    pseudo = results.pseudo
    _tables(output, "pseudo-patterns", pseudo)
    pictures = draw_patterns(
        pattern_pictures(pseudo, plan.data, recipe_of(_run_of(runs, pseudo.run), plan.data))
    )
    caption = "Some of the examples that every final model still gets right, and what it saw of them."
    label = "Pairs of pictures: an example as it is, and perturbed."
    shown = _figure(output, "pseudo-patterns.png", pictures, label, caption, pseudo.sections())
    return Part("pseudo-patterns", "Pseudo patterns", lead, [shown])


def _training_sets(results: paper.PaperResults, lead: str, output: _Output) -> Part:
    figures = []
    for name, study, caption in (
        ("ablation", results.ablation, "Figure 4 a, b: accuracy against the share that is dropped."),
        ("corrupted-labels", results.corruption, "Figure 4 c, d: against the share of random labels."),
    ):
        label = "A line chart of held-out accuracy, a line for each policy, with error bars."
        stem = f"figure-4-{name}"
        figures.append(_figure(output, f"{stem}.png", study.figure(), label, caption, study.sections()))
        _tables(output, stem, EveryEpoch(study))
    return Part("training-sets", "Ablation and corrupted labels (Figure 4)", lead, figures)


def _validation(results: paper.PaperResults, lead: str, output: _Output) -> Part:
    found = results.validation
    caption = "Figure 5: final models that classify a validation example correctly, against its easiness."
    label = "A line chart with error bars; bars below it count the examples."
    _tables(output, "figure-5", found)
    shown = _figure(output, "figure-5.png", found.figure(), label, caption, found.sections())
    return Part("validation", "Validation examples (Figure 5)", lead, [shown])


def _run_of(runs: Mapping[str, Run], path: str) -> Run:
    return next(run for run in runs.values() if str(run.path) == path)


def _figure(
    output: _Output,
    name: str,
    figure: Figure,
    label: str,
    caption: str,
    sections: Sequence[Section] = (),
) -> Illustration:
    """A file of the folder, and the same figure in the page, in whose theme it is drawn."""
    output.figures[name] = picture_bytes(figure, ".png", _DPI)
    svg = to_svg(figure, key=name.removesuffix(".png"), label=label)
    return Illustration(caption, svg, sections)


def _tables(output: _Output, stem: str, result: Result, document: Any = None) -> None:
    if document is None:  # to 15 decimals, so that studies that exist and their reruns hold the same files
        document = json.loads(result.table().to_json(orient="records", double_precision=15))
    output.tables[f"{stem}.csv"] = rendered(result, ".csv")
    output.tables[f"{stem}.json"] = json_bytes(document)
    output.tables[f"{stem}.md"] = rendered(result, ".md").rstrip(b"\n") + b"\n"
