"""What is said of two versions beside what changed: classes renamed, ids that mislead."""

from __future__ import annotations

import numpy as np
import pytest

from easiness import BadInput, diff
from easiness.studies.versions.notes import renamed_classes
from recording import recorded


def version(path, examples, *, epochs=1, left_out=0, model=None):
    """A recorded run over examples given as ids with their class, in this order; the first are left out."""
    classes = sorted(set(examples.values()))
    labels = [classes.index(name) for name in examples.values()]
    logits = np.random.default_rng(0).normal(0, 0.2, (3, epochs, len(labels), len(classes)))
    trained_on = [list(examples)[left_out:]] * 3
    return recorded(
        path, logits, labels, ids=list(examples), trained_on=trained_on, classes=classes, model=model
    )


def of(*classes, folders=False):
    """Four examples of each class; with folders their ids begin with its name."""
    return {
        f"{name}/{i}" if folders else f"{at}-{i}": name for at, name in enumerate(classes) for i in range(4)
    }


def noted(tmp_path, old, new):
    """Without the last note, on what the trials can show, which `test_resolution` is about."""
    *about, last = diff(version(tmp_path / "old", old), version(tmp_path / "new", new)).notes
    assert last.startswith("Between 3 and 3 trials")
    return tuple(about)


def test_a_class_with_another_name_is_renamed_and_not_relabelled(tmp_path):
    notes = noted(tmp_path, of("ant", "cat", "dog"), of("ant", "kitty", "dog"))
    assert notes == ("cat is called kitty in the new version (4 examples).",)


def test_labels_that_changed_beside_a_new_name_are_counted(tmp_path):
    new = of("ant", "kitty", "dog") | {"0-1": "dog", "0-2": "dog"}
    assert noted(tmp_path, of("ant", "cat", "dog"), new) == (
        "cat is called kitty in the new version (4 examples).",
        "2 of the examples in both have another class in the new version.",
    )


def test_a_class_put_between_others_shifts_indices_and_nothing_else(tmp_path):
    old = version(tmp_path / "old", of("ant", "cat"))
    new = version(tmp_path / "new", of("ant", "cat") | {f"b-{i}": "bee" for i in range(3)})
    assert old.classes.index("cat") != new.classes.index("cat")
    found = diff(old, new)
    assert found.notes == ()
    assert (found.num("came"), found.num("went"), found.num_common) == (3, 0, 8)
    both = found.table()[found.table()["change"] == "unchanged"]
    assert (both["class"] == both["old_class"]).all()


def test_positions_in_another_order_are_doubted(tmp_path):
    names = ["ant", "bee"] * 6
    notes = noted(tmp_path, dict(enumerate(names)), dict(enumerate(names[::-1])))
    assert notes == (
        "12 of the examples in both have another class in the new version. Where ids are positions, another "
        "order does that: match them --by pixels then.",
    )
    few = noted(tmp_path / "few", dict(enumerate(names)), {**dict(enumerate(names)), 0: "bee"})
    assert few == ("1 of the examples in both have another class in the new version.",)


def test_recordings_that_were_made_differently(tmp_path):
    examples = of("ant", "cat")
    old = version(tmp_path / "old", examples, model="mine")
    assert diff(old, version(tmp_path / "same", examples)).notes[:-1] == ()
    new = version(tmp_path / "new", examples, model="mine", epochs=2, left_out=2)
    assert diff(old, new).notes[:2] == (
        "The old version was recorded for 1 epoch, the new one for 2.",
        "Trials of the old version were trained on 100.0\N{NO-BREAK SPACE}% of their examples, of the new "
        "one on 75.0\N{NO-BREAK SPACE}%; examples left out are harder.",
    )
    other = version(tmp_path / "other", examples, model="another")
    with pytest.raises(BadInput, match=r"different networks \(mine, another\)"):
        diff(old, other)


def test_a_renamed_folder_has_other_ids(tmp_path):
    notes = noted(tmp_path, of("ant", "cat", folders=True), of("ant", "kitty", folders=True))
    assert notes == (
        "Classes went and came as a whole (cat; kitty): where a folder was renamed, its examples have other "
        "ids. Match them --by pixels then.",
    )


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
