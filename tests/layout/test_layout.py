"""How the code is laid out: packages use each other through their faces, and nothing grows large."""

from __future__ import annotations

import ast
import functools
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

import easiness

PROJECT = Path(__file__).parents[2]
ROOT = PROJECT / "src" / "easiness"
PAGES = [page for page in (PROJECT / "docs").rglob("*.md") if page.name != "commands.md"]  # generated


def name_of(file: Path) -> str:
    """``easiness.runs.plan``, and a package's own name for its face."""
    parts = file.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def package_of(name: str) -> str:
    """The package of a module: a folder of easiness; each study is a package of its own."""
    parts = name.split(".")
    return ".".join(parts[: 3 if parts[1:2] in (["studies"], ["paper"]) and len(parts) > 2 else 2])


MODULES = {name_of(file): file for file in sorted(ROOT.rglob("*.py"))}
FACES = {name for name, file in MODULES.items() if file.name == "__init__.py" and package_of(name) == name}


@functools.cache
def nodes_of(file: Path) -> list[ast.AST]:
    """Everything in the syntax of a file, which each test here goes through: parsed once."""
    return list(ast.walk(ast.parse(file.read_text("utf-8"))))


def imports(file: Path, *, types: bool = True) -> Iterator[tuple[str, str]]:
    """Modules of ours that a file imports from, wherever it does, and the names that it takes.

    Without ``types`` those that only type checkers follow (``if TYPE_CHECKING:``) are left out.
    """
    skipped = set[ast.AST]()
    if not types:
        guards = (node for node in nodes_of(file) if isinstance(node, ast.If))
        skipped = {
            inner for one in guards if ast.unparse(one.test) == "TYPE_CHECKING" for inner in ast.walk(one)
        }
    for node in nodes_of(file):
        if node in skipped:
            continue
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("easiness"):
            yield from ((str(node.module), alias.name) for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from ((one.name, "") for one in node.names if one.name.startswith("easiness"))


def imported(file: Path) -> Iterator[str]:
    """Modules of ours that a file names in its imports."""
    for module, name in imports(file):
        # a face gives a function before the module of the same name
        yield f"{module}.{name}" if f"{module}.{name}" in MODULES and module not in FACES else module


def behind(module: str, name: str) -> str:
    """The module that a name comes from: a face only hands it on, a lazy one as its stub says."""
    if module not in FACES:
        return f"{module}.{name}" if f"{module}.{name}" in MODULES else module
    stub = MODULES[module].with_suffix(".pyi")
    for node in nodes_of(stub if stub.exists() else MODULES[module]):
        if isinstance(node, ast.ImportFrom) and name in {alias.asname or alias.name for alias in node.names}:
            home = f"{module}.{node.module}" if node.level else str(node.module)
            return home if home in MODULES else module
    return f"{module}.{name}" if f"{module}.{name}" in MODULES else module


def test_other_packages_are_used_through_their_faces() -> None:
    past = []
    for name, file in MODULES.items():
        own = package_of(name)
        others = {other for other in imported(file) if own not in (package_of(other), "easiness")}
        past += [(name, other) for other in others if package_of(other) in FACES and other not in FACES]
    assert not past, "take what the second names from the face of its package"


def test_files_stay_small() -> None:
    sizes = {name: file.read_text("utf-8").count("\n") for name, file in MODULES.items()}
    assert {name for name, size in sizes.items() if size > 600} == set()
    assert sum(size > 400 for size in sizes.values()) <= len(sizes) / 10


def test_sentences_of_docstrings_begin_with_their_subject() -> None:
    texts = {
        f"{name}:{node.lineno}": " ".join(node.value.value.split())
        for name, file in MODULES.items()
        for node in nodes_of(file)
        if isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    }
    begins = re.compile(r"(?:^|[.] )(?:Of|That|Those|What|Whose)\b")
    assert [place for place, text in texts.items() if begins.search(text)] == []


def test_no_two_classes_share_a_name() -> None:
    names = Counter(
        node.name for file in MODULES.values() for node in nodes_of(file) if isinstance(node, ast.ClassDef)
    )
    # Lightning and transformers each have a callback that records, of which users import one
    assert {name for name, times in names.items() if times > 1} == {"RecordCallback"}


# "read", "run", "set", "cut" and the like are verbs as well
PARTICIPLE = re.compile(
    """(?x)
    [a-z]+ed | begun | bound | brought | built | caught | chosen | dealt | done | drawn | driven | eaten
    | foretold | forgotten | found | given | gone | grown | heard | held | hidden | kept | known | lost
    | made | meant | met | paid | said | seen | sent | shown | sold | sought | spent | spoken | stolen |
    stood | taken | taught | thrown | told | torn | understood | woken | won | worn | written"""
)
# terms of the field; what only looks like a participle; names that options, columns and files have
TERM = re.compile(
    """(?x)
    augmented | bed | embed | embedded | expected | feed | need | normalized | observed | pooled | predicted |
    pretrained | red | seed | speed | suggested |
    balanced | compiled | decided | dealt | done | folded | graphed | known | learned | measured | needed |
    packed | perturbed | placed | ranked | required | resolved | seeded | shared | stopped | stored |
    together | typed | unfinished"""
)


def names_in(file: Path) -> Iterator[str]:
    """Every name that a file gives: its own, and those of classes, functions, parameters and variables."""
    yield file.stem
    for node in nodes_of(file):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.id if isinstance(node, ast.Name) else node.attr


def is_bare_participle(name: str) -> bool:
    """Is the name one word that says what was done to a thing, and not which thing?"""
    word = "" if re.search("[a-z][A-Z]", name) else name.strip("_").lower()
    return bool(PARTICIPLE.fullmatch(word)) and not TERM.fullmatch(word)


def test_no_name_is_a_bare_participle() -> None:
    names = {(name, one) for name, file in MODULES.items() for one in names_in(file)}
    assert {(name, one) for name, one in names if is_bare_participle(one)} == set()


def test_signatures_stay_small() -> None:
    large = []
    for name, node in functions():
        if (name, node.name) not in flat_by_design():
            names = [one.arg for one in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]
            large += [f"{name}.{node.name}"] if len({*names} - {"self", "cls"}) > 8 else []
    assert not large


def functions() -> Iterator[tuple[str, ast.FunctionDef]]:
    """Every function, with the module it is in."""
    for name, file in MODULES.items():
        yield from ((name, node) for node in nodes_of(file) if isinstance(node, ast.FunctionDef))


@functools.cache
def flat_by_design() -> frozenset[tuple[str, str]]:
    """Functions that users call, whose signatures they read."""
    public = {name: getattr(easiness, name) for name in dir(easiness)}
    return frozenset(
        (one.__module__, "__init__" if isinstance(one, type) else name)
        for name, one in public.items()
        if hasattr(one, "__module__")
    )


def test_long_functions_are_few() -> None:
    long = []
    for name, node in functions():
        doc = ast.get_docstring(node, clean=False) or ""
        lines = (node.end_lineno or 0) - node.lineno + 1 - len(doc.splitlines())
        long += [f"{name}.{node.name}"] if lines > 50 else []
    assert len(long) <= 10, long


def of_files(*, types: bool = False) -> dict[str, set[str]]:
    """Who imports whom, by file; imports in functions count as well.

    Those for types alone do not: a function that draws a result and the result name each other.
    """
    return {
        name: {behind(*one) for one in imports(file, types=types)} - {name}
        for name, file in MODULES.items()
        if name not in FACES
    }


def of_packages() -> dict[str, set[str]]:
    """The same by package, between which imports for types count as well."""
    found: dict[str, set[str]] = {}
    for name, others in of_files(types=True).items():
        own = package_of(name)
        found.setdefault(own, set()).update({package_of(other) for other in others} - {own})
    return found


@pytest.mark.parametrize("graph", [of_files, of_packages])
def test_there_is_no_circle(graph: Callable[[], dict[str, set[str]]]) -> None:
    uses, done = graph(), set[str]()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, " -> ".join((*path, name))
        if name in done:
            return
        for other in sorted(uses.get(name, ())):
            visit(other, (*path, name))
        done.add(name)

    for name in sorted(uses):
        visit(name, ())


@pytest.mark.parametrize("of", ["src", "tests"])
def test_no_folder_has_more_than_20_files(of: str) -> None:
    sizes = Counter(file.parent for file in (PROJECT / of).rglob("*.py"))
    assert {str(folder) for folder, size in sizes.items() if size > 20} == set()


def test_imports_are_a_small_part_of_the_source() -> None:
    num_lines = sum(file.read_text("utf-8").count("\n") for file in MODULES.values())
    nodes = (node for file in MODULES.values() for node in nodes_of(file))
    found = (node for node in nodes if isinstance(node, ast.Import | ast.ImportFrom))
    num_imports = sum((node.end_lineno or node.lineno) - node.lineno + 1 for node in found)
    assert num_imports / num_lines <= 0.07


def test_the_documentation_can_be_read_in_an_evening() -> None:
    assert len((PROJECT / "README.md").read_text("utf-8").splitlines()) <= 100
    assert len(PAGES) > 50
    assert sum(len(page.read_text("utf-8").split()) for page in PAGES) <= 37_500


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_opens_with_its_command(page: Path) -> None:
    opening = page.read_text("utf-8").splitlines()[:25]
    assert any(re.match("```(sh|console|python|sql)$", line) or "`easiness " in line for line in opening)


def test_hooks_before_a_commit_are_the_steps_of_make_lint() -> None:
    recipe = (PROJECT / "Makefile").read_text("utf-8").split("\nlint:")[1].split("\n\n")[0]
    steps = [line.strip().replace("$(BIN)", ".venv/bin") for line in recipe.splitlines()[1:]]
    (local,) = yaml.safe_load((PROJECT / ".pre-commit-config.yaml").read_text("utf-8"))["repos"]
    hooks = [hook["entry"] for hook in local["hooks"]]
    # its tests of the layout take the longest, and are left to `make lint`
    assert [*hooks, steps[-1]] == steps
    assert steps[-1].endswith("tests/layout")
    assert local["repo"] == "local"
    assert all(hook["language"] == "system" for hook in local["hooks"])
