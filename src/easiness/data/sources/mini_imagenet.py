"""The paper's ten classes of an ImageNet folder."""

from __future__ import annotations

from easiness.data.dataset import Dataset
from easiness.data.sources.folders import load_folder
from easiness.data.sources.source import Source, SourceRequest, absolute
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


def load_mini_imagenet(request: SourceRequest) -> Dataset:
    """The ten classes (Kishida and Nakayama 2019, section 3) in the ImageNet folder that a request names.

    It holds folders named by synset, or ``train`` and ``val`` with such folders, as for `load_folder`; a
    ``val`` without class folders is passed over with a note, and so are all other classes without one.

    Raises:
        BadInput: a class is missing, or see `load_folder`.
    """
    folder = request.text.removeprefix(PREFIX)
    if not folder:
        raise BadInput(f"{request.text}: no folder; give {PREFIX}PATH with that of ImageNet")
    root = absolute(folder)
    return load_folder(
        root, request.options, selection=SYNSETS, name="mini-imagenet", source=f"{PREFIX}{root}"
    )


MINI_IMAGENET = Source(
    form=f"{PREFIX}PATH",
    reads=lambda request: request.text.startswith(PREFIX),
    load=load_mini_imagenet,
    names=(f"{PREFIX}PATH",),
)
