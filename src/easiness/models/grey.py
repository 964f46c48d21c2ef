"""Grey images for networks that want three channels."""

from __future__ import annotations

from torch import Tensor, nn


class Grey(nn.Module):
    """Repeats the one channel of its input three times and calls ``net``.

    Takes [b, 1, h, w] and gives what ``net`` gives for [b, 3, h, w]. The names in its state are those of
    ``net`` after ``net.``.
    """

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, x: Tensor) -> Tensor:
        """[b, 1, h, w] to the output of ``net``."""
        output: Tensor = self.net(x.expand(-1, 3, -1, -1))
        return output
