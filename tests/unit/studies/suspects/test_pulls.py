"""Who pulls suspects to what is suggested, where that was planted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from easiness import BadInput, Run, load_dataset, measure, open_run
from easiness.studies.suspects import pulls

SOUND, WRONG = np.arange(5) * 3, np.arange(5) * 3 + 1


def planted(folder: Path, *, tags: bool = False, unknown: int = 1, **options: Any) -> Run:
    """Three classes; five examples of the first are alone with one each, labelled as the second is."""
    draw, labels = np.random.default_rng(0), np.arange(90) % 3
    y: Any = np.eye(3)[labels] if tags else labels
    x = draw.normal(size=(90, 20)) * 0.5 + 3 * np.eye(20)[labels]
    x[SOUND] = np.eye(20)[0] + 10 * np.eye(20)[10:15]
    x[WRONG], others = x[SOUND] + draw.normal(size=(2, 5, 20))
    x, others = x.astype(np.float32), others.astype(np.float32)
    if tags:  # 0, 1 and 2; of the last ones nobody says whether they are in the first example
        y[0, 3 - unknown :] = np.nan
    np.savez(folder / "data.npz", x=x, x_test=others, y=y, y_test=y[SOUND])
    usual: dict[str, Any] = {"model": "ridge", "features": "inputs", "trials": 5, "out": folder / "run"}
    data = load_dataset(folder / "data.npz", tags=tags) if tags else str(folder / "data.npz")
    return measure(data, **{**usual, **options})


@pytest.mark.parametrize("tags", [False, True])
@pytest.mark.parametrize("split", ["train", "held_out"])
def test_wrong_labels_pull_and_the_one_that_decides_is_found(tmp_path: Path, split: Any, tags: bool) -> None:
    run, positions = planted(tmp_path, tags=tags), SOUND if split == "train" else np.arange(5)
    wrongs, own = WRONG, 0
    if tags:  # the first tag is not there by wrong labels
        wrongs, own, positions = 3 * WRONG - 1, 1, 3 * positions - (positions > 0)
    *found, none = pulls(run, positions, np.array([1 - own] * 4 + [-1]), split=split)
    assert none is None
    trained_on = [one.columns(run.epochs, ["trained_on"])["trained_on"] for one in run.trials]
    for at, wrong, one in zip(positions, wrongs, found, strict=False):
        judge = next(mask for mask in trained_on if split == "held_out" or not mask[at])
        assert one is not None
        assert (one.examples[0] == wrong) == judge[wrong]
        assert (np.diff(one.sizes) <= 0).all()
        assert one.mend in {(-1, -1), *((each, own) for each in (wrongs if tags else [wrong]))}
    assert any(one is not None and one.mend[1] == own for one in found)


def test_what_cannot_be_known_says_why(measured: Path, tmp_path: Path) -> None:
    blank = planted(tmp_path, tags=True, unknown=3, out=tmp_path / "blank")
    bare = planted(tmp_path, keep_weights=False)
    steps = planted(tmp_path, model="linear", epochs=1, out=tmp_path / "steps")
    only = "only ridge heads tell"
    reasons = {blank: "1 example without a tag that is known", bare: "made without weights"}
    for run, why in {open_run(measured): only, steps: f"linear: {only}", **reasons}.items():
        with pytest.raises(BadInput, match=why):
            pulls(run, np.array([1]), np.array([0]))
