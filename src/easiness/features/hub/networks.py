"""Networks of the Hugging Face hub, through the `transformers` library."""

from __future__ import annotations

from importlib.util import find_spec

from easiness.errors import BadInput
from easiness.features.hub.files import HubNetwork
from easiness.features.hub.pictures import Pictures
from easiness.features.hub.sequences import Sounds, Texts
from easiness.features.packaged import ENCODER, check_encoder, packaged_encoder
from easiness.features.source import FeatureKind, FeatureSource, Request
from easiness.regular_file import at_home

NETWORKS: tuple[type[HubNetwork], ...] = (Pictures, Texts, Sounds)


def _of_hub(request: Request) -> FeatureSource:
    """A network in a folder, in the cache of the hub or, with ``download``, on the hub.

    Only weights in safetensors are read, and no code of the hub's is run.
    """
    request.check_kind(*(one.kind for one in NETWORKS))
    name = request.name
    if find_spec("transformers") is None:
        raise BadInput(f"{request.what}: needs transformers; pip install 'easiness[transformers]'")
    network = next(one for one in NETWORKS if one.kind.name == request.data.kind.name)
    found = network(request, _place(request, name))
    _check_takes(found)
    about = (
        f"{name} through transformers ({found.config.model_type}). Its authors say what it has learned from; "
        f"it may have seen these very {found.kind.nouns}."
    )
    return found.source(about)


def _place(request: Request, name: str) -> str:
    """The folder of a network that is here, or its name on the hub."""
    folder = packaged_encoder() if name == ENCODER else None
    if folder is not None:
        check_encoder(request.what, folder)
        return str(folder)
    folder = at_home(name)
    return str(folder.resolve()) if folder.is_dir() else name


def _check_takes(found: HubNetwork) -> None:
    import transformers

    network = transformers.MODEL_MAPPING.get(type(found.config), None)
    taken = getattr(network, "main_input_name", None)
    if network is None or not found.takes(taken):
        nouns = found.kind.nouns
        raise BadInput(
            f"{found.request.what}: a {found.config.model_type} takes {taken or 'something else'} and no "
            f"{nouns}; give a network for {nouns}"
        )


HUB = FeatureKind("hf:NAME", _of_hub, frozen=True)
