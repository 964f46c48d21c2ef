"""Runs of a training loop of one's own, on data that are no pictures, in other tools and as cards."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from easiness import BadInput, card, export
from recording import believing, recorded

NUM = 12
IDS = np.arange(NUM) * 7
LABELS = np.arange(NUM) % 3


def made(path, ids=IDS, *, leave_out=False, model="mine"):
    """Two trials; with ``leave_out`` each trains on another half."""
    halves = [ids[seed::2] for seed in range(2)] if leave_out else None
    return recorded(path, believing(LABELS, 2, 2, sure=1), LABELS, ids=ids, trained_on=halves, model=model)


def test_numbers_of_a_recorder_are_no_positions(tmp_path):
    done = export(made(tmp_path / "run"), "torch", tmp_path / "a.npz")
    kept = np.load(tmp_path / "a.npz")
    assert sorted(kept["indices"]) == list(range(NUM))
    np.testing.assert_array_equal(IDS[kept["indices"]], kept["ids"])
    assert done.notes == ("indices are positions in the ids that the Recorder was given",)


def test_spotlight_is_told_of_pictures_only_where_the_file_has_them(tmp_path):
    run = made(tmp_path / "run")
    done = export(run, "spotlight", tmp_path / "a.parquet")
    assert "image" not in pd.read_parquet(tmp_path / "a.parquet")
    assert done.then == f"spotlight.show({str(tmp_path / 'a.parquet')!r})"


def test_cleanlab_needs_no_other_logits_where_all_were_left_out(tmp_path):
    run = made(tmp_path / "run", leave_out=True)
    export(run, "cleanlab", tmp_path / "a.npz")
    kept = np.load(tmp_path / "a.npz")
    assert kept["out_of_sample"].all()
    np.testing.assert_allclose(kept["pred_probs"], run.probabilities(left_out=True))
    with pytest.raises(BadInput, match=r"not all logits.*\(--keep-logits\)"):
        export(made(tmp_path / "other"), "cleanlab", tmp_path / "b.npz")


def test_a_card_without_pictures_is_joined_by_id(tmp_path, command):
    run = made(tmp_path / "run", model="<b>\n[mine]")
    assert not card(run, tmp_path / "card").document.has_digests
    text = (tmp_path / "card" / "README.md").read_text()
    assert "join `scores.parquet` to your examples by `id`" in text
    assert "--apply" not in text
    assert r"\<b> [mine]" in text
    ended = command("card", run.path, "-o", tmp_path / "again")
    assert "12 examples; join scores.parquet by id" in ended.out
    assert "--apply" not in ended.out


def test_a_readme_of_hugging_face_has_no_markup_of_a_name(tmp_path):
    export(made(tmp_path / "run", model="<b>\n[mine]"), "hf", tmp_path / "hf")
    assert r"trainings of \<b> [mine] after" in (tmp_path / "hf" / "README.md").read_text()


def test_ids_with_lines_and_commas_stay_whole(tmp_path):
    ids = np.array([f'a,"{at}\nb' for at in range(NUM)], dtype=object)
    export(made(tmp_path / "run", ids), "csv", tmp_path / "a.csv")
    assert pd.read_csv(tmp_path / "a.csv")["id"].tolist() == ids.tolist()
