"""The study of models that have learned, in small and to its end: the page that its hours lead to."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from easiness.report.paper_page import write_paper
from easiness.spec import Loading
from easiness.studies.paper.folder import describe_folder
from easiness.studies.paper.presets import OVERNIGHT
from easiness.studies.paper.study import plan_paper, run_paper

ROOT = Path(__file__).parents[4]
JUDGED = {"4", "6a", "6b", "6c", "7a", "7b", "7c", "8", "10"}


@pytest.mark.long
def test_all_that_it_measures_is_judged_told_and_published(tmp_path, monkeypatch):
    small = "mlp_2_w32"
    preset = replace(
        OVERNIGHT,
        cnns=(small,),
        merged_models=(small,),
        final_models=(small,),
        ablation_model=small,
        learned={"alpha": 0.006, "batch_size": 32},
        trials=4,
        epochs=2,
        merged_trials=2,
        merged_epochs=2,
        final_trials=2,
        final_epochs=4,  # else they are wrong about more than the hardest quarter could hold
        repetitions=2,
        ablation_epochs=1,
    )
    study, docs = tmp_path / "overnight", tmp_path / "docs"
    plan = plan_paper(preset, "digits", loading=Loading(limit=1000))
    describe_folder(plan, study)
    write_paper(plan, *run_paper(plan, study), study)
    claims = json.loads((study / "claims.json").read_text())["claims"]
    assert {claim["id"] for claim in claims if claim["statistics"]} == JUDGED

    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    from science import publish_paper

    monkeypatch.setattr(sys, "argv", ["publish_paper.py", str(study), str(docs)])
    publish_paper.main()
    page = (docs / "overnight.md").read_text()
    assert all(f"| {claim} |" in page for claim in JUDGED)
    shown = sorted(path.name for path in (docs / "overnight").glob("*.png"))
    assert shown == sorted(path.name for path in (study / "figures").iterdir())
    assert all(f"overnight/{name})" in page for name in shown)
    assert shown
