"""Threads that wait for each other sleep instead of spinning.

A thread that spins keeps a core from the very thread that it waits for, wherever anything else runs. OpenMP's
runtime reads ``OMP_WAIT_POLICY`` once, when torch is loaded. GNU's and LLVM's let their own finer settings,
``GOMP_SPINCOUNT`` and ``KMP_BLOCKTIME``, win over it, so that those of the user hold beside it.
"""

from __future__ import annotations

import os
import sys
import warnings

_POLICY = "OMP_WAIT_POLICY"
_CHOICES = (_POLICY, "GOMP_SPINCOUNT", "KMP_BLOCKTIME")  # whoever sets one of them knows

_warned = False


def passive_environment() -> dict[str, str]:
    """What a new process needs in its environment; nothing where the user has set the variable."""
    return {} if _POLICY in os.environ else {_POLICY: "passive"}


def wait_passively() -> None:
    """Let the threads of this process, and of those it starts, sleep while they wait.

    A setting of the user's stays. Where torch is loaded it is too late, and nothing is set.
    """
    if "torch" not in sys.modules:
        os.environ.update(passive_environment())


def warn_of_spinning() -> None:
    """Warn, once in a process, that the threads of a torch which is loaded spin, unless that is known."""
    global _warned
    if _warned or any(name in os.environ for name in _CHOICES):
        return
    _warned = True
    warnings.warn(
        f"torch was loaded with {_POLICY} unset, so that its threads spin while they wait: beside other "
        f"programs training can take several times as long. Set {_POLICY}=passive before torch is imported, "
        "or have `from easiness import measure` above `import torch`; any value of it ends this warning.",
        stacklevel=2,
    )
