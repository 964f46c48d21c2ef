"""The ten classes of ImageNet-2012 that the paper calls "mini ImageNet"; not the few-shot benchmark."""

from __future__ import annotations

from pathlib import Path

from easiness.data.dataset import Dataset
from easiness.data.sources.folders import load_folder
from easiness.data.sources.source import Asked, Source, absolute
from easiness.errors import BadInput

PREFIX = "mini-imagenet:"
SYNSETS = {
    "n01751748": "sea snake",
    "n02123394": "Persian cat",
    "n02169497": "leaf beetle",
    "n02883205": "bow tie",
    "n03125729": "cradle",
    "n03954731": "woodworking plane",
    "n04332243": "strainer",
    "n04355358": "sundial",
    "n04553703": "washbasin",
    "n07717556": "butternut squash",
}


def load_mini_imagenet(root: Path, *, skip_unreadable: bool = False) -> Dataset:
    """The ten classes (Kishida and Nakayama 2019, section 3) in the ImageNet folder ``root``.

    It is an absolute path, and holds folders named by synset, or ``train`` and ``val`` with such folders,
    as for `load_folder`; a ``val`` without class folders is passed over with a note, and so are all other
    classes without one.

    Raises:
        BadInput: a class is missing, or see `load_folder`.
    """
    return load_folder(
        root,
        skip_unreadable=skip_unreadable,
        selection=SYNSETS,
        name="mini-imagenet",
        source=f"{PREFIX}{root}",
    )


def _load(asked: Asked) -> Dataset:
    folder = asked.text.removeprefix(PREFIX)
    if not folder:
        raise BadInput(f"{asked.text}: no folder; give {PREFIX}PATH with that of ImageNet")
    return load_mini_imagenet(absolute(folder), skip_unreadable=asked.options.skip_unreadable)


MINI_IMAGENET = Source(
    form=f"{PREFIX}PATH",
    reads=lambda asked: asked.text.startswith(PREFIX),
    load=_load,
    names=(f"{PREFIX}PATH",),
)
