"""Nothing in the package unpickles, evaluates or starts what others have written, or prints it as it is."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from easiness import lazy, lazy_torch

ROOT = Path(__file__).parents[2] / "src" / "easiness"

OWN = "of a name that is written in this file"
BETWEEN = "values between the driver and its own workers, which run what it says in any case"
ALLOWED = {
    ("executors/ray.py", "ray.cloudpickle"): BETWEEN,
    ("features/frozen.py", "torch.load"): "weights alone, of the one file whose SHA-256 is known",
    ("engine/results.py", "typer.echo"): "what every command prints, escaped",
    ("cli/main.py", "typer.echo"): "the version",
    ("cli/main.py", "print"): "the line of an error, escaped",
    ("standard_error.py", "print"): "progress, escaped",
    ("named_import.py", "importlib.import_module"): "what the user names; of a run only with trust",
    ("__init__.py", "importlib.import_module"): OWN,
    ("lazy.py", "importlib.import_module"): OWN,
    ("lazy.py", "ray.cloudpickle"): "for types alone",
    ("engine/study.py", "importlib.import_module"): OWN,
    ("engine/registry.py", "importlib.import_module"): "studies: our own, and those of installed packages",
    ("models/registry.py", "importlib.import_module"): "of a family, whose names are in the registry",
    ("models/libraries.py", "importlib.import_module"): OWN,
    ("training/device.py", "ctypes"): "one setting of the memory of the C library",
    ("pages/template.py", "markupsafe.Markup"): "our own styles and figures, whose texts are escaped",
}
"""What a file may do all the same, and why."""


def test_no_file_runs_what_others_have_written() -> None:
    found = {
        (path.relative_to(ROOT).as_posix(), what)
        for path in ROOT.rglob("*.py")
        for what in forbidden(path.read_text("utf-8"))
    }
    assert found == set(ALLOWED)


PLANTED = {
    "import pickle": "pickle",
    "import pickle as p": "pickle",
    "from pickle import loads": "pickle.loads",
    "import os, marshal": "marshal",
    "from ray import cloudpickle": "ray.cloudpickle",
    "from ray.cloudpickle import loads as read": "ray.cloudpickle.loads",
    "import xml.etree.ElementTree": "xml",
    "def f():\n    import joblib": "joblib",
    "eval(text)": "eval",
    "exec(text, {})": "exec",
    "compile(text, '', 'exec')": "compile",
    "import builtins\nbuiltins.eval(text)": "builtins.eval",
    "__import__(name)": "__import__",
    "import os\nos.system(text)": "os.system",
    "from os import system as run\nrun(text)": "os.system",
    "import os\nos.execvp(text, [])": "os.execvp",
    "import subprocess": "subprocess",
    "run(text, shell=True)": "shell=True",
    "run(text, shell=wanted)": "shell=True",
    "import torch\ntorch.load(path, weights_only=True)": "torch.load",
    "from torch import load\nload(path)": "torch.load",
    "read(path, weights_only=False)": "weights_only=False",
    "import numpy as np\nnp.load(path)": "numpy.load",
    "import numpy as np\nnp.load(path, allow_pickle=True)": "allow_pickle=True",
    "read(path, allow_pickle=own)": "allow_pickle=True",
    "import pandas as pd\npd.read_pickle(path)": "pandas.read_pickle",
    "from easiness.lazy import pd\npd.read_pickle(path)": "pandas.read_pickle",
    "from easiness.lazy import cloudpickle": "ray.cloudpickle",
    "from easiness.lazy import Lazy\nreader = Lazy('pickle')": "pickle",
    "from easiness.lazy_torch import torch\ntorch.load(path)": "torch.load",
    "table.eval(text)": ".eval",
    "table.query(text)": ".query",
    "archive.extractall(path)": ".extractall",
    "import importlib\nimportlib.import_module(name)": "importlib.import_module",
    "from importlib import import_module\nimport_module(name)": "importlib.import_module",
    "load_dataset(name, trust_remote_code=True)": "trust_remote_code=True",
    "Environment(autoescape=False)": "autoescape=False",
    "from markupsafe import Markup\nMarkup(text)": "markupsafe.Markup",
}


@pytest.mark.parametrize(("source", "name"), PLANTED.items())
def test_it_is_seen(source: str, name: str) -> None:
    assert name in set(forbidden(source))


HARMLESS = [
    "import re\nre.compile(text)",
    "model.eval()",
    "import numpy as np\nnp.load(path, allow_pickle=False)",
    "from easiness.cells import code",
    "import torch\ntorch.compile(network)",
    "import json\njson.loads(text)",
    "x.load(path)",
]


@pytest.mark.parametrize("source", HARMLESS)
def test_what_is_harmless_is_not(source: str) -> None:
    assert set(forbidden(source)) == set()


@pytest.mark.parametrize("template", sorted(ROOT.glob("pages/*.html")), ids=lambda path: path.name)
def test_templates_call_nothing_safe_but_what_is_written_in_them(template: Path) -> None:
    text = template.read_text("utf-8")
    assert len(re.findall(r"\bsafe\b", text)) == len(re.findall(r"'[^']*'\|safe\b", text))
    assert "autoescape" not in text


SCRIPTS = sorted(ROOT.glob("pages/scripts/*.js"))
INTO_THE_PAGE = (
    r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|\.srcdoc|javascript:"
)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_scripts_of_a_page_put_text_into_it_as_text(script: Path) -> None:
    assert re.findall(INTO_THE_PAGE, script.read_text("utf-8")) == []


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


LAZY = {
    f"{module.__name__}.{name}": value._name
    for module in (lazy, lazy_torch)
    for name, value in vars(module).items()
    if isinstance(value, lazy.Lazy)
}
"""The libraries that our names stand for: ``pandas`` for ``easiness.lazy.pd``."""


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
                name = f"{node.module}.{one.name}"
                known[one.asname or one.name] = LAZY.get(name, name)
    return known


def _is_of(name: str) -> bool:
    # also where a package hands it on, as ray.cloudpickle
    return any(f".{one}." in f".{name}." for one in MODULES) and not name.startswith("easiness.")


def _call(node: ast.Call, known: dict[str, str]) -> Iterator[str]:
    name = _dotted(node.func)
    first, _, rest = name.partition(".")
    whole = ".".join(filter(None, (known.get(first, first), rest)))
    if whole == "easiness.lazy.Lazy":
        yield from filter(_is_of, (str(one.value) for one in node.args if isinstance(one, ast.Constant)))
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
