"""This process and those that it starts, whatever lies in the current folder or runs beside them.

``python -m easiness`` puts the current folder first on the path, where a file would hide a module; importing
this takes it off, so it comes before any other import.

Threads that wait for each other sleep: one that spins keeps a core from the very thread that it waits for.
OpenMP reads ``OMP_WAIT_POLICY`` once, when torch is loaded; ``GOMP_SPINCOUNT`` and ``KMP_BLOCKTIME`` of the
user win over it.
"""

import os
import sys

_SETTING = "PYTHONSAFEPATH"
_BY_MODULE = ("-measiness", "easiness", "easiness.__main__")


def _leave_current_folder() -> None:
    """Where the package itself lies in it, it goes to the end of the path."""
    if sys.flags.safe_path or sys.argv[:1] != ["-m"] or not set(_BY_MODULE) & set(sys.orig_argv):
        return
    folder = os.getcwd()  # noqa: PTH109 pathlib is not loaded yet
    if sys.path[:1] == [folder]:
        del sys.path[0]
        if os.path.dirname(os.path.dirname(os.path.abspath(__file__))) == folder:  # noqa: PTH100, PTH120
            sys.path.append(folder)


_leave_current_folder()


class ChildrenOffCurrentFolder:
    """While it is entered, Python processes that start do not look for modules in the current folder."""

    def __enter__(self) -> None:
        self._before = os.environ.get(_SETTING)
        os.environ[_SETTING] = "1"

    def __exit__(self, *_: object) -> None:
        if self._before is None:
            os.environ.pop(_SETTING, None)
        else:
            os.environ[_SETTING] = self._before


def safe_environment() -> dict[str, str]:
    """Environment of a new process for the same."""
    return {_SETTING: "1"}


_number = 0


def worker_number() -> int:
    """The number of this worker, from 0; also 0 in a process that is not one."""
    return _number


def become_worker(number: int) -> None:
    """Make this process the worker of this ``number``."""
    global _number
    _number = number


_POLICY = "OMP_WAIT_POLICY"
_CHOICES = (_POLICY, "GOMP_SPINCOUNT", "KMP_BLOCKTIME")  # whoever sets one of them knows

_has_warned = False


def passive_environment() -> dict[str, str]:
    """Environment of a new process; empty where the user has set the variable."""
    return {} if _POLICY in os.environ else {_POLICY: "passive"}


def wait_passively() -> None:
    """Let the threads of this process, and of those it starts, sleep while they wait.

    A setting of the user's stays. Where torch is loaded it is too late, and nothing is set.
    """
    if "torch" not in sys.modules:
        os.environ.update(passive_environment())


def warn_of_spinning() -> None:
    """Warn, once in a process, that the threads of a torch which is loaded spin, unless that is known."""
    global _has_warned
    if _has_warned or any(name in os.environ for name in _CHOICES):
        return
    _has_warned = True
    import warnings  # not before the current folder is off the path

    warnings.warn(
        f"torch was loaded with {_POLICY} unset, so that its threads spin while they wait: beside other "
        f"programs training can take several times as long. Set {_POLICY}=passive before torch is imported, "
        "or have `from easiness import measure` above `import torch`; any value of it ends this warning.",
        stacklevel=2,
    )
