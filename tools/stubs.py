"""Write the stubs of the front door: what editors and type checkers see of functions that follow from values.

    python tools/stubs.py [--check]

The functions of `easiness` and `easiness.paper` are made when they are first used, from what each command
asks. With --check nothing is written, and the exit code is 1 where a stub is not what would be written.
"""

from __future__ import annotations

import importlib
import inspect
import re
import subprocess
import sys
import typing
from pathlib import Path
from typing import Any

import easiness
from easiness.commands import COMMANDS, PAPER, CommandEntry
from easiness.engine import find_function

ROOT = Path(easiness.__file__).parent
HEADER = '"""Written by tools/stubs.py; a test holds it."""\n'
_NAMED = {"Any": "typing", "Path": "pathlib", "Progress": "easiness.runs", "Recipe": "easiness.spec"}
"""Names in types that are written as texts, and where they are."""


def stub(commands: tuple[CommandEntry, ...], homes: dict[str, str], more: str = "") -> str:
    """The text of a stub: imports, then a signature for each command."""
    imports: set[tuple[str, str]] = {(f"easiness.{home}", name) for name, home in homes.items()}
    reexported = [f"from {module} import {name} as {name}" for module, name in sorted(imports)]
    used: set[tuple[str, str]] = set()
    functions = []
    for one in commands:
        function = find_function(one.name)
        name = one.name.rpartition(" ")[2]
        functions.append(f"def {name}{_signature(inspect.signature(function), used)}: ...")
    lines = [f"from {module} import {name}" for module, name in sorted(used - imports)]
    return "\n".join([HEADER, *sorted(lines), *reexported, more, *functions, ""])


def _signature(signature: inspect.Signature, used: set[tuple[str, str]]) -> str:
    parts, starred = [], False
    for one in signature.parameters.values():
        if one.kind is one.KEYWORD_ONLY and not starred:
            parts.append("*")
            starred = True
        default = "" if one.default is one.empty else " = ..."
        parts.append(f"{one.name}: {_type(one.annotation, used)}{default}")
    # by what is asked one function gives several results; a union would have to be told apart at each call
    returned = signature.return_annotation
    kind = Any if len(typing.get_args(returned)) > 1 else returned
    return f"({', '.join(parts)}) -> {_type(kind, used)}"


def _type(kind: Any, used: set[tuple[str, str]]) -> str:
    """The type as written in a stub; the names it needs are added to ``used``."""
    if kind is None or kind is type(None):
        return "None"
    if kind is ...:
        return "..."
    if isinstance(kind, str | typing.ForwardRef):
        text = kind if isinstance(kind, str) else kind.__forward_arg__
        for name, module in _NAMED.items():
            if re.search(rf"\b{name}\b", text):
                used.add((module, name))
        return text
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Literal:
        used.add(("typing", "Literal"))
        return f"Literal[{', '.join(map(repr, arguments))}]"
    if origin is not None and (arguments or origin is tuple):
        parts = [_type(one, used) for one in arguments]
        if origin is typing.Union or getattr(origin, "__name__", "") == "UnionType":
            return " | ".join(parts)
        return f"{_type(origin, used)}[{', '.join(parts)}]"
    if kind is Any:
        used.add(("typing", "Any"))
        return "Any"
    module, name = kind.__module__, kind.__qualname__
    if module != "builtins":
        used.add((_face(module, name), name))
    return str(name)


def _face(module: str, name: str) -> str:
    """The package whose face has the name, or else the module."""
    package = module.rpartition(".")[0]
    of_ours = module.startswith("easiness.") and package != "easiness"
    return package if of_ours and hasattr(importlib.import_module(package), name) else module


def stubs() -> dict[Path, str]:
    """Both stubs by their paths, formatted."""
    homes = vars(easiness)["_HOMES"]
    found = {
        ROOT / "__init__.pyi": stub(
            COMMANDS, homes, "from easiness import paper as paper\n\n__version__: str\n"
        ),
        ROOT / "paper/__init__.pyi": stub(PAPER, {}),
    }
    return {path: _formatted(text) for path, text in found.items()}


def _formatted(text: str) -> str:
    for command in (["check", "--select", "I,F401", "--fix", "--quiet"], ["format", "--quiet"]):
        ruff = [sys.executable, "-m", "ruff", *command, "--stdin-filename", str(ROOT / "stub.pyi"), "-"]
        text = subprocess.run(ruff, input=text, capture_output=True, text=True, check=True).stdout
    return text


def main() -> None:
    """Write both, or with ``--check`` say whether they would change."""
    changed = [path for path, text in stubs().items() if not path.exists() or path.read_text() != text]
    if "--check" in sys.argv[1:]:
        sys.exit(f"{', '.join(map(str, changed))}: run python tools/stubs.py" if changed else 0)
    for path, text in stubs().items():
        path.write_text(text)
        print(path.relative_to(ROOT.parent))


if __name__ == "__main__":
    main()
