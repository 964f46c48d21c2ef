"""Record from a training loop of your own, in plain PyTorch: the five lines marked with a sign are added.

python examples/plain_torch.py [OUT]
"""

import sys

import torch
from torch import nn

import easiness as ez

data = ez.load_dataset("digits", limit=600)  # stands for data of yours: images, labels and an id for each
x, y = data.images.flatten(1).float() / 255, torch.from_numpy(data.labels)

out = sys.argv[1] if len(sys.argv) > 1 else "runs/plain"
recorder = ez.Recorder(out, ids=data.ids, labels=y, classes=data.classes, model="two layers")  # +
for seed in range(3):
    torch.manual_seed(seed)
    network = nn.Sequential(nn.Linear(x.shape[1], 64), nn.ReLU(), nn.Linear(64, data.num_classes))
    optimizer = torch.optim.Adam(network.parameters(), 0.003)
    with recorder.trial(seed=seed) as trial:  # +
        for _ in range(5):
            for batch in torch.randperm(len(x)).split(32):
                optimizer.zero_grad()
                nn.functional.cross_entropy(network(x[batch]), y[batch]).backward()
                optimizer.step()
            with torch.no_grad():  # +
                trial.update(data.ids, network(x))  # +
            trial.end_epoch()  # +
print(ez.suspects(recorder.run).table()[["id", "class", "suggested_class", "p_wrong"]])
