"""What a field may hold, in words, and what its author says of it: from annotations and comments. Pure."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from bench.reference.markdown import code, prose

#: Annotations that have words of their own.
Named = Sequence[tuple[Any, str]]

_PLAIN: Named = (
    (type(None), "null"),
    (bool, "true or false"),
    (int, "whole number"),
    (float, "number"),
    (str, "text"),
    (Path, "path"),
    (datetime, "instant"),
    (Any, "anything"),
)


def hints(model: type[BaseModel]) -> dict[str, Any]:
    """The annotation of every field, as it was written."""
    # Class by class: pydantic's own base has annotations that only a type checker can resolve.
    known: dict[str, Any] = {}
    for base in _models_above(model):
        known |= inspect.get_annotations(base, eval_str=True)
    return {name: known[name] for name in model.model_fields}


def in_words(kind: Any, named: Named = ()) -> str:
    """The annotation ``kind``; ``named`` goes before what its parts would say. A model is a link to its heading."""
    for one, words in (*named, *_PLAIN):
        if kind is one:
            return words
    origin, args = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _bounded(in_words(args[0], named), args[1:])
    if origin in (Union, UnionType):
        return " or ".join(in_words(one, named) for one in args)
    if origin is Literal:
        return ", ".join(code(one) for one in args)
    if origin is list or (origin is tuple and args[-1] is ...):
        return f"list of {in_words(args[0], named)}"
    if origin is tuple:
        return f"[{', '.join(in_words(one, named) for one in args)}]"
    if origin is dict:
        return f"table of {in_words(args[1], named)} by name"
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return f"[{kind.__name__}](#{kind.__name__.lower()})"
    raise TypeError(f"no words for {kind}")


def models_in(kind: Any) -> list[type[BaseModel]]:
    """The models that the annotation ``kind`` names, in order."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return [kind]
    return [model for one in get_args(kind) if one is not ... for model in models_in(one)]


def remarks(model: type[BaseModel]) -> dict[str, str]:
    """What stands as a ``#:`` comment above each field of a model and of its bases."""
    found: dict[str, str] = {}
    for base in _models_above(model):
        found |= _own_remarks(base)
    return found


def described(model: type[BaseModel]) -> str:
    """The model's docstring, a line for each paragraph."""
    return "\n\n".join(prose(part) for part in inspect.cleandoc(model.__doc__ or "").split("\n\n"))


def default_of(field: FieldInfo) -> str:
    """As TOML or JSON has it; nothing for a value that has to be given, and for one that is made from others."""
    if field.is_required() or field.default is None or isinstance(field.default, BaseModel):
        return ""
    value = field.get_default(call_default_factory=True)
    if isinstance(value, list | tuple):
        return code(list(value)) if value else ""
    if isinstance(value, bool):
        return code(str(value).lower())
    return "" if value in ("", {}) or isinstance(value, BaseModel) else code(value)


def _models_above(model: type[BaseModel]) -> list[type[BaseModel]]:
    """The model's bases, itself last."""
    return [base for base in reversed(model.__mro__) if issubclass(base, BaseModel) and base is not BaseModel]


def _own_remarks(model: type[BaseModel]) -> dict[str, str]:
    source = textwrap.dedent(inspect.getsource(model))
    lines = [line.strip() for line in source.splitlines()]
    (definition,) = ast.parse(source).body
    assert isinstance(definition, ast.ClassDef)
    found = {}
    for node in definition.body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            above = node.lineno - 1
            while lines[above - 1].startswith("#:"):
                above -= 1
            text = " ".join(line.removeprefix("#:") for line in lines[above : node.lineno - 1])
            if text:
                found[node.target.id] = prose(text)
    return found


def _bounded(words: str, metadata: Sequence[Any]) -> str:
    """``words`` and the bounds that stand beside the type."""
    limits: dict[str, Any] = {}
    for one in metadata:
        for part in getattr(one, "metadata", [one]):
            limits |= {name: getattr(part, name) for name in ("ge", "gt", "le", "lt", "pattern") if hasattr(part, name)}
    limits = {name: value for name, value in limits.items() if value is not None}
    said = {"ge": "at least {}", "gt": "above {}", "le": "at most {}", "lt": "below {}", "pattern": "of the form `{}`"}
    return ", ".join([words, *(said[name].format(value) for name, value in limits.items())])
