"""Wide residual networks for small images (Zagoruyko and Komodakis 2016, arXiv 1605.07146)."""

from __future__ import annotations

from collections import OrderedDict

from torch import Tensor, nn
from torch.nn.functional import relu

from easiness.models.layers import classifying


class Block(nn.Module):
    """Pre-activation block: BN, ReLU, 3x3 conv, BN, ReLU, 3x3 conv, added to the shortcut.

    Where channels or size change, the shortcut is a 1x1 convolution of the activated input (option B).
    """

    def __init__(self, num_in: int, num_out: int, stride: int) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(num_in)
        self.conv1 = nn.Conv2d(num_in, num_out, 3, stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(num_out)
        self.conv2 = nn.Conv2d(num_out, num_out, 3, padding=1, bias=False)
        changes = num_in != num_out or stride != 1
        self.shortcut = nn.Conv2d(num_in, num_out, 1, stride, bias=False) if changes else None

    def forward(self, x: Tensor) -> Tensor:
        """[b, num_in, h, w] to [b, num_out, h / stride, w / stride], rounded up."""
        active = relu(self.bn1(x), inplace=True)
        out: Tensor = self.conv2(relu(self.bn2(self.conv1(active)), inplace=True))
        # In place: no backward pass needs what a convolution gave.
        return out.add_(x if self.shortcut is None else self.shortcut(active))


def wrn(input_shape: tuple[int, ...], num_classes: int, depth: int, width: int) -> nn.Sequential:
    """WRN-``depth``-``width``: three stages of (depth - 4) / 6 blocks.

    The stages have 16, 32 and 64 times ``width`` channels. Takes [b, c, h, w] with sides of at least 4,
    gives logits [b, num_classes]. No dropout. Initialized by `he_normal_`. WRN 16-4 with 3 channels and
    10 classes has 2,748,890 parameters.
    """
    num_blocks = (depth - 4) // 6
    num_in = 16
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    layers["conv"] = nn.Conv2d(input_shape[0], num_in, 3, padding=1, bias=False)
    for i in range(3):
        num_out = 16 * 2**i * width
        stage = nn.Sequential()
        for j in range(num_blocks):
            stage.append(Block(num_in, num_out, stride=2 if i > 0 and j == 0 else 1))
            num_in = num_out
        layers[f"stage{i + 1}"] = stage
    layers["bn"] = nn.BatchNorm2d(num_in)
    layers["relu"] = nn.ReLU(inplace=True)
    return classifying(layers, num_in, num_classes)
