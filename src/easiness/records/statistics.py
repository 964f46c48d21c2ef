"""Per-example statistics of a batch of logits: everything a score needs, in a few numbers."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from easiness.errors import BadInput

CLASSES = ("prediction", "rival")
"""The statistics that are classes, int32; the others are float32."""

_FEW_CLASSES = 64  # at most 255, since a class's rank is a byte
_LOGITS_PER_BLOCK = 65_536  # so that a block's float64 arrays stay in the cache


LARGEST = 1e37
"""Of a logit: losses and margins, which are differences of logits, are kept in single precision."""


def can_be_kept(logits: npt.NDArray[np.floating[Any]]) -> bool:
    """Are all logits [b, classes] finite, and none beyond `LARGEST`?"""
    return not logits.size or bool(-LARGEST <= logits.min() <= logits.max() <= LARGEST)


class Statistics(NamedTuple):
    """One value per example of a batch, shapes [b]; p is the softmax of the logits."""

    prediction: npt.NDArray[np.int32]  # argmax of the logits, the first of equals
    loss: npt.NDArray[np.float32]  # -log p_label, so that p_label is exp(-loss)
    margin: npt.NDArray[np.float32]  # z_label - the largest other logit
    error_norm: npt.NDArray[np.float32]  # ||p - onehot(label)||_2, in [0, sqrt(2)]
    entropy: npt.NDArray[np.float32]  # -sum p log p, in nats
    rival: npt.NDArray[np.int32]  # the class of the largest other logit, the first of equals

    @classmethod
    def empty(cls, num: int) -> Statistics:
        """Of ``num`` examples, to be filled."""
        return cls._make(np.empty(num, np.int32 if name in CLASSES else np.float32) for name in cls._fields)


def to_numpy(values: Any) -> npt.NDArray[Any]:
    """An array from NumPy, a torch tensor on any device, or a sequence; half precision becomes float32.

    Widening is exact, so an argmax after it is the argmax of the values as they were given.
    """
    if hasattr(values, "detach"):
        values = values.detach()
        if values.is_floating_point() and values.element_size() < 4:
            values = values.float()
        values = values.cpu().numpy()
    try:
        array = np.asarray(values)
    except ValueError:
        raise BadInput("an array: has rows of several lengths; give one length to all") from None
    return array.astype(np.float32) if array.dtype == np.float16 else array


def known_rival(
    prediction: npt.NDArray[np.int32], labels: npt.NDArray[np.integer[Any]]
) -> npt.NDArray[np.int32]:
    """The rival where it was not recorded, as far as predictions [..., b] tell: -1 where they are right."""
    return np.where(prediction != labels, prediction, np.int32(-1))


def example_statistics(logits: npt.NDArray[np.floating[Any]], labels: npt.NDArray[np.int64]) -> Statistics:
    """Statistics of finite ``logits`` [b, classes] (at least two) against ``labels`` [b].

    Computed in float64 and rounded once, so that a loss near zero keeps its digits. Those of an example
    are the same bit by bit in any batch.
    """
    num, num_classes = logits.shape
    if num == 1:  # alone it would be summed in another order than beside others
        pair = example_statistics(logits.repeat(2, axis=0), labels.repeat(2))
        return Statistics._make(values[:1] for values in pair)
    out = Statistics.empty(num)
    num_blocks = -(-num // max(4, _LOGITS_PER_BLOCK // num_classes))
    # blocks of nearly equal sizes, so that none is of one example
    bounds = [num * block // num_blocks for block in range(num_blocks)] + [num]
    for block in map(slice, bounds, bounds[1:]):
        _fill(Statistics._make(values[block] for values in out), logits[block], labels[block])
    return out


def _fill(out: Statistics, logits: npt.NDArray[np.floating[Any]], labels: npt.NDArray[np.int64]) -> None:
    """Write a block's statistics to ``out``; ``z`` is [classes, b]."""
    num, num_classes = logits.shape
    few = num_classes <= _FEW_CLASSES
    rows = np.arange(num)
    # a row a class where there are few, so that every operation runs along the many examples
    z = logits.T.astype(np.float64, order="C" if few else "F")
    of_label = labels * num + rows if few else labels + rows * num_classes
    z -= z.max(axis=0)
    if few:
        rank = np.arange(num_classes, 0, -1, dtype=np.uint8)[:, None]
        out.prediction[:] = num_classes - ((z == 0) * rank).max(axis=0)  # the first of equals ranks highest
    else:
        out.prediction[:] = logits.argmax(axis=1)
    # exp(z) is p times its total: dividing last, once per example, spares a pass over all classes
    p_total = np.exp(z)
    total = p_total.sum(axis=0)
    log_total = np.log(total)
    z_flat, p_flat = z.reshape(-1, order="A"), p_total.reshape(-1, order="A")
    z_label = z_flat[of_label]
    out.loss[:] = log_total - z_label
    out.entropy[:] = np.maximum(log_total - np.einsum("cb,cb->b", p_total, z) / total, 0.0)
    p_flat[of_label] -= total
    out.error_norm[:] = np.sqrt(np.einsum("cb,cb->b", p_total, p_total)) / total
    z_flat[of_label] = -np.inf
    if few:
        z_rival = z.max(axis=0)
        out.rival[:] = num_classes - ((z == z_rival) * rank).max(axis=0)
    else:
        out.rival[:] = rival = z.argmax(axis=0)
        z_rival = z_flat[rival + rows * num_classes]
    out.margin[:] = z_label - z_rival
