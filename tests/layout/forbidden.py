"""What a source file does that could run code of others, found in its syntax."""

from __future__ import annotations

import ast
from collections.abc import Iterator

MODULES = {
    *(
        "pickle",
        "_pickle",
        "cPickle",
        "pickletools",
        "cloudpickle",
        "dill",
        "joblib",
        "jsonpickle",
        "copyreg",
    ),
    *("marshal", "shelve", "yaml", "code", "codeop", "runpy", "imp", "pty", "subprocess", "ctypes", "cffi"),
    *("tarfile", "xml", "xmlrpc", "webbrowser"),
}
"""Not to be imported, whole or in part, whatever package hands them on."""

BUILTINS = {"eval", "exec", "compile", "__import__", "breakpoint", "print"}

CALLS = {
    *("os.system", "os.popen", "os.startfile", "os.fork", "os.forkpty"),
    *("torch.load", "torch.jit.load", "torch.hub.load", "torch.serialization.load"),
    *("torch.classes.load_library", "torch.ops.load_library", "pandas.read_pickle", "pandas.eval"),
    *("importlib.import_module", "importlib.util.spec_from_file_location", "shutil.unpack_archive"),
    *("jinja2.Template", "markupsafe.Markup", "typer.echo", "click.echo", "sys.stdout.write"),
}

METHODS = {"extractall", "to_pickle", "from_string", "query", "load_module", "exec_module"}
"""Of anything: archives, tables, templates, loaders."""

KEYWORDS = {
    "allow_pickle": True,
    "shell": True,
    "trust_remote_code": True,
    "weights_only": False,
    "autoescape": False,
}
"""Arguments that are not to be given so, or as anything that is not written out."""


def forbidden(source: str) -> Iterator[str]:
    """What there is of it in the source of a module, each by its name, as often as it is there."""
    tree = ast.parse(source)
    known = _imported(tree)
    yield from (name for name in known.values() if _is_of(name))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield from _call(node, known)


def _imported(tree: ast.Module) -> dict[str, str]:
    """What names of the file stand for: ``np`` for ``numpy``."""
    known: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for one in node.names:
                first = one.name.partition(".")[0]
                known[one.asname or first] = one.name if one.asname else first
        elif isinstance(node, ast.ImportFrom):
            for one in node.names:
                known[one.asname or one.name] = f"{node.module}.{one.name}"
    return known


def _is_of(name: str) -> bool:
    # also where a package hands it on, as ray.cloudpickle
    return any(f".{one}." in f".{name}." for one in MODULES) and not name.startswith("easiness.")


def _call(node: ast.Call, known: dict[str, str]) -> Iterator[str]:
    name = _dotted(node.func)
    first, _, rest = name.partition(".")
    whole = ".".join(filter(None, (known.get(first, first), rest)))
    of_python = whole.removeprefix("builtins.") in BUILTINS and (first not in known or first == "builtins")
    if of_python or whole in CALLS or whole.startswith(("os.exec", "os.spawn", "os.posix_spawn")):
        yield whole
    elif whole.rpartition(".")[2] in METHODS and isinstance(node.func, ast.Attribute):
        yield f".{node.func.attr}"
    elif whole.endswith(".eval") and node.args:  # a network's takes none
        yield ".eval"
    given = {one.arg: one.value for one in node.keywords}
    if whole == "numpy.load" and "allow_pickle" not in given:  # so that nobody needs to know the default
        yield "numpy.load"
    for argument, value in KEYWORDS.items():
        if argument in given and not _is(given[argument], not value):
            yield f"{argument}={value}"


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else "?"


def _is(node: ast.expr, value: bool) -> bool:
    return isinstance(node, ast.Constant) and node.value is value
