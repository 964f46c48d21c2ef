"""Record from a training loop of your own, in plain PyTorch: the five lines marked with a sign are added.

The last line reads what was recorded.

python examples/plain_torch.py [OUT]
"""

import sys

import torch
from sklearn.datasets import load_digits
from torch import nn

import easiness as ez  # +

data = load_digits()  # stands for data of yours: inputs, labels and an id for each
x, y = torch.from_numpy(data.data[:600]).float() / 16, torch.from_numpy(data.target[:600])
ids = range(len(x))

out = sys.argv[1] if len(sys.argv) > 1 else "runs/plain"
recorder = ez.Recorder(out, ids=ids, labels=y, model="two layers")  # +
for seed in range(3):
    torch.manual_seed(seed)
    network = nn.Sequential(nn.Linear(x.shape[1], 64), nn.ReLU(), nn.Linear(64, 10))
    optimizer = torch.optim.Adam(network.parameters(), 0.003)
    with recorder.trial(seed=seed) as trial:  # +
        for _ in range(5):
            for batch in torch.randperm(len(x)).split(32):
                optimizer.zero_grad()
                nn.functional.cross_entropy(network(x[batch]), y[batch]).backward()
                optimizer.step()
            trial.update(ids, network(x).detach())  # + (with dropout or the like: in evaluation mode)
            trial.end_epoch()  # +
print(ez.suspects(recorder.run).table()[["id", "class", "suggested_class", "p_wrong"]])
