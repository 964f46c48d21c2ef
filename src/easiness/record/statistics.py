"""Per-example statistics of a batch of logits: everything a score needs, in a few numbers."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt


class Statistics(NamedTuple):
    """One value per example of a batch, shapes [b]; p is the softmax of the logits."""

    prediction: npt.NDArray[np.int32]  # argmax of the logits, the first of equals
    loss: npt.NDArray[np.float32]  # -log p_label, so that p_label is exp(-loss)
    margin: npt.NDArray[np.float32]  # z_label - the largest other logit
    error_norm: npt.NDArray[np.float32]  # ||p - onehot(label)||_2, in [0, sqrt(2)]
    entropy: npt.NDArray[np.float32]  # -sum p log p, in nats


def to_numpy(values: Any) -> npt.NDArray[Any]:
    """An array from NumPy, a torch tensor on any device, or a sequence; half precision becomes float32.

    Widening is exact, so an argmax after it is the argmax of the values as they were given.
    """
    if hasattr(values, "detach"):
        values = values.detach()
        if values.is_floating_point() and values.element_size() < 4:
            values = values.float()
        values = values.cpu().numpy()
    array = np.asarray(values)
    return array.astype(np.float32) if array.dtype == np.float16 else array


def example_statistics(logits: npt.NDArray[np.floating[Any]], labels: npt.NDArray[np.int64]) -> Statistics:
    """Statistics of finite ``logits`` [b, classes] (at least two) against ``labels`` [b].

    Computed in float64 and rounded once, so that a loss near zero keeps its digits.
    """
    prediction = logits.argmax(axis=1).astype(np.int32)
    rows = np.arange(len(labels))
    shifted = logits.astype(np.float64)
    shifted -= shifted.max(axis=1, keepdims=True)
    p = np.exp(shifted)
    total = p.sum(axis=1)
    p /= total[:, None]
    log_total = np.log(total)
    of_label = shifted[rows, labels]
    entropy = np.maximum(log_total - (p * shifted).sum(axis=1), 0.0)
    p[rows, labels] -= 1
    error_norm = np.sqrt(np.einsum("bc,bc->b", p, p))
    shifted[rows, labels] = -np.inf
    margin = of_label - shifted.max(axis=1)
    as_float32 = [a.astype(np.float32) for a in (log_total - of_label, margin, error_norm, entropy)]
    return Statistics(prediction, *as_float32)
