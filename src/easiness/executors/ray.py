"""Items as tasks of a Ray cluster, this machine or many, which this process is connected to or starts."""

from __future__ import annotations

import logging
import os
import socket
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import chain, islice
from pathlib import Path
from typing import Any, ClassVar

from easiness.errors import BadInput, RunFailed
from easiness.executors.executor import Item, Machine, Needs, Outcome, Tell, Value, room
from easiness.lazy import cloudpickle, ray
from easiness.named_import import describe, look_in
from easiness.own_process import ChildrenOffCurrentFolder, wait_passively

_SECONDS_BETWEEN_LOOKS = 0.1  # at outcomes and messages
_SECONDS_BETWEEN_COUNTS = 10.0  # of the machines of the cluster
_SECONDS_TO_CANCEL = 10.0
_SECONDS_TO_HEAR = 60.0
_RETRIES = 3  # of an item whose worker or machine is lost
# of Ray's own, unless the user has set them: no statistics to its makers; a trial that takes too much memory
# is not tried again for ever; workers without a GPU see none
_SETTINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_task_oom_retries": "3",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "1",
}
_SECONDS_TO_ANSWER = 10.0
_is_own = False


class RayExecutor:
    """Keeps up to ``jobs`` tasks of Ray in hand; the cluster decides where, by what an item needs.

    Each machine fetches the function once. An item whose worker or machine is lost is tried again, three
    times at most; one whose function raises is not. Ray's logs have what items print.
    """

    shares_memory: ClassVar[bool] = False

    def __init__(self, jobs: int | None = None, needs: Needs = Needs(), address: str | None = None) -> None:
        """``jobs``: as many as the cluster has room for, counted anew now and then, unless given.

        ``needs`` is what an item takes, and ``address`` where the cluster is (see `connect`).
        """
        self._jobs = jobs
        self._needs = needs
        self._address = address
        self._room = 0
        self._counted_at = float("-inf")
        self._mailbox: Any = None

    @property
    def jobs(self) -> int:
        return self._jobs or self._count()

    def run(self, fn: Callable[[Item], Value], items: Iterable[Item]) -> Iterator[Outcome[Item, Value]]:
        return self.run_telling(fn, items, None)

    def close(self) -> None:
        self._mailbox = None
        self._counted_at = float("-inf")
        disconnect()

    def run_telling(
        self, fn: Callable[..., Value], items: Iterable[Item], listener: Tell | None
    ) -> Iterator[Outcome[Item, Value]]:
        rest = iter(items)
        running: dict[Any, Item] = {}
        if not (first := list(islice(rest, 1))):
            return
        ray = connect(self._address)
        self._check_room()
        needs = self._needs
        task = ray.remote(work).options(
            num_cpus=needs.cores,
            num_gpus=1 / needs.per_gpu if needs.per_gpu else 0,
            **({"memory": needs.memory} if needs.memory else {}),
            max_retries=_RETRIES,
            retry_exceptions=False,
            name="easiness",
        )
        if listener is not None and self._mailbox is None:
            self._mailbox = open_mailbox(ray)
        mailbox = None if listener is None else self._mailbox
        function = [ray.put(fn)]
        here = str(Path.cwd())
        places = here, [folder or here for folder in sys.path]
        rest = chain(first, rest)
        try:
            while True:
                for item in islice(rest, max(0, self.jobs - len(running))):
                    running[task.remote(function, places, item, mailbox)] = item
                if not running:
                    return
                ends, _ = ray.wait(list(running), num_returns=1, timeout=_SECONDS_BETWEEN_LOOKS)
                if listener is not None:
                    _hear(ray, mailbox, listener)
                for ref in ends:
                    yield _outcome(ray, running.pop(ref), ref)
        finally:
            if running and ray.is_initialized():  # given up or interrupted
                for ref in running:
                    ray.cancel(ref, force=True)
                ray.wait(list(running), num_returns=len(running), timeout=_SECONDS_TO_CANCEL)

    def _check_room(self) -> None:
        there = machines(self._address)
        if room(there, self._needs) < 1:
            has = "; ".join(sorted({f"{m}" for m in there}))
            raise BadInput(
                f"executor ray: no machine of the cluster has room for a trial, which takes {self._needs} "
                f"(machines have {has}); start one that has (ray start), or use fewer threads a trial"
            )

    def _count(self) -> int:
        """For how many items the cluster has room by now; at least one, since machines come and go."""
        if time.monotonic() - self._counted_at > _SECONDS_BETWEEN_COUNTS:
            self._room = max(1, room(machines(self._address), self._needs))
            self._counted_at = time.monotonic()
        return self._room


def _hear(ray: Any, mailbox: Any, listener: Tell) -> None:
    try:
        messages = ray.get(mailbox.take.remote(), timeout=_SECONDS_TO_HEAR)
    except ray.exceptions.GetTimeoutError:
        return  # a machine this busy may be silent for a while: no value is lost
    except ray.exceptions.RayActorError as error:
        reason = str(error).strip().split("\n")[-1][:200]
        raise RunFailed(
            f"executor ray: no worker can start on this machine ({reason}); every machine of the cluster "
            "needs the same Python, Ray, torch and easiness"
        ) from error
    for message in messages:
        listener(cloudpickle.loads(message))


def _outcome(ray: Any, item: Item, ref: Any) -> Outcome[Item, Any]:
    try:
        content, is_error = ray.get(ref)
    except ray.exceptions.RayError as error:
        return Outcome(item, error=RunFailed(_reason(ray, error)))
    result = cloudpickle.loads(content)
    if not is_error:
        return Outcome(item, value=result)
    if isinstance(result, Exception):
        return Outcome(item, error=result)
    raise result  # an interrupt


def _reason(ray: Any, error: Exception) -> str:
    if isinstance(error, ray.exceptions.OutOfMemoryError):
        return (
            f"its worker was ended {_RETRIES + 1} times for want of memory on its machine; use fewer "
            "--jobs, smaller batches, or machines with more memory"
        )
    if isinstance(error, ray.exceptions.WorkerCrashedError | ray.exceptions.NodeDiedError):
        return f"its worker or machine was lost {_RETRIES + 1} times; what workers printed is in Ray's logs"
    reason = str(error).strip().split("\n")[0][:200]
    return f"Ray could not run it ({type(error).__name__}: {reason})"


def connect(address: str | None = None) -> Any:
    """The module ``ray``, connected to the cluster at this address.

    Without one it is that of the job which this process is (``RAY_ADDRESS``), else one of its own on this
    machine, which ends with `disconnect` or this process. A connection that there is already is kept.
    """
    global _is_own
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)
    if ray.is_initialized():
        return ray
    address = address or os.environ.get("RAY_ADDRESS") or "local"
    if address.startswith("ray://"):
        raise BadInput(
            f"ray address {address}: Ray's client is not supported; submit the command to the cluster "
            "with ray job submit, and it needs no address"
        )
    _check_answers(address)
    # a dashboard is of no use to a cluster that lives as long as its run
    logging.getLogger("ray._private.authentication").setLevel(logging.ERROR)  # which says that it is on
    own: dict[str, Any] = {"include_dashboard": False} if address == "local" else {}
    job = ray.job_config.JobConfig()
    job._py_driver_sys_path = _NoFolders()
    try:
        with ChildrenOffCurrentFolder():
            ray.init(address=address, log_to_driver=False, logging_level="ERROR", job_config=job, **own)
    except (ConnectionError, RuntimeError, ValueError) as error:
        reason = str(error).strip().split("\n")[0][:200] or type(error).__name__
        raise BadInput(
            f"ray address {address}: cannot be connected to ({reason}); start the cluster"
        ) from error
    _is_own = True
    return ray


class _NoFolders(list[str]):
    """The folders that workers look for modules in before all others: none, whatever Ray adds."""

    def extend(self, _: Iterable[str]) -> None:
        """Leave out the script's and the current one, which would hide Python's own modules."""


def _check_answers(address: str) -> None:
    """Raise `BadInput` where nobody listens at ``host:port``: Ray itself tries for minutes."""
    host, _, port = address.rpartition(":")
    if not (host and port.isascii() and port.isdigit()):
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_SECONDS_TO_ANSWER).close()
    except (OSError, OverflowError, ValueError) as error:  # the last of thousands of digits
        raise BadInput(
            f"ray address {address}: nobody answers ({error}); give the one that ray start --head printed"
        ) from None


def disconnect() -> None:
    """End the connection that `connect` made, and the cluster that it started."""
    global _is_own
    if _is_own:
        ray.shutdown()
        _is_own = False


def machines(address: str | None = None) -> tuple[Machine, ...]:
    """The living machines of the cluster with all that they have, whether or not others use it now."""
    ray = connect(address)
    return tuple(
        Machine(int(has.get("CPU", 0)), int(has.get("memory", 0)), int(has.get("GPU", 0)))
        for has in (node["Resources"] for node in ray.nodes() if node["Alive"])
    )


class Mailbox:
    """An actor on the driver's machine: keeps what items tell until the driver takes it."""

    def __init__(self) -> None:
        self._messages: list[bytes] = []

    def put(self, message: bytes) -> None:
        self._messages.append(message)

    def take(self) -> list[bytes]:
        messages, self._messages = self._messages, []
        return messages


def work(function: list[Any], places: tuple[str, list[str]], item: Any, mailbox: Any) -> tuple[bytes, bool]:
    """Call the function on the item; with a mailbox it is told what happens.

    ``function`` has a reference, resolved here: loading it may load torch, which reads its settings then.
    ``places`` are the driver's current folder, where users' modules lie, and its path. Returns as bytes the
    value or the exception that was raised, and whether it is the latter.
    """
    wait_passively()
    folder, path = places
    look_in(folder)
    sys.path += [folder for folder in path if folder not in sys.path]
    last = None

    def tell(message: Any) -> None:
        nonlocal last
        last = mailbox.put.remote(cloudpickle.dumps(message))

    try:
        fn = ray.get(function[0])
        return cloudpickle.dumps(fn(item) if mailbox is None else fn(item, tell)), False
    except ray.exceptions.RayError as error:  # the driver's machine is lost, for instance
        return cloudpickle.dumps(RunFailed(describe(error))), True
    except BaseException as error:  # an interrupt, too, is for the driver to answer
        return _pickle(error), True
    finally:
        if last is not None:
            with suppress(ray.exceptions.RayActorError):  # a box that is lost costs no value
                ray.get(last)  # it is in the box before the outcome is seen


def _pickle(error: BaseException) -> bytes:
    """The exception, or one of ours with its text where it cannot travel."""
    try:
        content: bytes = cloudpickle.dumps(error)
        cloudpickle.loads(content)  # many can be pickled but not made again
    except Exception:
        content = cloudpickle.dumps(RunFailed(describe(error)))
    return content


def open_mailbox(ray: Any) -> Any:
    """A `Mailbox` on this machine, of whose resources it takes none; one killed comes back, but empty."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    return (
        ray.remote(Mailbox)
        .options(num_cpus=0, scheduling_strategy=here, max_restarts=-1, max_task_retries=-1)
        .remote()
    )
