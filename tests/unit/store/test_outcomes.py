"""What a run of outcomes keeps, what follows from it, and how further rows join."""

import re

import numpy as np
import pandas as pd
import pytest

from easiness.errors import BadInput
from easiness.store import model_folders, open_run, record_outcomes
from easiness.store.outcomes import Outcomes

ITEMS = pd.DataFrame({"id": ["a", "b", "c"], "text": ["1 + 1", "2 + 2", "3 + 3"]})


def rows(*cells):
    """Rows of item, trial, count, correct, and answer where there is one."""
    table = [(*cell, None)[:5] if len(cell) == 4 else cell for cell in cells]
    return pd.DataFrame(table, columns=["item", "trial", "count", "correct", "answer"])


OTHER = rows((0, "0", 1, 0.0, "2"))
FIRST = rows((0, "0", 1, 1.0, "2"), (0, "1", 1, 0.0, "3"), (1, "0", 1, 1.0, "4"), (2, "0", 1, 0.0, "5"))


def record(path, frame, items=ITEMS, model="m", **options):
    record_outcomes(path, items, frame, model=model, **options)
    return open_run(path)


def test_items_have_the_rates_and_scores_of_their_own_numbers_of_trials(tmp_path):
    table = rows((0, None, 3, 0.0), (1, None, 40, 10.0), (2, None, 8, 8.0))
    scores = record(tmp_path / "run", table).scores()
    assert scores.columns.tolist() == [
        *("id", "trials", "rate", "rate_se", "rate_low", "rate_high", "easiness", "p_easy", "p_hard")
    ]
    assert scores["trials"].tolist() == [3, 40, 8]
    assert scores["rate"].tolist() == scores["easiness"].tolist() == [0, 0.25, 1]
    # Beta(0.5, 3.5): mean 1/8, variance (1/8)(7/8)/5; its 97.5 % point by integration
    assert scores["rate_se"][0] == pytest.approx(np.sqrt(7 / 64 / 5))
    assert scores["rate_low"][0] == 0
    assert scores["rate_high"][0] == pytest.approx(0.5355832, abs=1e-6)
    assert scores["rate_high"][2] == 1


def test_scores_between_0_and_1_count_for_more_trials_as_they_vary_less():
    binary = Outcomes(ITEMS, FIRST.assign(batch=0))
    assert binary.dispersion == 1
    graded = rows((0, None, 1, 0.4), (0, None, 1, 0.6), (1, None, 1, 0.5), (2, None, 1, 0.5))
    outcomes = Outcomes(ITEMS, graded.assign(batch=0))
    # the one item of two trials: its scores have the variance 0.02, those of such a rate that are right or
    # wrong r (1 - r), which 1/4 underestimates by the variance of the rate, 0.02 / 2: 0.26
    assert outcomes.dispersion == pytest.approx(0.02 / 0.26)
    assert outcomes.effective[0].tolist() == pytest.approx([26, 13, 13])


def test_rows_that_are_recorded_change_nothing(tmp_path):
    before, after = (
        {file.name: file.read_bytes() for file in record(tmp_path / "run", frame).path.glob("*.*")}
        for frame in (FIRST, FIRST.iloc[::-1])
    )
    assert before == after


def test_new_trials_and_items_join(tmp_path):
    record(tmp_path / "run", FIRST[:2])
    items = pd.DataFrame({"id": ["d", "a"], "text": ["4 + 4", "1 + 1"], "level": [2, 1]})
    run = record(tmp_path / "run", rows((0, "0", 1, 1.0), (1, "2", 1, 1.0), (1, "0", 1, 1.0, "2")), items)
    assert run.ids.tolist() == ["a", "d"]
    assert run.outcomes.trials.tolist() == [3, 1]
    assert run.outcomes.right.tolist() == [2, 1]
    assert run.spec.data.train.num_examples == 2
    assert len(list(run.path.glob("*.parquet"))) == 2  # those of before are gone


def test_rows_without_a_trial_join_by_add_alone(tmp_path):
    unnamed, more = rows((0, None, 5, 2.0), (1, None, 5, 4.0)), rows((0, None, 10, 1.0))
    record(tmp_path / "run", unnamed)
    assert record(tmp_path / "run", unnamed.iloc[::-1]).outcomes.trials.tolist() == [5, 5]
    with pytest.raises(BadInput, match="without a trial, and these are others; join them with --add"):
        record(tmp_path / "run", more)
    # each that was recorded is known from then on
    for frame, add in ((more, True), (more, False), (unnamed, False)):
        outcomes = record(tmp_path / "run", frame, add=add).outcomes
        assert (outcomes.trials.tolist(), outcomes.right.tolist()) == ([15, 5], [3, 4])


@pytest.mark.parametrize(
    ("frame", "options", "message"),
    [
        (OTHER, {}, "item 'a', trial '0' is recorded with another outcome"),
        (
            FIRST,
            {"items": ITEMS.assign(text="1 + 1")},
            "'b' is recorded with another text; choose another --out",
        ),
        (FIRST, {"trials_are": "models"}, "its trials are rollouts, not models; choose another --out"),
        (FIRST, {"items": ITEMS.assign(id=[1, 2, 3])}, "ids of another type"),
        (FIRST, {"model": "other"}, "run: is of the model 'm', not 'other'; record them once more"),
    ],
)
def test_rows_that_do_not_fit_what_is_recorded_are_refused(tmp_path, frame, options, message):
    run = record(tmp_path / "run", FIRST)
    with pytest.raises(BadInput, match=message):
        record(run.path, frame, **options)
    assert open_run(run.path).outcomes.trials.tolist() == [2, 1, 1]


def test_what_only_checks_writes_nothing(tmp_path):
    record_outcomes(tmp_path / "run", ITEMS, FIRST, model="m", dry=True)
    assert not (tmp_path / "run").exists()


def test_a_model_has_a_folder_of_its_own(tmp_path):
    models = ["org/m 1", "org_m_1", "ORG/M 1", "..", "x" * 500]
    folders = model_folders(tmp_path, models)
    assert [path.name[:9] for path in folders.values()] == [
        *("org_m_1", "org_m_1-2", "ORG_M_1-3", "model", "xxxxxxxxx")
    ]
    for model, path in folders.items():
        record_outcomes(path, ITEMS, FIRST, model=model)
    assert model_folders(tmp_path, [*models[::-1], "org/m"]) == folders | {"org/m": tmp_path / "org_m"}


@pytest.mark.parametrize(
    "model", ["../../x", "/etc/x", "CON", "nul.txt", "é" * 300, " ", "\x00\n", "C:\\x", ".aside-1", "a=b"]
)
def test_no_name_of_a_model_leads_out_of_the_folder(tmp_path, model):
    (path,) = model_folders(tmp_path, [model]).values()
    assert path.parent == tmp_path
    record_outcomes(path, ITEMS, FIRST, model=model)
    assert open_run(path).model == model
    assert open_run(path).outcomes.items.columns.tolist() == ["id", "text"]
    assert not re.fullmatch(r"(?i)(con|nul)(\..*)?|\..*", path.name)
    assert model_folders(tmp_path, [model]) == {model: path}
