"""How the convolutional families begin."""

from __future__ import annotations

from torch import nn


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
