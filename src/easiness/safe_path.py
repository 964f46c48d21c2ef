"""The current folder hides no module of Python's own or an installed one, whatever files lie in it.

``python -m easiness`` puts that folder first on the path, and so does Python for what is started by ``-m`` or
``-c``. Importing this takes it off in the first case, so that it comes before any other import.
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
    """What a new process needs in its environment for the same."""
    return {_SETTING: "1"}
