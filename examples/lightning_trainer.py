"""Record a Lightning training: the five lines marked with a sign are added, the last reads what was recorded.

python examples/lightning_trainer.py [OUT]
"""

import sys

import torch
from lightning.pytorch import LightningModule, Trainer, seed_everything
from sklearn.datasets import load_digits
from torch import nn

import easiness as ez  # +
from easiness.integrations.lightning import RecordCallback  # +

data = load_digits()  # stands for data of yours: inputs, labels and an id for each
x, y = torch.from_numpy(data.data[:600]).float() / 16, torch.from_numpy(data.target[:600])
ids = torch.arange(len(x))
train = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, y), 32, shuffle=True)


class Module(LightningModule):
    """Two layers."""

    def __init__(self):
        super().__init__()
        self.network = nn.Sequential(nn.Linear(x.shape[1], 64), nn.ReLU(), nn.Linear(64, 10))

    def forward(self, x):
        """Logits."""
        return self.network(x)

    def training_step(self, batch, _):
        """The loss of a batch."""
        return nn.functional.cross_entropy(self(batch[0]), batch[1])

    def configure_optimizers(self):
        """Adam."""
        return torch.optim.Adam(self.parameters(), 0.003)


out = sys.argv[1] if len(sys.argv) > 1 else "runs/lightning"
recorder = ez.Recorder(out, ids=ids, labels=y, model="two layers")  # +
looked_at = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(ids, x), 256)  # +
for seed in range(3):
    seed_everything(seed, verbose=False)
    quiet = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False}
    trainer = Trainer(
        max_epochs=5,
        accelerator="cpu",
        enable_checkpointing=False,
        callbacks=[RecordCallback(recorder, looked_at, seed=seed)],  # +
        **quiet,
    )
    trainer.fit(Module(), train)
print(ez.suspects(recorder.run).table()[["id", "class", "suggested_class", "p_wrong"]])
