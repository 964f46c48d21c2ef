"""How the code is laid out: packages use each other through their faces, and nothing grows large."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2] / "src" / "easiness"
FILES = sorted(ROOT.rglob("*.py"))
# flat by design: users read their signatures, and the command line's are spread from values
PUBLIC = {"load_dataset", "perturb"}


def name_of(file: Path) -> str:
    """``easiness.runs.plan``, and a package's own name for its face."""
    parts = file.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def package_of(name: str) -> str:
    """What a module belongs to: a folder of easiness, of the studies each its own."""
    parts = name.split(".")
    return ".".join(parts[: 3 if parts[1:2] == ["studies"] and len(parts) > 2 else 2])


MODULES = {name_of(file): file for file in FILES}
FACES = {name for name, file in MODULES.items() if file.name == "__init__.py" and package_of(name) == name}


def imported(file: Path) -> Iterator[str]:
    """Modules of ours that a file imports from, wherever it does."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if (
            isinstance(node, ast.ImportFrom)
            and node.level == 0
            and (node.module or "").startswith("easiness")
        ):
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                # a face gives a function before the module of the same name
                yield full if full in MODULES and node.module not in FACES else str(node.module)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith("easiness"))


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_other_packages_are_used_through_their_faces(file: Path) -> None:
    own = package_of(name_of(file))
    others = {name for name in imported(file) if own not in (package_of(name), "easiness")}
    past = sorted(name for name in others if package_of(name) in FACES and name not in FACES)
    assert not past, f"{name_of(file)} imports {', '.join(past)}: take it from the face of the package"


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_files_and_signatures_stay_small(file: Path) -> None:
    text = file.read_text("utf-8")
    assert text.count("\n") <= 300
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.FunctionDef) or node.name in public_names() | PUBLIC:
            continue
        names = [one.arg for one in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]
        assert len([name for name in names if name not in ("self", "cls")]) <= 8, node.name


def public_names() -> set[str]:
    import easiness

    return set(easiness.__all__)


def test_there_is_no_circle() -> None:
    # imports for the sake of types do not count: they never run
    uses: dict[str, set[str]] = {}
    for name, file in MODULES.items():
        tree = ast.parse(file.read_text("utf-8"))
        top = [node for node in tree.body if isinstance(node, ast.ImportFrom) and node.level == 0]
        found = set()
        for node in top:
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                found.add(full if full in MODULES else str(node.module))
        uses[name] = {one for one in found if one in MODULES and one != name}
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, " -> ".join((*path, name))
        if name in done:
            return
        for other in sorted(uses[name]):
            visit(other, (*path, name))
        done.add(name)

    for name in MODULES:
        visit(name, ())
