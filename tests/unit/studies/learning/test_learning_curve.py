import numpy as np
import pytest
from sklearn.datasets import load_digits

import easiness
from easiness import BadInput, open_run
from easiness.cli.measure import summarize
from easiness.store import Run
from easiness.studies.learning import learning_curve

NUM = 600


def _digits() -> tuple[np.ndarray, np.ndarray]:
    """All digits in random order: as they stand they are sorted by who wrote them."""
    x, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(y))
    return x[order].astype(np.float32), y[order]


@pytest.fixture(scope="module")
def digits(tmp_path_factory) -> Run:
    """Ten trials on pixels of 600 digits."""
    x, y = (values[:NUM] for values in _digits())
    out = tmp_path_factory.mktemp("features") / "run"
    return easiness.measure((x, y), features=x, trials=10, out=out, progress=False)


def test_it_is_what_the_records_say(digits):
    found = learning_curve(digits)
    by_share = []
    for row in (1, 2, 3):
        right = heard = 0
        for trial in digits.trials:
            columns = trial.columns(row, ["prediction", "trained_on"])
            right += (columns["prediction"] == digits.labels)[~columns["trained_on"]].sum()
            heard += (~columns["trained_on"]).sum()
        by_share.append(right / heard)
    np.testing.assert_allclose(found.curve.accuracy, by_share)
    assert found.chance == np.bincount(digits.labels).max() / NUM
    table = found.table()
    assert table["share"].tolist() == [0.05, 0.2, 0.8, 1, 2]
    assert table["examples"].tolist() == [30, 120, 480, 600, 1200]
    assert (table["low"] <= table["accuracy"]).all()


def test_half_of_the_digits_foretell_what_all_give(digits, tmp_path):
    x, y = _digits()
    all_of_them = easiness.measure((x, y), features=x, trials=5, out=tmp_path / "all", progress=False)
    came = learning_curve(all_of_them).curve.accuracy
    foretold = learning_curve(digits).curve.ahead[-1].accuracy  # of 1,200; those of 0.8 have seen 1,438
    assert foretold.low <= came[-1] <= foretold.high


def test_the_summary_has_it_in_a_line(digits):
    line = learning_curve(digits).text
    assert line.startswith("left-out accuracy by share: 0.05 0.")
    assert "; twice the data: about 0.9" in line
    assert line in summarize(open_run(digits.path)).splitlines()


def test_where_nothing_is_foretold_words_say_so(tmp_path):
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((100, 5)).astype(np.float32), np.arange(100) % 2
    run = easiness.measure((x, y), features=x, trials=5, out=tmp_path / "run", progress=False)
    found = learning_curve(run)
    assert "what more data would give is unknown: accuracy" in found.text
    assert len(found.table()) == 3


def test_a_run_of_epochs_has_none(measured):
    with pytest.raises(BadInput, match=r"has epochs, not shares, .*; measure with features"):
        learning_curve(open_run(measured))
