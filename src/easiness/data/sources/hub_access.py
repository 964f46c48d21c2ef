"""Opening a data set with the `datasets` library, without the network unless it is asked for."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from easiness.errors import BadInput, RunFailed
from easiness.inputs import one_line

SAVED = ("dataset_dict.json", "state.json")
"""Files of a folder that `save_to_disk` wrote."""

SECONDS_TO_WAIT = 10.0  # for the hub to answer


def open_hub(name: str, config: str | None, source: str, download: bool) -> Any:
    """The `datasets.DatasetDict` or `Dataset` of a name on the hub, or of a folder at an absolute path.

    Raises:
        BadInput: the library is missing, or the data are not there or cannot be read.
        RunFailed: the download failed.
    """
    try:
        import datasets  # noqa: F401 - is it there?
    except ImportError:
        raise BadInput(f"{source}: needs the datasets library; pip install 'easiness[hf]'") from None
    local = os.path.isabs(name)  # noqa: PTH117
    with _quiet():
        unreachable = _try_to_reach(name) if download and not local else None
        return _load(name, config, source, download, unreachable)


def _load(name: str, config: str | None, source: str, download: bool, unreachable: Exception | None) -> Any:
    """What `open_hub` gives, from the cache of the library where the hub is ``unreachable``."""
    import datasets

    local = os.path.isabs(name)  # noqa: PTH117
    try:
        with _offline(not download or local or unreachable is not None):
            if local and any(Path(name, file).is_file() for file in SAVED):
                if config is not None:
                    raise BadInput(
                        f"{source}: a folder of save_to_disk has no configurations; leave out :{config}"
                    )
                return datasets.load_from_disk(name)
            return datasets.load_dataset(name, config)
    except BadInput:
        raise
    except (ConnectionError, FileNotFoundError) as error:
        if local:
            raise BadInput(f"{source}: not a folder that datasets can load ({one_line(error)})") from None
        if not download:
            raise BadInput(
                f"{source}: not a folder, and not in the cache of the datasets library; use --download "
                "to fetch it"
            ) from None
        if unreachable is not None:
            raise RunFailed(
                f"{source}: it cannot be downloaded ({one_line(unreachable)}); see that the hub can be "
                "reached"
            ) from unreachable
        if isinstance(error, FileNotFoundError):
            raise BadInput(f"{source}: {one_line(error)}") from None
        raise RunFailed(f"{source}: it cannot be downloaded ({one_line(error)})") from error
    except Exception as error:  # whatever is wrong with the data, or on the way to them
        if download and isinstance(error, OSError):
            raise RunFailed(f"{source}: it cannot be downloaded ({one_line(error)})") from error
        arguments = repr(name) if config is None else f"{name!r}, {config!r}"
        raise BadInput(
            f"{source}: datasets cannot load it ({_with_cause(error)}); see that "
            f"datasets.load_dataset({arguments}) works"
        ) from None


def _with_cause(error: Exception) -> str:
    """The text of the error, and of the one that was at the bottom of it."""
    cause: BaseException = error
    while cause.__cause__ is not None:
        cause = cause.__cause__
    if cause is error:
        return one_line(error)
    return f"{one_line(error)}: {type(cause).__name__}: {one_line(cause)}"


def _try_to_reach(name: str) -> Exception | None:
    """Ask the hub for the data set once; says why it did not answer, if it did not.

    The libraries themselves try each of many requests for half a minute or more.
    """
    import huggingface_hub
    from huggingface_hub.errors import HfHubHTTPError

    try:
        huggingface_hub.HfApi().dataset_info(name, timeout=SECONDS_TO_WAIT)
    except (HfHubHTTPError, ValueError):  # an answer, or no such name: the loader says what is wrong
        return None
    except Exception as error:  # of whichever library makes the requests
        return error
    return None


@contextmanager
def _offline(offline: bool) -> Iterator[None]:
    """The libraries' own switches, which they look at whenever they are about to use the network."""
    import datasets
    import huggingface_hub

    modules: list[Any] = [datasets.config, huggingface_hub.constants]
    before = [module.HF_HUB_OFFLINE for module in modules]
    try:
        for module, value in zip(modules, before, strict=True):
            module.HF_HUB_OFFLINE = value or offline
        yield
    finally:
        for module, value in zip(modules, before, strict=True):
            module.HF_HUB_OFFLINE = value


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the progress bars of the library, and without its and the hub's remarks."""
    import datasets
    from huggingface_hub.utils import logging as hub_logging

    were_off = datasets.utils.are_progress_bars_disabled()
    loggers: list[Any] = [datasets.logging, hub_logging]
    verbosities = [logger.get_verbosity() for logger in loggers]
    datasets.disable_progress_bars()
    for logger in loggers:
        logger.set_verbosity(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, verbosity in zip(loggers, verbosities, strict=True):
            logger.set_verbosity(verbosity)
        if not were_off:
            datasets.enable_progress_bars()
