"""Pictures as network input: those of one size moved and mirrored, photos cropped to one size.

Crops are torchvision's ``RandomResizedCrop``, or ``Resize`` and ``CenterCrop``, to one of 255 levels.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from easiness.inputs.bank import Preparation, move, staging
from easiness.inputs.image.pixels import Pixels
from easiness.spec import Recipe

_ATTEMPTS = 10
_PHOTOS_PER_TASK = 8  # enough work to be worth handing to a thread
_DRAWN_AT_ONCE = 65536  # ten attempts for each of millions would take gigabytes
_NORMALIZED_AT_ONCE = 4  # photos, whose values stay in the cache of a core


def global_contrast_normalization(images: Tensor, epsilon: float) -> Tensor:
    """Per image, subtract the mean over all pixels and channels and divide by their standard deviation.

    ``images`` is a float tensor [b, h, w, c] or [b, c, h, w], contiguous in that order;
    ``epsilon`` is added to the (population) standard deviation, so that a constant image becomes zero.
    """
    flat = images.view(len(images), -1)
    # the mean of equal values has a rounding error that epsilon would not hide: make them zeros first
    flat = flat - flat[:, :1]
    flat.sub_(flat.mean(dim=1, keepdim=True))
    # a norm over contiguous rows is several times faster on a CPU than torch.std over three dimensions
    deviation = torch.linalg.vector_norm(flat, dim=1, keepdim=True) / flat.shape[1] ** 0.5
    return flat.div_(deviation + epsilon).view(images.shape)


def draw_moves(num: int, shift: int, flip: float, generator: torch.Generator) -> Tensor:
    """Moves of ``num`` pictures: rows and columns of the corner, mirrored or not, int64 [num, 3].

    Translations are uniform in [-shift, shift] pixels; a row and a column of ``shift`` are none.
    """
    corner = torch.randint(0, 2 * shift + 1, (2, num), generator=generator)
    is_mirrored = torch.rand(num, generator=generator) < flip
    return torch.stack([corner[0], corner[1], is_mirrored.long()], dim=1)


@dataclass(frozen=True)
class _Pictures(Preparation):
    """Pixels [b, h, w, c] in 0..255."""

    recipe: Recipe

    def raw(self, values: Tensor) -> Tensor:
        # copied even from float32: the values of the caller stay what they are
        floats = values.to(torch.float32, memory_format=torch.contiguous_format, copy=True)
        return floats.div_(255).permute(0, 3, 1, 2)

    def normalized(self, raw: Tensor) -> Tensor:
        """Network input, with the strides of channels-last: equal values give equal results bit by bit."""
        last = raw.to(torch.float32).permute(0, 2, 3, 1).contiguous()
        if self.recipe.gcn:
            last = global_contrast_normalization(last, self.recipe.gcn_epsilon)
        return last.permute(0, 3, 1, 2)


@dataclass(frozen=True)
class PictureMoves(_Pictures):
    """Pictures [K, h, w, c] in 0..255, zero beyond borders; ``shift`` is the largest translation, or 0."""

    shift: int = 0

    def draw(self, positions: Tensor, generator: torch.Generator) -> Tensor:
        return draw_moves(len(positions), self.shift, self.recipe.flip, generator)

    def augmented(self, values: Tensor, positions: Tensor, draws: Tensor) -> Tensor:
        _, height, width, channels = values.shape
        top, left, is_mirrored = draws.unbind(1)
        rows = top[:, None] - self.shift + torch.arange(height, device=values.device)
        offsets = torch.arange(width, device=values.device)
        across = torch.where(is_mirrored[:, None] != 0, offsets.flip(0), offsets)
        columns = left[:, None] - self.shift + across
        lines = positions[:, None] * height + rows.clamp(0, height - 1)
        at = (lines * width)[:, :, None] + columns.clamp(0, width - 1)[:, None]
        batch = values.view(-1, channels).index_select(0, at.view(-1))
        if self.shift:
            inside = ((columns >= 0) & (columns < width)).to(torch.uint8)
            # each row with all its channels at once, which a CPU does three times as fast as pixel by pixel
            in_row = inside[:, :, None].expand(-1, -1, channels).reshape(len(positions), 1, -1)
            in_column = ((rows >= 0) & (rows < height)).to(torch.uint8)[:, :, None]
            batch.view(len(positions), height, -1).mul_(in_row * in_column)
        return batch.view(len(positions), height, width, channels)


@dataclass(frozen=True)
class PhotoCrops(_Pictures):
    """Photos of ``sizes`` [K, 2], cropped to ``recipe.crop`` pixels: at random, evaluated at the centre."""

    sizes: Tensor
    is_gathered = False

    def draw(self, positions: Tensor, generator: torch.Generator) -> Tensor:
        recipe = self.recipe
        parts = [
            draw_crops(self.sizes[part], recipe.crop_scale, recipe.crop_ratio, recipe.flip, generator)
            for part in torch.split(positions, _DRAWN_AT_ONCE)
        ]
        return torch.cat(parts)

    def collate(self, values: list[Pixels], draws: Tensor | None, device: torch.device) -> Tensor:
        recipe = self.recipe
        if draws is None:
            return crop_centre(values, recipe.resize, recipe.crop, device)
        return crop_random(values, draws, recipe.crop, device).to(device)

    def finish(self, values: Tensor) -> Tensor:
        """Network input of pixels in 0..255; on a CPU computed a few photos at a time."""
        num_parts = len(values) // _NORMALIZED_AT_ONCE
        if values.device.type != "cpu" or num_parts < 2:
            return super().finish(values)
        batch = torch.empty(values.shape)
        # parts of equal size: torch sums a photo that is alone in another order
        for part, into in zip(values.tensor_split(num_parts), batch.tensor_split(num_parts), strict=True):
            into.copy_(super().finish(part).permute(0, 2, 3, 1))
        return batch.permute(0, 3, 1, 2)


def draw_crops(sizes: Tensor, scale: float, ratio: float, flip: float, generator: torch.Generator) -> Tensor:
    """Random crops of photos with (height, width) ``sizes`` [b, 2]: int64 [b, 5].

    A crop is (top, left, height, width) in pixels, and whether it is mirrored. Its area is uniform in
    [``scale``, 1] of the photo's, its aspect ratio log-uniform in [1 / ``ratio``, ``ratio``]; the first of
    ten draws that fits is taken, else the largest centred box whose aspect ratio is allowed.
    """
    num = len(sizes)
    height, width = sizes[:, :1].double(), sizes[:, 1:].double()
    uniform = torch.rand(4, num, _ATTEMPTS, generator=generator, dtype=torch.float64)
    area = height * width * (scale + (1 - scale) * uniform[0])
    aspect = torch.exp((2 * uniform[1] - 1) * math.log(ratio))
    h, w = (area / aspect).sqrt().round(), (area * aspect).sqrt().round()
    fits = (h >= 1) & (h <= height) & (w >= 1) & (w <= width)
    top = (uniform[2] * (height - h + 1)).floor()
    left = (uniform[3] * (width - w + 1)).floor()
    first = fits.to(torch.uint8).argmax(dim=1, keepdim=True)
    fitting = torch.stack([x.gather(1, first)[:, 0] for x in (top, left, h, w)], dim=1)
    boxes = torch.where(fits.any(dim=1, keepdim=True), fitting, _widest(sizes.double(), ratio))
    is_mirrored = torch.rand(num, generator=generator) < flip
    return torch.cat([boxes.long(), is_mirrored[:, None].long()], dim=1)


def _widest(sizes: Tensor, ratio: float) -> Tensor:
    height, width = sizes.unbind(1)
    h = torch.minimum(height, (width * ratio).round())
    w = torch.minimum(width, (height * ratio).round())
    return torch.stack([((height - h) / 2).floor(), ((width - w) / 2).floor(), h, w], dim=1)


def crop_random(photos: list[Pixels], crops: Tensor, side: int, device: torch.device) -> Tensor:
    """The ``crops`` [b, 5] at ``side`` x ``side`` pixels: [b, side, side, channels], 0..255.

    A CPU crops photo by photo, in uint8; other devices multiply two matrices for the whole batch.
    """
    if _photo_by_photo(device):
        boxes = crops.tolist()

        def crop(at: int, out: Pixels) -> None:
            top, left, h, w, is_mirrored = boxes[at]
            part = _resize(photos[at][top : top + h, left : left + w], side, side)
            if not is_mirrored:
                out[:] = part
                return
            for channel in range(part.shape[2]):  # four times as fast as pixel by pixel
                out[:, :, channel] = part[:, ::-1, channel]

        return _for_each(photos, crop, side)
    parts = [
        photo[top : top + h, left : left + w]
        for photo, (top, left, h, w, _) in zip(photos, crops.tolist(), strict=True)
    ]
    batch = _pad(parts, device)
    h, w, flip = move(crops[:, 2:].contiguous(), device).unbind(1)
    zero = torch.zeros_like(h)
    rows = _weights(zero, h, h / side, zero, side, batch.shape[1])
    columns = _weights(zero, w, w / side, zero, side, batch.shape[2])
    columns = torch.where((flip != 0)[:, None, None], columns.flip(1), columns)
    return _resample(batch, rows, columns)


def crop_centre(photos: list[Pixels], resize: int, side: int, device: torch.device) -> Tensor:
    """The centre ``side`` x ``side`` after resizing the short side to ``resize``; see `crop_random`."""
    sizes = torch.tensor([photo.shape[:2] for photo in photos])
    shortest = sizes.min(dim=1, keepdim=True).values
    new_sizes = torch.where(sizes == shortest, resize, resize * sizes // shortest)
    # rounded half to even, as torchvision's CenterCrop does
    offsets = ((new_sizes - side) / 2).round().long()
    if _photo_by_photo(device):
        shapes, corners = new_sizes.tolist(), offsets.tolist()

        def crop(at: int, out: Pixels) -> None:
            top, left = corners[at]
            out[:] = _resize(photos[at], *shapes[at])[top : top + side, left : left + side]

        return _for_each(photos, crop, side)
    scale = sizes / new_sizes
    first, end = _visible(sizes, scale, offsets, side)
    parts = [
        photo[top:bottom, left:right]
        for photo, (top, left), (bottom, right) in zip(photos, first.tolist(), end.tolist(), strict=True)
    ]
    batch = _pad(parts, device)
    lines = move(torch.stack([-first, sizes, scale, offsets], dim=1), device)
    (top, height, y_scale, above), (left, width, x_scale, before) = lines.permute(2, 1, 0)
    rows = _weights(top, height, y_scale, above, side, batch.shape[1])
    columns = _weights(left, width, x_scale, before, side, batch.shape[2])
    return _resample(batch, rows, columns)


def _photo_by_photo(device: torch.device) -> bool:
    """Are photos cropped one by one? That is ten times as fast on a CPU as matrices, mostly of zeros."""
    return device.type == "cpu"


def _for_each(photos: list[Pixels], crop: Callable[[int, Pixels], None], side: int) -> Tensor:
    """The batch of photos, each of which ``crop`` writes to its place, in as many threads as torch uses.

    They end with the batch: during a step of a network, threads of torch's would wait for them.
    """
    num, out = len(photos), np.empty((len(photos), side, side, photos[0].shape[2]), np.uint8)
    tasks = [range(at, min(at + _PHOTOS_PER_TASK, num)) for at in range(0, num, _PHOTOS_PER_TASK)]
    # for photos in color torch has a kernel that uses the calling thread alone; other kernels have threads
    alone = photos[0].shape[2] == 3 and torch.backends.cpu.get_cpu_capability().startswith("AVX")
    threads = min(torch.get_num_threads(), len(tasks)) if alone else 1

    def work(task: range) -> None:
        for at in task:
            crop(at, out[at])

    if threads == 1:
        work(range(num))
    else:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(work, tasks))
    return torch.from_numpy(out)


def _resize(photo: Pixels, height: int, width: int) -> Pixels:
    if photo.shape[:2] == (height, width):
        return photo
    image = torch.from_numpy(np.ascontiguousarray(photo)).permute(2, 0, 1)[None]
    result = F.interpolate(image, size=(height, width), mode="bilinear", antialias=True)
    return result[0].permute(1, 2, 0).numpy()


def _visible(sizes: Tensor, scale: Tensor, offsets: Tensor, side: int) -> tuple[Tensor, Tensor]:
    """The first pixels with a weight in `_weights`, and those after the last, [b, 2] each."""
    wide = scale.clamp(min=1) + 1
    first = ((offsets + 0.5) * scale - wide).floor().long()
    end = ((offsets + side - 0.5) * scale + wide).ceil().long()
    return first.clamp(min=0), torch.minimum(end, sizes)


def _pad(parts: list[Pixels], device: torch.device) -> Tensor:
    """Parts of photos in one tensor; pixels beyond a part get no weight."""
    height = max(part.shape[0] for part in parts)
    width = max(part.shape[1] for part in parts)
    batch = staging((len(parts), height, width, parts[0].shape[2]), torch.uint8, device)
    into = batch.numpy()
    for at, part in enumerate(parts):
        into[at, : part.shape[0], : part.shape[1]] = part
    return move(batch, device)


def _weights(start: Tensor, length: Tensor, scale: Tensor, offset: Tensor, side: int, size: int) -> Tensor:
    """Weights [b, side, size] of the pixels of a line for the pixels from ``offset`` of the resized line.

    A triangle filter, which does not look beyond the line from ``start``, ``length`` pixels long, resizes it
    by 1 / ``scale``; to shrink, it is as wide as two resized pixels. All inputs are [b].
    """
    start, length, scale, offset = (x.float()[:, None, None] for x in (start, length, scale, offset))
    at = torch.arange(side, device=start.device)[None, :, None] + 0.5
    pixels = torch.arange(size, device=start.device)[None, None] + 0.5
    centre = start + (at + offset) * scale
    weights = (1 - (pixels - centre).abs() / scale.clamp(min=1)).clamp_(min=0)
    weights = weights * ((pixels > start) & (pixels < start + length))
    return weights / weights.sum(dim=2, keepdim=True)


def _resample(batch: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    images = batch.permute(0, 3, 1, 2).float()
    with torch.autocast(images.device.type, enabled=False):
        pixels = rows[:, None] @ images @ columns[:, None].transpose(2, 3)
    return pixels.round().permute(0, 2, 3, 1)
