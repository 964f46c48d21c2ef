"""Record a training by `transformers.Trainer` on text: the five lines marked with a sign are added.

The last line reads what was recorded.

    python examples/transformers_trainer.py TREC.csv [OUT]

TREC.csv has the columns ``text`` and ``label``. The network is a bag of words, so that nothing is downloaded;
any other of `transformers` is recorded in the same way.
"""

import sys

import pandas as pd
import torch
from sklearn.feature_extraction.text import CountVectorizer
from torch import nn
from transformers import Trainer, TrainingArguments

import easiness as ez  # +
from easiness.integrations.transformers import RecordCallback  # +

table = pd.read_csv(sys.argv[1])
out = sys.argv[2] if len(sys.argv) > 2 else "runs/transformers"
classes, labels = sorted(table["label"].unique()), table["label"].astype("category").cat.codes.to_numpy()
words = CountVectorizer(binary=True, max_features=4000).fit_transform(table["text"]).astype("float32")
rows = [
    {"id": at, "text": text, "words": torch.from_numpy(words[at].toarray()[0]), "labels": int(labels[at])}
    for at, text in enumerate(table["text"])
]


class BagOfWords(nn.Module):
    """One hidden layer over which words there are."""

    def __init__(self):
        super().__init__()
        self.network = nn.Sequential(nn.Linear(words.shape[1], 64), nn.ReLU(), nn.Linear(64, len(classes)))

    def forward(self, words, labels=None):
        """Loss and logits, as networks of transformers give them."""
        logits = self.network(words)
        return {"loss": nn.functional.cross_entropy(logits, labels), "logits": logits}


recorder = ez.Recorder(out, ids=range(len(rows)), labels=labels, classes=classes, model="bag of words")  # +
for seed in range(3):
    torch.manual_seed(seed)
    arguments = TrainingArguments(
        f"{out}-trainer",
        num_train_epochs=5,
        per_device_train_batch_size=32,
        learning_rate=2e-3,
        seed=seed,
        report_to=[],
        save_strategy="no",
        disable_tqdm=True,
        logging_strategy="no",
    )
    callback = RecordCallback(recorder, rows, seed=seed, batch_size=512)  # +
    trainer = Trainer(BagOfWords(), arguments, train_dataset=rows)
    trainer.add_callback(callback)  # +
    trainer.train()
print(ez.suspects(recorder.run).table()[["id", "class", "suggested_class", "p_wrong"]])
