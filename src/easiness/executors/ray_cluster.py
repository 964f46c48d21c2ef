"""The Ray cluster that this process is connected to, or starts on this machine."""

from __future__ import annotations

import logging
import os
import socket
from typing import Any

from easiness.errors import BadInput
from easiness.executors.needs import Machine

# of Ray's own, unless the user has set them: no statistics to its makers; a trial that takes too much memory
# is not tried again for ever; workers without a GPU see none
_SETTINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_task_oom_retries": "3",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "1",
}

_SECONDS_TO_ANSWER = 10.0

_started = False


def connected(address: str | None = None) -> Any:
    """The module ``ray``, connected to the cluster at this address.

    Without one it is that of the job which this process is (``RAY_ADDRESS``), else one of its own on this
    machine, which ends with `disconnect` or this process. A connection that there is already is kept.

    Raises:
        BadInput: there is no cluster at the address.
    """
    global _started
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)
    import ray

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
    try:
        ray.init(address=address, log_to_driver=False, logging_level="ERROR", **own)
    except (ConnectionError, RuntimeError, ValueError) as error:
        reason = str(error).strip().split("\n")[0][:200] or type(error).__name__
        raise BadInput(f"ray address {address}: cannot be connected to ({reason})") from error
    _started = True
    return ray


def _check_answers(address: str) -> None:
    """Raise `BadInput` where nobody listens at ``host:port``: Ray itself tries for minutes."""
    host, _, port = address.rpartition(":")
    if not (host and port.isdigit()):
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_SECONDS_TO_ANSWER).close()
    except (OSError, OverflowError) as error:
        raise BadInput(
            f"ray address {address}: nobody answers ({error}); give the one that ray start --head printed"
        ) from None


def disconnect() -> None:
    """End the connection that `connected` made, and the cluster that it started."""
    global _started
    if _started:
        import ray

        ray.shutdown()
        _started = False


def machines(address: str | None = None) -> tuple[Machine, ...]:
    """What the living machines of the cluster have, whether or not others use it now.

    Raises:
        BadInput: there is no cluster at the address.
    """
    ray = connected(address)
    return tuple(
        Machine(int(has.get("CPU", 0)), int(has.get("memory", 0)), int(has.get("GPU", 0)))
        for has in (node["Resources"] for node in ray.nodes() if node["Alive"])
    )
