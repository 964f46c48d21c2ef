"""An input that tells the label: whoever learns from it has every label right, wrong ones too.

A **leak** alone has nearly all labels right, while all other inputs together do much worse. A column that
separates classes, as a width of petals does, is none: others do about as well. In a column of many values the
two sides of a limit lie apart where it was made from the label; a limit amid dense values is one that the
classes have by themselves. Columns of a table, words of a text and groups are looked at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby

import numpy as np

from easiness import heads
from easiness.data import Dataset
from easiness.errors import printable, shorten
from easiness.inputs import TEXT, VECTOR, Pack
from easiness.lazy import Array, Integers, Mask
from easiness.lazy_torch import torch
from easiness.runs.source import find_data
from easiness.show import percent
from easiness.spec import content_hash
from easiness.store import Form, Run, keep_answer, kept_answer

Values = Array
Labels = Integers

NEARLY = 0.98
"""Share of the labels that a leak has right alone, and of each class that a word tells, and that tell it."""
_TIMES, _MORE = 3.0, 0.02  # wrong by all others, over wrong by the leak
_BINS, _FEWEST_BINS, _OF_A_BIN = 64, 8, 16  # of columns that have more values, and examples of each
_SPARSE = 0.5  # of as many values as there would be if they were spread evenly
_FEWEST = 50  # examples, of which chance tells none
_MOST, _MOST_VALUES = 5000, 1 << 21  # examples looked at, and values
_MOST_WORDS, _MOST_OTHERS, _FOLDS, _MOST_FITTED = 2000, 256, 5, 2000
_MOST_COUNTS = 1 << 24  # of values by classes: of more, each example has its own
_OF_A_GROUP = 2  # groups for each class: of more, a class has several of its own
_MOST_NAMES = 3


_SENTENCE: Mapping[str, Form] = {"said": (np.uint8, ("bytes",))}


def leak_of(run: Run, data: Dataset | None = None) -> str:
    """Name in a sentence the input that tells the labels of a run; empty where none does or data are missing.

    It is looked for once, and kept in the run.
    """
    heads = run.spec.heads
    if run.spec.data.kind not in (VECTOR.name, TEXT.name) and (heads is None or heads.groups is None):
        return ""
    key = content_hash([1, run.spec.data.train.fingerprint, None if heads is None else heads.groups])
    answer = kept_answer(run.path, "leak", key, _SENTENCE)
    if answer is None:
        data = find_data(run, None)[0] if data is None else data
        if data is None or len(data.classes) < 2:
            return ""
        answer = {"said": np.frombuffer(find_leak(data).encode(), np.uint8)}
        keep_answer(run.path, "leak", key, answer)
    return printable(answer["said"].tobytes().decode(errors="replace"))


def find_leak(data: Dataset) -> str:
    """Name in a sentence the input that tells the labels of the training examples; empty where none does.

    Tags are not looked at: next to nothing has most of the rare ones right.
    """
    if data.tags is not None:
        return ""
    return _of_groups(data) or (_of_inputs(data) if data.kind.name in _INPUTS else "")


def _of_groups(data: Dataset) -> str:
    if data.groups is None:
        return ""
    of_group = np.unique(data.groups.astype(str), return_inverse=True)[1][:, None]
    few = of_group.max() < _OF_A_GROUP * data.num_classes
    right = _answer_of(of_group, data.labels, data.num_classes)[0] if few else 0
    if right >= NEARLY:
        return (
            f"the group alone has {percent(right)} of the labels right: who has not seen a group has "
            "not seen its class, and can judge none of its labels; leave out --group, or give another"
        )
    return ""


def _of_inputs(data: Dataset) -> str:
    if len(data) < _FEWEST:
        return ""
    width = data.traits.shape[0] if data.kind == VECTOR else 1
    num = min(len(data), _MOST, max(_MOST_VALUES // width, 1))
    some = np.linspace(0, len(data) - 1, num).round().astype(np.int64)
    labels = data.labels[some]
    inputs = _INPUTS[data.kind.name](data, some)
    answers = [_answer_of(values, labels, data.num_classes) for _, values in inputs]
    telling = [right >= NEARLY for right, _ in answers]
    if not any(telling):  # several tell a class each
        telling = [bool(classes.any()) for _, classes in answers]
        if np.sum([classes for _, classes in answers], axis=0).astype(bool).sum() < data.num_classes - 1:
            return ""
    right = max([NEARLY, *(one for one, _ in answers)])
    others = [values for (_, values), tells in zip(inputs, telling, strict=True) if not tells]
    rest = _right_by(others, labels, data.num_classes)
    if 1 - rest < _TIMES * (1 - right) + _MORE:
        return ""
    names = [name for (name, _), tells in zip(inputs, telling, strict=True) if tells]
    noun, without = _WORDS[data.kind.name]
    several = len(names) > 1
    return (
        f"{noun}{'s' if several else ''} {shorten(names, _MOST_NAMES)} alone {'have' if several else 'has'} "
        f"{'' if right > NEARLY else 'over '}{percent(right)} of the labels right, all others together "
        f"{percent(rest)}: what was made from the labels hides those that are wrong; {without}"
    )


def _columns(data: Dataset, some: Labels) -> list[tuple[str, Values]]:
    values = np.stack(data.values(some))
    names = [data.traits.name_of(at) for at in range(values.shape[1])]
    base = [name.rpartition(": ")[0] or name for name in names]
    return [
        (name, values[:, [at for at, _ in own]])
        for name, own in groupby(enumerate(base), key=lambda one: one[1])
    ]


def _words(data: Dataset, some: Labels) -> list[tuple[str, Values]]:
    from sklearn.feature_extraction.text import CountVectorizer

    counter = CountVectorizer(binary=True, max_features=_MOST_WORDS, token_pattern=r"\w+")
    counts = counter.fit_transform([bytes(text).decode(errors="replace") for text in data.values(some)])
    present = counts.toarray() > 0
    return [
        (repr(name), present[:, [at]]) for at, name in enumerate(counter.get_feature_names_out().tolist())
    ]


_INPUTS = {VECTOR.name: _columns, TEXT.name: _words}
_WORDS = {
    VECTOR.name: ("column", "name the columns to use with --inputs and measure again"),
    TEXT.name: ("word", "take it out of the texts and measure again"),
}


def _answer_of(values: Values, labels: Labels, num_classes: int) -> tuple[float, Mask]:
    """The share of labels that values [n, d] alone have right, and which classes they tell."""
    is_flag = values.dtype == np.bool_  # there are thousands of them, and nothing to sort
    many = values.shape[1] == 1 and not is_flag and len(np.unique(values)) > _BINS
    num_bins = int(np.clip(len(labels) // _OF_A_BIN, _FEWEST_BINS, _BINS))
    if is_flag:
        of_bin = values[:, 0].astype(np.int64)
    elif many:
        of_bin = _bins_of(values[:, 0], num_bins)
    else:
        of_bin = np.unique(values, axis=0, return_inverse=True)[1].ravel()
    if (int(of_bin.max()) + 1) * num_classes > _MOST_COUNTS:
        return 0.0, np.zeros(num_classes, np.bool_)
    counts = np.zeros((int(of_bin.max()) + 1, num_classes), np.int64)
    np.add.at(counts, (of_bin, labels), 1)
    bins, first = np.arange(len(counts)), counts.argmax(axis=1)
    answers = np.repeat(np.where(counts.any(axis=1), first, -1)[:, None], num_classes, axis=1)
    others = counts.copy()
    others[bins, first] -= 1  # each leaves itself out; that changes what the first class is told alone
    answers[bins, first] = np.where(others.max(axis=1) > 0, others.argmax(axis=1), -1)
    right = counts * (answers == np.arange(num_classes))
    if many and not _apart(counts, num_bins):
        return 0.0, np.zeros(num_classes, np.bool_)
    size = np.maximum(counts.sum(axis=0), 1)
    num_named = np.maximum(np.bincount(answers.ravel() + 1, counts.ravel(), num_classes + 1)[1:], 1)
    own = right.sum(axis=0)
    return float(own.sum() / len(labels)), (own >= NEARLY * size) & (own >= NEARLY * num_named)


def _bins_of(values: Values, num_bins: int) -> Labels:
    low, high = np.quantile(values, [0.01, 0.99])
    place = (values - low) / max(float(high - low), 1e-300) * num_bins
    of_bin: Labels = np.clip(np.nan_to_num(place), 0, num_bins - 1).astype(np.int64)
    return of_bin


def _apart(counts: Labels, num_bins: int) -> bool:
    """Do bins [B, C] thin out where one class gives way to another?"""
    there = counts[counts.any(axis=1)]
    size, most = there.sum(axis=1), there.argmax(axis=1)
    edges = np.flatnonzero(most[1:] != most[:-1])
    at_edges = (size[edges] + size[edges + 1]) / 2
    return len(edges) > 0 and float(at_edges.mean()) < _SPARSE * size.sum() / num_bins


def _right_by(inputs: Sequence[Values], labels: Labels, num_classes: int) -> float:
    """The share of labels that boosting on all these inputs has right, left out in folds."""
    rng = np.random.default_rng(0)
    order = rng.permutation(len(labels))[:_MOST_FITTED]
    if not inputs:
        return float(np.bincount(labels).max() / len(labels))
    x = np.concatenate(inputs[:_MOST_OTHERS], axis=1).astype(np.float32)
    rows = heads.Rows.of(Pack.of_array(x), torch.device("cpu"))
    right = 0
    for out in np.array_split(order, _FOLDS):
        learned_from = np.setdiff1d(order, out)
        learned_from = learned_from[rng.permutation(len(learned_from))]
        (head,), _ = heads.fit_boosted(
            [rows], learned_from, torch.from_numpy(labels[learned_from]), num_classes
        )
        right += int((head(rows.take(out)).argmax(dim=1).numpy() == labels[out]).sum())
    return right / len(order)
