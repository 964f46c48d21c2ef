"""``diff``: examples matched, what changed, and what is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from easiness import BadInput, diff
from easiness.studies.versions.study import _matched
from recording import recorded

NUM, TRIALS = 60, 6


def made(path, ids, labels, logits, *, trials=TRIALS, classes=("ant", "bee"), seed=0):
    """A recorded run: the logit of the label, with noise, over two epochs."""
    own = logits + np.random.default_rng(seed).normal(0, 0.2, (trials, 2, len(ids)))
    return recorded(path, own[..., None] * np.eye(len(classes))[labels], labels, ids=ids, classes=classes)


@pytest.fixture(scope="module")
def versions(tmp_path_factory):
    """Of 60 examples 0 to 4 get harder and 5 to 7 easier; 8 goes, 60 and 61 come, in another order."""
    folder = tmp_path_factory.mktemp("versions")
    labels, logits = np.arange(NUM) % 2, np.linspace(-0.5, 2.5, NUM)
    old = made(folder / "old", np.arange(NUM), labels, logits)
    after = logits.copy()
    after[:5] -= 2
    after[5:8] += 2
    ids = np.r_[np.delete(np.arange(NUM), 8), 60, 61][::-1]
    new = made(
        folder / "new", ids.copy(), np.r_[labels, 0, 1][ids], np.r_[after, 1, 1][ids], trials=4, seed=1
    )
    return old, new


def test_planted_changes_are_found_and_named(versions):
    found = diff(*versions)
    table = found.table()
    ids = {change: sorted(part["id"]) for change, part in table.groupby("change")}
    assert ids["harder"] == [0, 1, 2, 3, 4]
    assert ids["easier"] == [5, 6, 7]
    assert ids["came"] == [60, 61]
    assert ids["went"] == [8]
    assert ids["unchanged"] == list(range(9, 60))
    assert (
        found.text == "5 of 59 examples became harder and 3 easier (13.6\N{NO-BREAK SPACE}%); 2 came, 1 went"
    )
    assert found.share_changed == pytest.approx(8 / 59)
    assert found.num_trials == (TRIALS, 4)
    assert list(dict.fromkeys(table["change"])) == ["harder", "easier", "came", "went", "unchanged"]


def test_the_table_has_what_both_trials_said(versions):
    old, new = versions
    table = diff(old, new).table().set_index("id")
    before = old.scores().set_index("id")["confidence"]
    after = new.scores().set_index("id")["confidence"]
    both = [one for one in range(NUM) if one != 8]
    np.testing.assert_allclose(table.loc[both, "confidence_old"], before[both])
    np.testing.assert_allclose(table.loc[both, "confidence_new"], after[both])
    np.testing.assert_allclose(table.loc[both, "difference"], after[both] - before[both])
    assert table.loc[60, "confidence_new"] == pytest.approx(after[60])
    assert table.loc[8, "confidence_old"] == pytest.approx(before[8])
    assert table.loc[[60, 61, 8], ["p", "q", "difference"]].isna().all(axis=None)
    assert (table["q"].dropna() >= table["p"].dropna()).all()
    assert table["old_id"].dtype == "Int64"  # as the ids of the old run, which it joins with
    assert table.loc[9, "old_id"] == 9
    assert table.loc[60, "old_id"] is pd.NA
    assert table["label"].dtype == np.int64


def test_by_class_and_overall(versions):
    found = diff(*versions)
    table = found.by_class().set_index("class")
    assert table.loc["ant", ["harder", "easier", "came", "went"]].tolist() == [3, 1, 1, 1]  # type: ignore[operator]
    assert table.loc["bee", ["harder", "easier", "came", "went"]].tolist() == [2, 2, 1, 0]  # type: ignore[operator]
    value, low, high = found.overall
    assert low < value < high
    both = found.examples["difference"].dropna()
    assert value == pytest.approx(both.mean())


def test_classes_that_changed_most_come_first_and_others_by_name(tmp_path):
    labels, logits = np.repeat(np.arange(4), 15), np.full(NUM, 1.0)
    after = logits.copy()
    after[45:48] -= 3
    after[30] -= 3
    names = ("ant", "bee", "cat", "dog")
    old = made(tmp_path / "old", np.arange(NUM), labels, logits, classes=names)
    new = made(tmp_path / "new", np.arange(NUM), labels, after, classes=names, seed=1)
    found = diff(old, new)
    assert found.by_class()["class"].tolist() == ["dog", "cat", "ant", "bee"]
    classes, *_ = found.sections()
    assert [row[0] for row in classes.rows] == ["class", "all", "dog", "cat", "ant", "bee"]
    assert "Classes with the most changed examples come first." in classes.note


def test_a_smaller_change_counts_where_it_is_asked_for(versions, tmp_path):
    old, _ = versions
    logits = np.linspace(-0.5, 2.5, NUM)
    moved = made(tmp_path / "moved", np.arange(NUM), np.arange(NUM) % 2, logits - 0.35, seed=2)
    assert diff(old, moved).share_changed == 0
    assert diff(old, moved, at_least=0).share_changed > 0.3


def test_noise_alone_is_no_change(versions, tmp_path):
    old, _ = versions
    again = made(tmp_path / "again", np.arange(NUM), np.arange(NUM) % 2, np.linspace(-0.5, 2.5, NUM), seed=9)
    found = diff(old, again, at_least=0)
    assert found.share_changed == 0
    (note,) = found.notes
    assert note.startswith("Between 6 and 6 trials a change of one example alone is shown from 0.")


def test_what_could_not_be_seen_is_said_only_where_nothing_was(versions):
    assert not any("one example alone" in note for note in diff(*versions).notes)


@pytest.fixture(scope="module")
def jumping(tmp_path_factory):
    """Three and three trials of examples that are learned in some: of 5 all after, of 10 in others too."""
    folder, ids = tmp_path_factory.mktemp("jumping"), np.arange(200)
    learned = np.zeros((6, 200))
    learned[3:, :5] = 6
    for at in range(5, 15):
        learned[np.random.default_rng(at).permutation(6)[:3], at] = 6
    runs = []
    for name, of in (("old", learned[:3]), ("new", learned[3:])):
        noise = np.array([np.random.default_rng([at, name == "new"]).normal(0, 0.2, 200) for at in range(3)])
        logits = np.eye(2)[ids // 199] * (of + noise - 2)[..., None]
        runs.append(recorded(folder / name, logits, ids // 199, classes=("ant", "bee")))
    return runs


def test_trials_that_are_too_few_to_tell_ask_for_more(jumping):
    found = diff(*jumping)
    unknown = found.table()[found.table()["change"] == "unknown"]
    assert set(range(5)) <= set(unknown["id"])
    assert len(unknown) < 15
    assert found.share_changed == 0
    assert found.share_unknown == len(unknown) / 200
    assert found.needed == (4, 4)
    said = (
        f"3 and 3 trials do not tell whether {len(unknown)} examples changed, as chance alone makes trials "
        "differ as much; measure 4 and 4 trials at least"
    )
    assert found.unknown == said
    assert found.text.startswith(f"Whether {len(unknown)} of 200 examples changed is unknown")
    (classes,) = found.sections()
    assert classes.note.startswith(f"{said}. ")
    assert classes.rows[0][-3:-1] == ["unknown", "unchanged"]
    assert not any("example alone" in note for note in found.notes)
    document = found.document()
    assert (document["unknown"], document["needed"], len(document["rows"])) == (said, [4, 4], 200)


def test_where_something_is_named_none_is_unknown(versions):
    found = diff(*versions)
    assert (found.needed, found.unknown, found.share_unknown) == (None, "", 0)
    assert "unknown" not in found.by_class()
    assert isinstance(found.document(), list)


def test_another_class_is_said(versions, tmp_path):
    old, _ = versions
    labels = np.arange(NUM) % 2
    labels[:3] = 1 - labels[:3]
    other = made(tmp_path / "other", np.arange(NUM), labels, np.linspace(-0.5, 2.5, NUM), seed=3)
    found = diff(old, other)
    assert "3 of the examples in both have another class in the new version." in found.notes
    row = found.table().set_index("id").loc[0]
    assert (row["class"], row["old_class"]) == ("bee", "ant")


def test_ids_of_numbers_and_versions_of_other_sizes_are_doubted(versions):
    assert any("--by pixels then" in note for note in diff(*versions).notes)


def test_the_same_key_several_times_is_matched_in_order():
    matched = _matched(["a", "b", "a", "c"], ["a", "d", "a", "a", "b"])
    assert matched.old.tolist() == [0, 2, 1]
    assert matched.new.tolist() == [0, 2, 4]
    assert matched.went.tolist() == [3]
    assert matched.came.tolist() == [1, 3]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"by": "names"}, "--by 'names': unknown; choose ids or pixels"),
        ({"rate": 0.0}, "--rate 0: must be above 0 and below 1"),
        ({"at_least": 1.0}, "--at-least 1: must be at least 0 and below 1"),
        ({"epoch": 9}, "epoch 9 is not recorded"),
        ({"by": "pixels"}, "--old-source names them"),
    ],
)
def test_bad_options_are_named(versions, options, said):
    with pytest.raises(BadInput, match=said.replace("(", r"\(")):
        diff(*versions, **options)


def test_what_cannot_be_compared_is_refused(versions, measured, tmp_path):
    from easiness import open_run

    old, new = versions
    with pytest.raises(BadInput, match="same run twice"):
        diff(old, old)
    with pytest.raises(BadInput, match="has 1 finished trial"):
        diff(old.first(1), new)
    with pytest.raises(BadInput, match="recorded and one measured"):
        diff(old, open_run(measured))
    others = made(tmp_path / "o", np.array(["a", "b"], object), np.arange(2), np.ones(2))
    with pytest.raises(BadInput, match=r"common by ids; .*--by pixels"):
        diff(old, others)


def test_other_types_of_ids_stand_in_one_column(versions, tmp_path, monkeypatch):
    old, _ = versions
    names = np.array([f"{number}.png" for number in range(NUM)], object)
    new = made(tmp_path / "n", names, np.arange(NUM) % 2, np.linspace(-0.5, 2.5, NUM))
    monkeypatch.setattr(
        "easiness.studies.versions.study._pixels",
        lambda run, _source, _option: [str(one).removesuffix(".png").encode() for one in run.ids.tolist()],
    )
    table = diff(old, new, by="pixels").table()
    assert pd.api.types.is_string_dtype(table["id"])
    assert set(table["old_id"].astype(str) + ".png") == set(table["id"])
    backwards = diff(new, old, by="pixels").table()
    assert pd.api.types.is_string_dtype(backwards["old_id"])
    assert set(backwards["id"].astype(str) + ".png") == set(backwards["old_id"])
