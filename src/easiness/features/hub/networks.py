"""Networks of the Hugging Face hub, through the `transformers` library."""

from __future__ import annotations

from typing import Any

from easiness.errors import BadInput
from easiness.features.hub.files import HubFiles, Taking
from easiness.features.hub.pictures import PICTURES
from easiness.features.hub.sounds import SOUNDS
from easiness.features.hub.texts import TEXTS
from easiness.features.packaged_text import ENCODER, check_encoder, packaged_encoder
from easiness.features.source import FeatureKind, FeatureSource, Request
from easiness.regular_file import at_home

PREFIX = "hf:"
TAKINGS: tuple[Taking, ...] = (PICTURES, TEXTS, SOUNDS)


def of_hub(request: Request) -> FeatureSource:
    """A network in a folder, in the cache of the hub or, with ``download``, on the hub.

    Only weights in safetensors are read, and no code of the hub's is run.

    Raises:
        BadInput: transformers is missing, the network is not on this disk or takes other examples, or its
            weights are in another format.
        RunFailed: it cannot be fetched.
    """
    request.check_kind(*(one.kind for one in TAKINGS))
    name = request.after(PREFIX)
    try:
        import transformers
    except ImportError:
        raise BadInput(f"{request.what}: needs transformers; pip install 'easiness[transformers]'") from None
    taking = next(one for one in TAKINGS if one.kind.name == request.data.kind.name)
    files = HubFiles(request, _place(request, name), taking.extra)
    config = files.guarded(lambda: transformers.AutoConfig.from_pretrained(files.place, **files.options))
    _check_takes(request, config, taking)
    about = (
        f"{name} through transformers ({config.model_type}). Its authors say what it has learned from; it "
        f"may have seen these very {taking.kind.nouns}."
    )
    return taking.source(files, config, about)


def _place(request: Request, name: str) -> str:
    """The folder of a network that is here, or its name on the hub.

    Raises:
        BadInput: the files of an installed package are not those that are known.
    """
    folder = packaged_encoder() if name == ENCODER else None
    if folder is not None:
        check_encoder(request.what, folder)
        return str(folder)
    folder = at_home(name)
    return str(folder.resolve()) if folder.is_dir() else name


def _check_takes(request: Request, config: Any, taking: Taking) -> None:
    import transformers

    network = transformers.MODEL_MAPPING.get(type(config), None)
    taken = getattr(network, "main_input_name", None)
    if network is None or not taking.takes(config, taken):
        nouns = taking.kind.nouns
        raise BadInput(
            f"{request.what}: a {config.model_type} takes {taken or 'something else'} and no {nouns}; give a "
            f"network for {nouns}"
        )


HUB = FeatureKind(
    form=f"{PREFIX}NAME",
    reads=lambda text: text.startswith(PREFIX),
    find=of_hub,
    names=(PREFIX,),
    frozen=True,
)
