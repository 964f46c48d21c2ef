"""``diff``: examples matched, what changed, what notes say of it, and how little may be told."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.special import logit

from easiness import BadInput, diff, open_run
from easiness.analysis import NoiseOfChange, PValues, p_of_change
from easiness.studies.versions import (
    fewest_shown,
    least_logits,
    pair,
    renamed_classes,
    resolution_note,
    smallest_shown,
    trials_needed,
)
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
    assert any("--by pixels then" in note for note in found.notes)  # ids are numbers, of other sizes
    assert not any("one example alone" in note for note in found.notes)
    assert (found.needed, found.unknown, found.share_unknown) == (None, "", 0)
    assert "unknown" not in found.by_class()
    assert isinstance(found.document(), list)


def test_the_table_has_what_both_trials_said(versions):
    old, new = versions
    table = diff(old, new).table().set_index("id")
    both = [one for one in range(NUM) if one != 8]
    before, after = (run.scores().set_index("id")["confidence"] for run in (old, new))
    np.testing.assert_allclose(table.loc[both, "confidence_old"], before[both])
    np.testing.assert_allclose(table.loc[both, "confidence_new"], after[both])
    np.testing.assert_allclose(table.loc[both, "difference"], after[both] - before[both])
    assert table.loc[60, "confidence_new"] == pytest.approx(after[60])
    assert table.loc[8, "confidence_old"] == pytest.approx(before[8])
    assert table.loc[[60, 61, 8], ["p", "q", "difference"]].isna().all(axis=None)
    assert (table["q"].dropna() >= table["p"].dropna()).all()
    assert table["old_id"].dtype == "Int64"  # as the ids of the old run, which it joins with
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


def test_the_same_key_several_times_is_matched_in_order():
    matched = pair(["a", "b", "a", "c"], ["a", "d", "a", "a", "b"])
    assert matched.old.tolist() == [0, 2, 1]
    assert matched.new.tolist() == [0, 2, 4]
    assert matched.went.tolist() == [3]
    assert matched.came.tolist() == [1, 3]


def test_what_cannot_be_compared_is_refused(versions, measured, tmp_path):
    old, new = versions
    with pytest.raises(BadInput, match="--by 'names'"):
        diff(old, new, by="names")  # type: ignore[arg-type]
    with pytest.raises(BadInput, match="--old-data"):
        diff(old, new, by="pixels")
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
        "easiness.studies.versions._pixels",
        lambda run, _source, _option: [str(one).removesuffix(".png").encode() for one in run.ids.tolist()],
    )
    table = diff(old, new, by="pixels").table()
    assert pd.api.types.is_string_dtype(table["id"])
    assert set(table["old_id"].astype(str) + ".png") == set(table["id"])
    backwards = diff(new, old, by="pixels").table()
    assert pd.api.types.is_string_dtype(backwards["old_id"])
    assert set(backwards["id"].astype(str) + ".png") == set(backwards["old_id"])


def version(path, examples, *, epochs=1, model=None):
    """A recorded run over examples given as ids with their class, in this order."""
    classes = sorted(set(examples.values()))
    labels = [classes.index(name) for name in examples.values()]
    logits = np.random.default_rng(0).normal(0, 0.2, (3, epochs, len(labels), len(classes)))
    return recorded(path, logits, labels, ids=list(examples), classes=classes, model=model)


def of(*classes):
    """Four examples of each class."""
    return {f"{at}-{i}": name for at, name in enumerate(classes) for i in range(4)}


def noted(tmp_path, old, new):
    """Without the last note, on what the trials can show, which `test_resolution` is about."""
    *about, last = diff(version(tmp_path / "old", old), version(tmp_path / "new", new)).notes
    assert last.startswith("Between 3 and 3 trials")
    return tuple(about)


def test_a_class_put_between_others_shifts_indices_and_nothing_else(tmp_path):
    old = version(tmp_path / "old", of("ant", "cat"))
    new = version(tmp_path / "new", of("ant", "cat") | {f"b-{i}": "bee" for i in range(3)})
    assert old.classes.index("cat") != new.classes.index("cat")
    found = diff(old, new)
    assert found.notes == ()
    assert (found.num("came"), found.num("went"), found.num_common) == (3, 0, 8)
    both = found.table()[found.table()["change"] == "unchanged"]
    assert (both["class"] == both["old_class"]).all()


CATS, KITTENS = of("ant", "cat", "dog"), of("ant", "kitty", "dog")
IN_TURN = dict(enumerate(["ant", "bee"] * 6))
RELABELLED = "of the examples in both have another class in the new version."


@pytest.mark.parametrize(
    ("old", "new", "notes"),
    [
        (CATS, KITTENS, ["cat is called kitty in the new version (4 examples)."]),
        (
            CATS,
            KITTENS | {"0-1": "dog", "0-2": "dog"},
            ["cat is called kitty in the new version (4 examples).", f"2 {RELABELLED}"],
        ),
        (IN_TURN, IN_TURN | {0: "bee"}, [f"1 {RELABELLED}"]),
        (
            IN_TURN,
            {at: IN_TURN[11 - at] for at in IN_TURN},
            [
                f"12 {RELABELLED} Where ids are positions, another order does that: match them --by pixels "
                "then."
            ],
        ),
    ],
)
def test_what_is_noted_of_classes(tmp_path, old, new, notes):
    assert noted(tmp_path, old, new) == tuple(notes)


def test_recordings_that_were_made_differently(tmp_path):
    examples = of("ant", "cat")
    old = version(tmp_path / "old", examples, model="mine")
    assert diff(old, version(tmp_path / "same", examples)).notes[:-1] == ()
    new = version(tmp_path / "new", examples, model="mine", epochs=2)
    assert diff(old, new).notes[0] == "The old version was recorded for 1 epoch, the new one for 2."
    other = version(tmp_path / "other", examples, model="another")
    with pytest.raises(BadInput, match="different networks"):
        diff(old, other)


@pytest.mark.parametrize(
    ("before", "after", "old", "new"),
    [
        ("aabb", "bbaa", "ab", "ab"),  # swapped
        ("aabb", "cccc", "ab", "c"),  # joined
        ("aaaa", "aabb", "a", "ab"),  # a part has a new class
        ("aabb", "accb", "ab", "abc"),  # taken from both
    ],
)
def test_what_is_no_new_name(before, after, old, new):
    assert renamed_classes(*(np.array(list(one), object) for one in (before, after)), old, new) == {}  # type: ignore[arg-type, call-arg]


def heard(error, freedom=np.inf, trials=(10, 10), num_deals=100):
    """What is said of examples without a change, whose deals were without one."""
    error = np.asarray(error, float)
    none = np.zeros(len(error), bool)
    return PValues(trials, np.ones(len(error)), none, NoiseOfChange(error, freedom), np.empty(0), num_deals)


def test_by_hand_without_a_least_change():
    """A change d around a half is one of 4 artanh(d) in logits."""
    size = 0.5 * stats.norm.isf(0.05 / 3 / 2)
    assert smallest_shown(heard([0.2, 0.5, 0.9]), 0.05, 0.0) == pytest.approx(np.tanh(size / 4))


@pytest.mark.parametrize(("trials", "at_least", "together"), [(3, 0.0, 3), (4, 0.05, 1), (5, 0.1, 1)])
def test_examples_that_change_alone_are_named_from_there_on(trials, at_least, together):
    num, rng = 301, np.random.default_rng(0)
    values = rng.normal(0, 0.2, (2 * trials, num))
    old, new = values[:trials], values[trials:]
    new += old.mean(axis=0) - new.mean(axis=0)  # nothing changed
    least = least_logits(np.full(num, 0.5), at_least)
    still = p_of_change(old, new, least)
    assert fewest_shown(still.num_deals, 0.05) == together
    smallest = smallest_shown(still, 0.05, at_least)
    assert smallest is not None
    typical = np.argsort(still.noise.error)[num // 2 :][:together]  # of median noise, as the sentence says
    for change, named in ((smallest - 0.05, False), (smallest + 0.05, True)):
        moved = new.copy()
        moved[:, typical] += 2 * logit(np.array((1 + change) / 2))
        q = p_of_change(old, moved, least).q
        assert np.flatnonzero(q <= 0.05).tolist() == (sorted(typical) if named else [])


def test_two_and_two_trials_name_eleven_at_once_or_none():
    noise = heard(np.full(1000, 0.1), trials=(2, 2), num_deals=2)
    said = resolution_note(noise, (2, 2), 0.05, 0.1)
    assert said.startswith("Between 2 and 2 trials a change of 11 examples alone is shown from 0.")
    assert smallest_shown(heard(np.full(10, 0.1), trials=(2, 2), num_deals=2), 0.05, 0.1) is None


def test_trials_that_can_show_nothing_ask_for_more():
    noise = heard(np.full(1000, 5.0), 2, (2, 2), 2)  # 27.6 logits at the most, 5.5 errors, p above 0.01
    assert smallest_shown(noise, 0.05, 0.1) is None
    more = trials_needed(noise, (2, 2), 0.05, 0.1)
    assert more is not None
    # three and three would still divide by 4.1, with 4 degrees of freedom; 0.00005 takes 7.5 errors there
    of = [2 * stats.t.sf(26.8 / 5 * np.sqrt(n / 2), 2 * n - 2) for n in (more[0] - 1, more[0])]
    assert of[0] > 0.00005 > of[1]
    assert trials_needed(noise, (4, 4), 0.05, 0.1) == (2 * more[0], 2 * more[1])  # as of heads on features


def test_what_looks_sure_by_chance_asks_for_more_by_quarters():
    """The lowest adjusted p-value is 0.4, and 0.4 / 4 / 4 is 0.025."""
    by_t = np.r_[np.full(5, 1e-9), np.ones(95)]
    noise = NoiseOfChange(np.full(100, 0.3), 10.0)
    dealt = np.full(17, 1e-10)  # in nine deals, two a deal
    found = PValues((3, 3), by_t, by_t < 1, noise, dealt, 9)
    assert found.q.min() == pytest.approx((17 + 1) / 9 / 5)
    assert trials_needed(found, (3, 3), 0.05, 0.1) == (5, 5)


def test_trials_without_noise_show_what_counts_and_enough_ask_for_none():
    assert smallest_shown(heard(np.zeros(4), 2), 0.05, 0.1) == pytest.approx(0.1)
    assert trials_needed(heard(np.full(50, 0.3)), (10, 10), 0.05, 0.1) is None
