"""The networks of our own, on pictures, vectors and texts."""

from __future__ import annotations

import math
from collections import OrderedDict

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.functional import relu

from easiness.inputs import WORDS, mix, only_words


def mlp(input_shape: tuple[int, ...], num_classes: int, depth: int = 1, width: int = 512) -> nn.Sequential:
    """``depth`` weight layers: ``depth - 1`` of ``width`` hidden units with ReLU, then the classifier.

    ``depth=3`` is the paper's three-layer MLP; the paper gives no width, 512 is our choice. ``depth=1`` is a
    linear classifier. Takes [b, ...], gives logits [b, num_classes]. Initialized as PyTorch does by default.
    """
    layers: OrderedDict[str, nn.Module] = OrderedDict(flatten=nn.Flatten())
    num_in = math.prod(input_shape)
    for i in range(1, depth):
        layers[f"hidden{i}"] = nn.Linear(num_in, width)
        layers[f"relu{i}"] = nn.ReLU(inplace=True)
        num_in = width
    layers["classifier"] = nn.Linear(num_in, num_classes)
    return nn.Sequential(layers)


class WideBlock(nn.Module):
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
    """WRN-``depth``-``width`` (arXiv 1605.07146): three stages of (depth - 4) / 6 blocks.

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
            stage.append(WideBlock(num_in, num_out, stride=2 if i > 0 and j == 0 else 1))
            num_in = num_out
        layers[f"stage{i + 1}"] = stage
    layers["bn"] = nn.BatchNorm2d(num_in)
    layers["relu"] = nn.ReLU(inplace=True)
    return classifying(layers, num_in, num_classes)


class DenseLayer(nn.Module):
    """BN, ReLU, 1x1 conv to 4 * growth, BN, ReLU, 3x3 conv to growth; appended to the input's channels."""

    def __init__(self, num_in: int, growth: int) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(num_in)
        self.conv1 = nn.Conv2d(num_in, 4 * growth, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(4 * growth)
        self.conv2 = nn.Conv2d(4 * growth, growth, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """[b, num_in, h, w] to [b, num_in + growth, h, w]."""
        narrow = self.conv1(relu(self.bn1(x), inplace=True))
        return torch.cat((x, self.conv2(relu(self.bn2(narrow), inplace=True))), dim=1)


def densenet_bc(input_shape: tuple[int, ...], num_classes: int, depth: int, growth: int) -> nn.Sequential:
    """DenseNet-BC of three stages of (depth - 4) / 6 layers, each adding ``growth`` channels.

    Bottlenecks of four times the growth, compression 0.5, twice the growth at the start (arXiv 1608.06993).
    Takes [b, c, h, w] with sides of at least 4, gives logits [b, num_classes]. No dropout. Initialized
    by `he_normal_`. Depth 100, growth 12 with 3 channels and 10 classes has 769,162 parameters.
    """
    num_layers = (depth - 4) // 6
    num_in = 2 * growth
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    layers["conv"] = nn.Conv2d(input_shape[0], num_in, 3, padding=1, bias=False)
    for i in range(3):
        if i > 0:
            # half the channels (rounded down) at half the size
            between: dict[str, nn.Module] = {"bn": nn.BatchNorm2d(num_in), "relu": nn.ReLU(inplace=True)}
            between["conv"] = nn.Conv2d(num_in, num_in // 2, 1, bias=False)
            layers[f"transition{i}"] = nn.Sequential(OrderedDict(between, pool=nn.AvgPool2d(2)))
            num_in //= 2
        stage = nn.Sequential()
        for _ in range(num_layers):
            stage.append(DenseLayer(num_in, growth))
            num_in += growth
        layers[f"stage{i + 1}"] = stage
    layers["bn"] = nn.BatchNorm2d(num_in)
    layers["relu"] = nn.ReLU(inplace=True)
    return classifying(layers, num_in, num_classes)


class ResNeXtBlock(nn.Module):
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
    channels and 10 classes has 17,562,442 parameters (arXiv 1611.05431, section 5.3).
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
            stage.append(ResNeXtBlock(num_in, num_inner, num_out, cardinality, stride))
            num_in = num_out
        layers[f"stage{i + 1}"] = stage
    return classifying(layers, num_in, num_classes)


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
    times the kernel's area, over all groups. Linear layers: bias 0, weights as PyTorch draws them, which
    gives batch normalization scale 1, shift 0. Draws from torch's global generator, in the order of modules.
    """
    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        elif isinstance(module, nn.Linear):
            nn.init.zeros_(module.bias)


class Grey(nn.Module):
    """Repeats the one channel of its input three times and calls ``net``.

    Takes [b, 1, h, w] and gives what ``net`` gives for [b, 3, h, w]. The names in its state are those of
    ``net`` after ``net.``.
    """

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, x: Tensor) -> Tensor:
        output: Tensor = self.net(x.expand(-1, 3, -1, -1))
        return output


ROWS = 2**16
_LONGEST = 3  # words of an n-gram
_SEED = 0x1E3779B1  # an n-gram of one word, between two that are not there, is not the word


class Bag(nn.Module):
    """A linear classifier of the sum of the vectors of all words, word n-grams and character n-grams.

    Vectors have ``dim`` values. The sum is divided by the root of their number, so that its length hardly
    depends on that of the text. Words and n-grams fall into the ``ROWS`` of the table by a hash of their
    token numbers (Weinberger et al. 2009, arXiv 0902.2206; Joulin et al. 2016, arXiv 1607.01759). Gradients
    of the table are sparse.
    """

    def __init__(self, _: tuple[int, ...], num_classes: int, vocabulary: int, dim: int = 32) -> None:  # noqa: ARG002
        super().__init__()
        self.table = nn.Embedding(ROWS, dim, sparse=True)
        nn.init.uniform_(self.table.weight, -0.1, 0.1)
        self.classifier = nn.Linear(dim, num_classes)

    def forward(self, tokens: Tensor) -> Tensor:
        """Token numbers [b, L], 0 where there is none, to logits [b, num_classes]."""
        hashes, there = _features(tokens)
        counts = there.sum(1)
        total = F.embedding_bag(
            hashes[there] % ROWS, self.table.weight, counts.cumsum(0) - counts, mode="sum", sparse=True
        )
        logits: Tensor = self.classifier(total * counts.clamp(min=1).rsqrt()[:, None])
        return logits


def _features(tokens: Tensor) -> tuple[Tensor, Tensor]:
    """Hashes [b, f] of all that is in texts, and where there is something.

    A word n-gram may begin before the first word and end behind the last, or where a word is left out.
    """
    words = F.pad(only_words(tokens, WORDS.stop), (1, _LONGEST - 1))
    num = words.shape[1] - _LONGEST
    hashes, there = [mix(tokens)], [tokens > 0]
    running = mix(words[:, :num] + _SEED)
    for at in range(1, _LONGEST):
        running = mix(running ^ words[:, at : at + num])
        hashes.append(running)
        there.append(words[:, 1 : 1 + num] > 0)
    return torch.cat(hashes, 1), torch.cat(there, 1)


_WIDTHS = (3, 4, 5)
_DIM = 64
_CHANNELS = 100
_DROPOUT = 0.5


class TextCNN(nn.Module):
    """Convolutions over 3, 4 and 5 words side by side, the maximum of each over the text, and a classifier.

    Words have vectors of 64 values, which are learned from nothing with the rest; 100 channels for each width
    and dropout of one half before the classifier are Kim's (arXiv 1408.5882). Their gradients are sparse.
    """

    def __init__(self, _: tuple[int, ...], num_classes: int, vocabulary: int) -> None:  # noqa: ARG002
        super().__init__()
        self.vectors = nn.Embedding(WORDS.stop, _DIM, padding_idx=0, sparse=True)
        nn.init.uniform_(self.vectors.weight, -0.1, 0.1)
        with torch.no_grad():
            self.vectors.weight[0] = 0
        self.convolutions = nn.ModuleList(nn.Conv1d(_DIM, _CHANNELS, width) for width in _WIDTHS)
        self.dropout = nn.Dropout(_DROPOUT)
        self.classifier = nn.Linear(_CHANNELS * len(_WIDTHS), num_classes)

    def forward(self, tokens: Tensor) -> Tensor:
        """Token numbers [b, L], 0 where there is none, to logits [b, num_classes]."""
        words = only_words(tokens, WORDS.stop)
        if not words.shape[1]:
            words = F.pad(words, (0, 1))
        vectors = self.vectors(words).transpose(1, 2)
        # from the first word to the last of each text, so that padding changes nothing
        inside = (words.flip(1).cummax(1).values.flip(1) > 0)[:, None]
        most = []
        for width, convolution in zip(_WIDTHS, self.convolutions, strict=True):
            values = convolution(F.pad(vectors, (width // 2, (width - 1) // 2)))
            most.append((F.relu(values) * inside).amax(2))
        logits: Tensor = self.classifier(self.dropout(torch.cat(most, 1)))
        return logits
