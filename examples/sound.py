"""Record a training on sound: spoken digits as spectrograms. The run keeps them, and its page plays them.

    python examples/sound.py FOLDER [OUT]

FOLDER has a folder a class with WAV files in it, ``7/theo_12.wav``. It needs easiness[sound].
"""

import sys
from pathlib import Path

import numpy as np
import torch
from scipy.io import wavfile
from scipy.signal import spectrogram
from torch import nn

import easiness as ez

folder = Path(sys.argv[1])
files = sorted(folder.glob("*/*.wav"))
classes = sorted({file.parent.name for file in files})
out = sys.argv[2] if len(sys.argv) > 2 else "runs/sound"


def features(file):
    """The logarithm of a spectrogram, at one length: [values]."""
    rate, sound = wavfile.read(file)
    _, _, power = spectrogram(sound[:8000].astype("float32"), rate, nperseg=256, noverlap=128)
    column = np.linspace(0, power.shape[1] - 1, 24).astype(int)  # as long as it takes to say it
    return np.log(power[::4, column] + 1).ravel()


x = torch.from_numpy(np.stack([features(file) for file in files]).astype("float32"))
x = (x - x.mean(0)) / (x.std(0) + 1e-6)
y = torch.tensor([classes.index(file.parent.name) for file in files])
ids = [file.relative_to(folder).as_posix() for file in files]

recorder = ez.Recorder(out, ids=ids, labels=y, classes=classes, sounds=files, model="two layers")
for seed in range(3):
    torch.manual_seed(seed)
    network = nn.Sequential(
        nn.Linear(x.shape[1], 64), nn.ReLU(), nn.Dropout(0.3), nn.Linear(64, len(classes))
    )
    optimizer = torch.optim.Adam(network.parameters(), 1e-3)
    with recorder.trial(seed=seed) as trial:
        for _ in range(5):
            network.train()
            for batch in torch.randperm(len(x)).split(32):
                optimizer.zero_grad()
                nn.functional.cross_entropy(network(x[batch]), y[batch]).backward()
                optimizer.step()
            network.eval()
            with torch.no_grad():
                trial.update(ids, network(x))
            trial.end_epoch()
print(recorder.run.scores().nsmallest(10, "confidence")[["id", "class", "confidence", "predicted"]])
