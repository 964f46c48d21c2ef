"""The folder of the experiment on the hypothesis: its page, figures, rows and claims."""

from __future__ import annotations

from pathlib import Path

from easiness.errors import RunFailed
from easiness.pages.paper_page import Illustration, Part, StudyPage, render_study
from easiness.paper import planted as study
from easiness.paper.planted import Hypothesis
from easiness.regular_file import shared
from easiness.show import json_bytes, picture_bytes, rendered, to_svg
from easiness.store import write_whole

_DPI = 160


def write_hypothesis(found: Hypothesis, out: Path) -> None:
    """Write ``report.html``, ``claims.json``, ``patterns.csv`` and the figures into ``out``, each whole."""
    with shared(out):
        parts, pictures = _parts(found)
    page = StudyPage(
        title="Is easy what is frequent and contradicts nothing?",
        subtitle=f"Planted patterns, preset {found.preset.name}, seed {found.seed}: {found.text}",
        parts=parts,
        claims=found.claims,
    )
    document = {"preset": found.preset.as_dict(), "seed": found.seed}
    document["claims"] = [claim.as_dict() for claim in found.claims]
    files = {
        **pictures,
        "claims.json": json_bytes(document),
        "patterns.csv": rendered(found, ".csv"),
        "report.html": render_study(page).encode(),
    }
    try:
        for name, content in files.items():
            write_whole(out / name, content)
    except OSError as error:
        raise RunFailed(f"{out}: the results cannot be written ({error.strerror or error})") from None


def _parts(found: Hypothesis) -> tuple[list[Part], dict[str, bytes]]:
    leads = study.leads_of(found)
    words = "A line for each contradiction against frequency, a panel for each network and arm."
    drawn = {
        "planted": (
            study.planted_figure(found),
            "Small gray pictures: a row for each pattern, its patch and then pictures with it.",
            "Three of the patterns, and pictures that carry them.",
        ),
        "easiness": (study.frequency_figure(found, "easiness"), words, "Easiness against frequency."),
        "probability": (
            study.frequency_figure(found, "held_out"),
            words,
            "Probability of the own label on new pictures against frequency.",
        ),
        "contradiction": (
            study.drop_figure(found),
            "Points with intervals against the share of contradicted carriers, a panel for each measure.",
            "How much lower than without contradiction, at equal support.",
        ),
        "controls": (study.controls_figure(found), words, "Easiness against frequency in the controls."),
    }
    figures = {
        name: Illustration(caption, to_svg(figure, key=name, label=label))
        for name, (figure, label, caption) in drawn.items()
    }
    shown = [figures["easiness"], figures["probability"]]
    parts = [
        Part("planted", "What was planted", leads["planted"], [figures["planted"]]),
        Part("frequency", "Frequency", leads["frequency"], shown, [study.slope_section(found)]),
        Part(
            "contradiction",
            "Contradiction",
            leads["contradiction"],
            [figures["contradiction"]],
            [study.drop_section(found)],
        ),
        Part("controls", "Controls", leads["controls"], [figures["controls"]]),
        Part("cells", "All means", "", (), study.cell_sections(found)),
    ]
    return parts, {f"{name}.png": picture_bytes(figure, ".png", _DPI) for name, (figure, *_) in drawn.items()}
