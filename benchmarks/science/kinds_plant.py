"""Examples that are hard for a known reason, planted among real ones, and the runs that learn from them."""

from __future__ import annotations

import numpy as np

from easiness import load_dataset, measure

KINDS = ("wrong label", "between two classes", "rare", "unlike its class")
NONE = "none"
BLEND = (0.4, 0.6)  # the share of the first picture
GRAINS = (1, 2, 4, 8)  # sides in pixels of the blocks of noise
TURNS = (
    lambda x: x[::-1],
    lambda x: x.transpose(1, 0, 2),
    lambda x: np.rot90(x, 1),
    lambda x: np.rot90(x, 2),
)
COLORS = (
    lambda x: 255 - x,
    lambda x: x[..., [1, 2, 0]],
    lambda x: 255 - x[..., [2, 0, 1]],
)


def planted(source, examples, each, seed):
    """A `Dataset` of ``examples`` pictures, and the planted kind of each [examples].

    ``each`` pictures of each kind: the label flipped to any other; a blend with a picture of another class,
    under either's label; turned and in other colors, in each class in a way of its own, so that a tenth of
    ``each`` is alike; and noise of several grains, under any label.
    """
    rng = np.random.default_rng([seed, 0x6B696E64])
    whole = load_dataset(source)
    data = whole.limit(examples, seed=seed)
    x = np.stack(data.values(np.arange(len(data))))
    if x.shape[3] == 1:
        x = np.repeat(x, 3, axis=3)
    y, original = data.labels.copy(), x.copy()
    num_classes, kinds = data.num_classes, np.full(len(data), NONE, object)
    order = rng.permutation(len(data))
    rare = np.concatenate([order[y[order] == c][: each // num_classes] for c in range(num_classes)])
    order = order[~np.isin(order, rare)]
    flipped, blended, noise = order[: 3 * each].reshape(3, each)
    for name, where in zip(KINDS, (flipped, blended, rare, noise), strict=True):
        kinds[where] = name
    y[flipped] = (y[flipped] + rng.integers(1, num_classes, each)) % num_classes
    for at in blended:
        other = rng.choice(np.flatnonzero(data.labels != data.labels[at]))
        share = rng.uniform(*BLEND)
        x[at] = np.rint(share * original[at] + (1 - share) * original[other])
        y[at] = rng.choice([data.labels[at], data.labels[other]])
    for at in rare:
        x[at] = COLORS[y[at] % len(COLORS)](TURNS[y[at] % len(TURNS)](x[at]))
    for at in noise:
        x[at] = noisy(rng, x.shape[1])
        y[at] = rng.integers(num_classes)
    return load_dataset((x, y), classes=data.classes), kinds


def noisy(rng, side):
    """A picture [side, side, 3] of noise: its grain, mean color and contrast are drawn."""
    grain = rng.choice(GRAINS)
    cells = -(-side // grain)
    values = rng.uniform(40, 215, 3) + rng.uniform(20, 90) * rng.standard_normal((cells, cells, 3))
    pixels = values.repeat(grain, axis=0).repeat(grain, axis=1)[:side, :side]
    return np.clip(np.rint(pixels), 0, 255).astype(np.uint8)


def trained(data, out, model, trials, epochs):
    """The run that learns from planted examples; it goes on where it was stopped."""
    return measure(
        data,
        model=model,
        trials=trials,
        epochs=epochs,
        out=out,
        precision="float32",
        executor="serial",
        compile="off",
    ).first(trials)
