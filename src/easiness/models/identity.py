"""What tells one callable from another: where it can be imported from, else its source text."""

from __future__ import annotations

import ast
import functools
import hashlib
import inspect
import linecache
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

from easiness.named_import import split_name

_DIGITS = 12

_Definition = ast.FunctionDef | ast.ClassDef | ast.Lambda


def importable_name(value: Any) -> str | None:
    """``package.module:name`` where importing that gives this very object, else ``None``."""
    module, name = getattr(value, "__module__", None), getattr(value, "__qualname__", None)
    if not isinstance(module, str) or not isinstance(name, str) or module == "__main__":
        return None
    full = f"{module}:{name}"
    if split_name(full) is None or vars(sys.modules.get(module, object)).get(name) is not value:
        return None
    return full


def identity(value: Callable[..., Any]) -> tuple[str, str]:
    """A title for people, and a digest of the definition and of what it uses.

    Functions and classes that can be imported count by their names, others by their source text without
    comments and blanks, or by their bytecode where there is no text. Numbers, texts and lists of them count
    by their value, anything else by its type.
    """
    text = "\n".join(_described(value, set()))
    return _title(value), hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]


def _title(value: Any) -> str:
    while isinstance(value, functools.partial):
        value = value.func
    name = getattr(value, "__name__", type(value).__name__)
    return re.sub(r"\W", "", name) or "model"


def _described(value: Any, seen: set[int]) -> Iterator[str]:
    """Lines that are equal for equal definitions."""
    name = importable_name(value)
    if name is not None:
        yield name
    elif isinstance(value, ModuleType):
        yield value.__name__
    elif value is None or isinstance(value, str | bytes | int | float):
        yield repr(value)
    elif id(value) in seen:
        yield "as above"
    else:
        seen.add(id(value))
        yield from _described_in_parts(value, seen)


def _described_in_parts(value: Any, seen: set[int]) -> Iterator[str]:
    yield type(value).__name__
    if isinstance(value, functools.partial):
        parts: dict[str, Any] = {
            "func": value.func,
            "args": value.args,
            **dict(sorted(value.keywords.items())),
        }
    elif isinstance(value, MethodType):
        parts = {"of": value.__self__, "function": value.__func__}
    elif isinstance(value, type) and not _codes(value):
        yield f"{value.__module__}.{value.__qualname__}"
        parts = {"bases": value.__bases__}
    elif isinstance(value, BuiltinFunctionType):
        yield f"{value.__module__}.{value.__qualname__}"
        return
    elif isinstance(value, FunctionType | type):
        definition = _definition(value)
        yield from [ast.unparse(definition)] if definition else map(_bytecode, _codes(value))
        parts = dict(_used(value, definition))
    elif isinstance(value, Mapping):
        parts = {repr(key): inner for key, inner in value.items()}
    elif isinstance(value, list | tuple):
        parts = {str(at): inner for at, inner in enumerate(value)}
    elif callable(value):
        parts = {"class": type(value), **getattr(value, "__dict__", {})}
    else:
        return
    for key, inner in parts.items():
        yield f"{key}:"
        yield from _described(inner, seen)


def _codes(value: FunctionType | type) -> list[CodeType]:
    """The code of a function, or of the methods that a class defines itself."""
    if isinstance(value, FunctionType):
        return [value.__code__]
    return [inner.__code__ for inner in vars(value).values() if isinstance(inner, FunctionType)]


def _definition(value: FunctionType | type) -> _Definition | None:
    """Where it is defined in its file, or in the cell of a notebook; ``None`` where there is no text.

    Not by `inspect.getsource`, which knows no class of a notebook, and of a lambda all lines that it is on.
    """
    for code in _codes(value):
        lines = linecache.getlines(code.co_filename)
        try:
            tree = ast.parse("".join(lines))
        except SyntaxError:
            continue
        found = [node for node in ast.walk(tree) if _is_definition(node, value, code)]
        if found:
            return min(found, key=_size)  # type: ignore[return-value]
    return None


def _is_definition(node: ast.AST, value: FunctionType | type, code: CodeType) -> bool:
    if isinstance(value, type):
        return (
            isinstance(node, ast.ClassDef)
            and node.name == value.__name__
            and node.lineno <= code.co_firstlineno <= (node.end_lineno or 0)
        )
    if value.__name__ == "<lambda>":
        return isinstance(node, ast.Lambda) and node.lineno == code.co_firstlineno and _holds(node, code)
    if not isinstance(node, ast.FunctionDef) or node.name != value.__name__:
        return False
    return min([node.lineno, *(one.lineno for one in node.decorator_list)]) == code.co_firstlineno


def _holds(node: ast.Lambda, code: CodeType) -> bool:
    """Does all that the code does lie in the body? Two lambdas may stand on one line."""
    body = node.body
    first, last = (body.lineno, body.col_offset), (body.end_lineno or 0, body.end_col_offset or 0)
    places = [place for place in code.co_positions() if None not in place and place[3]]
    return all(first <= (p[0], p[2]) and (p[1], p[3]) <= last for p in places)


def _size(node: ast.AST) -> int:
    return sum(1 for _ in ast.walk(node))


def _bytecode(code: CodeType) -> str:
    """What stands for the text, where there is none: equal in one version of Python."""
    constants = []
    for one in code.co_consts:
        if isinstance(one, CodeType):
            constants.append(_bytecode(one))
        else:  # a set has another order in each process
            constants.append(repr(sorted(map(repr, one)) if isinstance(one, frozenset) else one))
    return f"{code.co_name} {code.co_code.hex()} {code.co_names} {code.co_varnames} {constants}"


def _used(value: FunctionType | type, definition: _Definition | None) -> Iterator[tuple[str, Any]]:
    """What is taken from around the definition, by name, in the order of the names."""
    if definition is None:
        names = {name for code in _codes(value) for name in _names_of(code)}
    else:
        names = {node.id for node in ast.walk(definition) if isinstance(node, ast.Name)}
    around: dict[str, Any] = dict(vars(sys.modules.get(value.__module__, object)))
    functions = [value] if isinstance(value, FunctionType) else vars(value).values()
    for function in functions:
        if isinstance(function, FunctionType):
            around |= {**function.__globals__, **inspect.getclosurevars(function).nonlocals}
    own = {name for code in _codes(value) for name in _locals_of(code)} | {value.__name__}
    for name in sorted((names - own) & around.keys()):
        yield name, around[name]


def _names_of(code: CodeType) -> Iterator[str]:
    yield from (*code.co_names, *code.co_freevars)
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _names_of(inner)


def _locals_of(code: CodeType) -> Iterator[str]:
    yield from code.co_varnames
    yield from code.co_cellvars
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _locals_of(inner)
