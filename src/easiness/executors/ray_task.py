"""What runs on the machines of a Ray cluster: one item, and the box for what items tell."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from easiness.errors import RunFailed
from easiness.named_import import describe, look_in
from easiness.wait_policy import wait_passively


class Mailbox:
    """An actor on the driver's machine: keeps what items tell until the driver takes it."""

    def __init__(self) -> None:
        self._messages: list[bytes] = []

    def put(self, message: bytes) -> None:
        """Keep this, pickled."""
        self._messages.append(message)

    def take(self) -> list[bytes]:
        """Return all that was put since the last time, in the order of each that tells."""
        messages, self._messages = self._messages, []
        return messages


@dataclass(frozen=True)
class Ended:
    """The end of an item, as bytes: its value, or what it ``raised``."""

    content: bytes
    raised: bool = False


def work(function: list[Any], places: tuple[str, list[str]], item: Any, mailbox: Any) -> Ended:
    """Call the function on the item; with a mailbox it is told what happens.

    ``function`` has a reference: what it refers to is looked up here, since loading it may load torch, which
    reads its settings then. ``places`` are the driver's current folder, where modules lie that users name,
    and its path; where this machine has them, modules are found there as well.
    """
    import ray
    from ray import cloudpickle

    wait_passively()
    folder, path = places
    look_in(folder)
    sys.path += [folder for folder in path if folder not in sys.path]
    try:
        fn = ray.get(function[0])
        value = fn(item) if mailbox is None else _telling(fn, item, mailbox)
        return Ended(cloudpickle.dumps(value))
    except ray.exceptions.RayError as error:  # the driver's machine is lost, for instance
        return Ended(cloudpickle.dumps(RunFailed(describe(error))), raised=True)
    except BaseException as error:  # an interrupt, too, is for the driver to answer
        return Ended(_pickled(error), raised=True)


def _telling(fn: Callable[[Any, Callable[[Any], None]], Any], item: Any, mailbox: Any) -> Any:
    import ray
    from ray import cloudpickle

    last = None

    def tell(message: Any) -> None:
        nonlocal last
        last = mailbox.put.remote(cloudpickle.dumps(message))

    try:
        return fn(item, tell)
    finally:
        if last is not None:
            with suppress(ray.exceptions.RayActorError):  # a box that is lost costs no value
                ray.get(last)  # it is in the box before the outcome is seen


def _pickled(error: BaseException) -> bytes:
    """The exception, or one of ours with its text where it cannot travel."""
    from ray import cloudpickle

    try:
        content: bytes = cloudpickle.dumps(error)
        cloudpickle.loads(content)  # many can be pickled but not made again
    except Exception:
        content = cloudpickle.dumps(RunFailed(describe(error)))
    return content


def remote_work(ray: Any, **options: Any) -> Any:
    """`work` as a task of Ray's."""
    return ray.remote(work).options(**options)


def open_mailbox(ray: Any) -> Any:
    """A `Mailbox` on the machine of this process, which takes none of its resources.

    One that is killed comes back; what was in it is lost.
    """
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    return (
        ray.remote(Mailbox)
        .options(num_cpus=0, scheduling_strategy=here, max_restarts=-1, max_task_retries=-1)
        .remote()
    )
