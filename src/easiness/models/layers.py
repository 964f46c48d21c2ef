"""What networks share: the end and the beginning of the convolutional ones, and grey images for all."""

from __future__ import annotations

from collections import OrderedDict

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


def classifying(layers: OrderedDict[str, nn.Module], num_in: int, num_classes: int) -> nn.Sequential:
    """The ``layers``, which give [b, num_in, h, w], then the mean over pixels and a linear classifier.

    Initialized by `he_normal_`.
    """
    layers["pool"] = nn.AdaptiveAvgPool2d(1)
    layers["flatten"] = nn.Flatten()
    layers["classifier"] = nn.Linear(num_in, num_classes)
    net = nn.Sequential(layers)
    he_normal_(net)
    return net


def he_normal_(net: nn.Module) -> None:
    """Initialize in place as the authors of WRN, DenseNet and ResNeXt do.

    Convolutions: normal with variance 2 / fan_out (He et al. 2015), fan_out being the output channels
    times the kernel's area, over all groups. Batch normalization: scale 1, shift 0. Linear layers:
    bias 0, weights as PyTorch draws them. Draws from torch's global generator, in the order of modules.
    """
    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.ones_(module.weight)
            nn.init.zeros_(module.bias)
        elif isinstance(module, nn.Linear):
            nn.init.zeros_(module.bias)
