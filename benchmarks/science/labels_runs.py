"""The runs behind `labels.py`: trainings on labels of which a known share is wrong.

`uniform` gives an example one of the other classes at random, `pair` the one next to its own. The labels
are written as a CSV file and laid over the source, as a user would. Beside each run the same network is
trained in five folds of a cross-validation, in about as many steps, for what cleanlab needs.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import softmax
from sklearn.model_selection import StratifiedKFold

from easiness import load_dataset
from easiness.data.label_files import relabelled
from easiness.runs.carrying_out import carry_out
from easiness.runs.plan import make_plan
from easiness.spec import Execution, Recording, Training

MODEL, TRIALS, EPOCHS, EXAMPLES, FOLDS = "wrn_16_1", 5, 10, 10_000, 5
FOLD_EPOCHS = 13  # 8,000 of 10,000 examples: 12.5 epochs are as many steps in all; cleanlab gets the rest
SEED = 20  # of the planted labels


@dataclass(frozen=True)
class Cell:
    """A kind of noise and how many in a hundred labels it makes wrong."""

    noise: str
    percent: int

    @property
    def name(self) -> str:
        """As in names of folders."""
        return f"{self.noise}-{self.percent}"


CELLS = tuple(Cell(noise, percent) for noise in ("uniform", "pair") for percent in (5, 20, 40))
CLEAN = Cell("uniform", 0)
RECIPES = ("short", "paper")


def planted(labels, num_classes, cell, seed=SEED):
    """The labels [n] with a share of them wrong, the same number of every class."""
    random = np.random.default_rng(np.random.SeedSequence([seed, cell.percent, cell.noise == "pair"]))
    wrong = labels.copy()
    for one in range(num_classes):
        of_class = np.flatnonzero(labels == one)
        chosen = random.choice(of_class, round(len(of_class) * cell.percent / 100), replace=False)
        step = 1 if cell.noise == "pair" else random.integers(1, num_classes, len(chosen))
        wrong[chosen] = (one + step) % num_classes
    return wrong


def examples(source):
    """The examples with their own labels, without a held-out split."""
    return replace(load_dataset(source), held_out=None).limit(EXAMPLES)


def noisy(source, cell, folder):
    """The labels as they were [n], and the examples with those of a cell over them."""
    data = examples(source)
    file = folder / f"{cell.name}.csv"
    return data.labels, laid_over(data, cell, file)


def laid_over(data, cell, file):
    """The examples with the labels of a cell over their own, from a file that is written if it is missing."""
    if not file.exists():
        labels = planted(data.labels, data.num_classes, cell)
        rows = "".join(f"{name},{label}\n" for name, label in zip(data.ids, labels, strict=True))
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("id,label\n" + rows)
    return relabelled(data, file)


def cell_run(source, cell, recipe, folder, train_share=1.0):
    """The labels as they were [n], and the run on those of the cell."""
    true, data = noisy(source, cell, folder)
    training = Training(
        model=MODEL, epochs=EPOCHS, precision="float32", recipe=recipe, train_share=train_share
    )
    recording = Recording(keep_logits=train_share < 1, keep_weights=False)
    out = folder / (f"{cell.name}-{recipe}" + ("" if train_share == 1 else f"-share-{train_share}"))
    return true, _trained(data, training, TRIALS, recording, out)


def cross_validated(source, cell, recipe, folder):
    """Probabilities [n, classes] of every example by a network that has not seen it."""
    _, data = noisy(source, cell, folder)
    splits = StratifiedKFold(FOLDS, shuffle=True, random_state=0).split(np.zeros(len(data)), data.labels)
    probabilities = np.zeros((len(data), data.num_classes))
    for fold, (learned, judged) in enumerate(splits):
        held = replace(data._take(judged), split="test", source=None, limited_to=None)
        part = replace(data._take(learned), source=None, limited_to=None, held_out=held)
        training = Training(model=MODEL, seed=fold, epochs=FOLD_EPOCHS, precision="float32", recipe=recipe)
        recording = Recording(observe="last", keep_logits=True, keep_weights=False)
        run = _trained(part, training, 1, recording, folder / f"{cell.name}-{recipe}-fold-{fold}")
        seen = run.trials[0].observations(data.num_classes, None, "held_out")
        probabilities[judged] = softmax(seen.logits.values[-1].astype(float), axis=1)
    return probabilities


def _trained(data, training, trials, recording, out):
    plan = make_plan(data, training, trials, recording=recording)
    return carry_out(plan, out, Execution(executor="processes", jobs=2, compile="off"))
