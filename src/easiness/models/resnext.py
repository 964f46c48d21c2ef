"""ResNeXt for small images (Xie et al. 2017, arXiv 1611.05431, section 5.3)."""

from __future__ import annotations

from collections import OrderedDict

from torch import Tensor, nn
from torch.nn.functional import relu

from easiness.models.layers import classifying


class Block(nn.Module):
    """1x1 conv to ``num_inner``, grouped 3x3 conv, 1x1 conv, each with BN; added to the shortcut, then ReLU.

    Where channels or size change, the shortcut is a 1x1 convolution with BN (option B).
    """

    def __init__(self, num_in: int, num_inner: int, num_out: int, cardinality: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(num_in, num_inner, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(num_inner)
        self.conv2 = nn.Conv2d(num_inner, num_inner, 3, stride, padding=1, groups=cardinality, bias=False)
        self.bn2 = nn.BatchNorm2d(num_inner)
        self.conv3 = nn.Conv2d(num_inner, num_out, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(num_out)
        self.shortcut = None
        if num_in != num_out or stride != 1:
            self.shortcut = nn.Sequential(
                OrderedDict(
                    conv=nn.Conv2d(num_in, num_out, 1, stride, bias=False), bn=nn.BatchNorm2d(num_out)
                )
            )

    def forward(self, x: Tensor) -> Tensor:
        """[b, num_in, h, w] to [b, num_out, h / stride, w / stride], rounded up."""
        inner = relu(self.bn1(self.conv1(x)), inplace=True)
        inner = relu(self.bn2(self.conv2(inner)), inplace=True)
        out: Tensor = self.bn3(self.conv3(inner))
        # In place: no backward pass needs what batch normalization gave.
        return relu(out.add_(x if self.shortcut is None else self.shortcut(x)), inplace=True)


def resnext(
    input_shape: tuple[int, ...],
    num_classes: int,
    depth: int,
    cardinality: int,
    width: int,
    base: int = 64,
) -> nn.Sequential:
    """ResNeXt-``depth``, ``cardinality`` x ``width`` d: three stages of (depth - 2) / 9 blocks.

    The stages give 4, 8 and 16 times ``base`` channels (256, 512 and 1024); their grouped convolutions
    have ``cardinality`` groups of 1, 2 and 4 times ``width`` channels. Takes [b, c, h, w] with sides of
    at least 4, gives logits [b, num_classes]. Initialized by `he_normal_`. ResNeXt-29, 4x64d with 3
    channels and 10 classes has 17,562,442 parameters.
    """
    num_blocks = (depth - 2) // 9
    num_in = base
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    layers["conv"] = nn.Conv2d(input_shape[0], num_in, 3, padding=1, bias=False)
    layers["bn"] = nn.BatchNorm2d(num_in)
    layers["relu"] = nn.ReLU(inplace=True)
    for i in range(3):
        num_out = 4 * base * 2**i
        num_inner = cardinality * width * 2**i
        stage = nn.Sequential()
        for j in range(num_blocks):
            stride = 2 if i > 0 and j == 0 else 1
            stage.append(Block(num_in, num_inner, num_out, cardinality, stride))
            num_in = num_out
        layers[f"stage{i + 1}"] = stage
    return classifying(layers, num_in, num_classes)
