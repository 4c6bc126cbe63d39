"""docs/reference/results.md: every field of result.json, from the records themselves."""

from __future__ import annotations

import re

from pydantic import BaseModel

from bench.records import METHOD_VERSION, SCHEMA_VERSION, Result
from bench.reference.annotations import described, hints, in_words, models_in, remarks
from bench.reference.markdown import code, table, whole_page


def page() -> str:
    """The page's text."""
    return whole_page(
        "The result file",
        f"`result.json`, schema version {SCHEMA_VERSION}, method version {METHOD_VERSION}. The JSON schema is "
        "[`bench/schema/result-1.json`](../../bench/schema/result-1.json). A number that could not be had is null, "
        "with its reason beside it, never 0. [What a run leaves behind](../results.md) has the other files, and a "
        "program that recomputes the figures from them.",
        *(section(model) for model in models(Result)),
    )


def models(root: type[BaseModel]) -> list[type[BaseModel]]:
    """``root`` and every model in it, each once, in the order in which a reader comes upon them."""
    found = [root]
    for model in found:
        inside = [one for kind in hints(model).values() for one in models_in(kind)]
        found += [one for one in dict.fromkeys(inside) if one not in found]
    return found


def section(model: type[BaseModel]) -> str:
    """One record: what it is, and its fields."""
    said = remarks(model)
    rows = [[code(name), in_words(kind), said.get(name, "")] for name, kind in hints(model).items()]
    text = "\n\n".join([f"## {model.__name__}", described(model), table(["field", "holds", "remark"], rows)])
    # What Python calls it; the page is about JSON.
    return re.sub(r"\bNone\b", "null", text)
